package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
	"passerelle/directory/audit"
)

// createAudit is for the journal of changes.
func createAudit(tx *bolt.Tx) error { return create(tx, bucketAudit) }

// The bounds of the journal of changes.
const (
	// DefaultAuditAge is how long an entry is kept where nothing else is said.
	DefaultAuditAge = 365 * 24 * time.Hour
	// maxAudit is how many entries are kept at most.
	maxAudit = 200_000
	// auditTrim is how many old entries one new one removes at most, so that no change waits long.
	auditTrim = 100
)

// KeepAudit says how long entries of the journal are kept; zero means DefaultAuditAge. It is called before the store is used
// by several.
func (s *Store) KeepAudit(age time.Duration) {
	if age > 0 {
		s.auditAge = age
	}
}

// Record adds an entry to the journal of changes and gives its ID. A zero time means now.
func (s *Store) Record(ctx context.Context, e audit.Entry) (id uint64, err error) {
	err = s.update(ctx, func(tx *bolt.Tx) error {
		id, err = s.record(tx, e)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("record %s: %w", e.Deed, err)
	}
	return id, nil
}

// record adds an entry in the caller's transaction, marks the one that it takes back, and removes what is too old.
func (s *Store) record(tx *bolt.Tx, e audit.Entry) (uint64, error) {
	bucket := tx.Bucket(bucketAudit)
	id, err := bucket.NextSequence()
	if err != nil {
		return 0, err
	}
	e.ID = id
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC()
	if e.Undoes != 0 {
		undone, err := entry(bucket, e.Undoes)
		if err != nil {
			return 0, err
		}
		if undone.UndoneBy != 0 {
			return 0, fmt.Errorf("entry %d: %w", e.Undoes, audit.ErrUndone)
		}
		undone.UndoneBy = id
		if err := putEntry(bucket, undone); err != nil {
			return 0, err
		}
	}
	if err := putEntry(bucket, e); err != nil {
		return 0, err
	}
	return id, s.trimAudit(bucket, id, e.At)
}

// trimAudit removes the oldest entries while they are too many or too old.
func (s *Store) trimAudit(bucket *bolt.Bucket, last uint64, now time.Time) error {
	for range auditTrim {
		k, raw := bucket.Cursor().First()
		if k == nil || number(k) == last {
			return nil
		}
		var e audit.Entry
		if err := json.Unmarshal(raw, &e); err == nil && last-number(k) < maxAudit && now.Sub(e.At) <= s.auditAge {
			return nil
		}
		if err := bucket.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func putEntry(bucket *bolt.Bucket, e audit.Entry) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return bucket.Put(bigEndian(e.ID), raw)
}

func entry(bucket *bolt.Bucket, id uint64) (e audit.Entry, err error) {
	raw := bucket.Get(bigEndian(id))
	if raw == nil {
		return e, fmt.Errorf("entry %d: %w", id, audit.ErrNotFound)
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, fmt.Errorf("entry %d: %w (%v)", id, ErrDamaged, err)
	}
	return e, nil
}

// AuditEntry gives one entry of the journal; audit.ErrNotFound where there is none.
func (s *Store) AuditEntry(ctx context.Context, id uint64) (e audit.Entry, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		e, err = entry(tx.Bucket(bucketAudit), id)
		return err
	})
	return e, err
}

// Audit gives entries of the journal, the latest first.
func (s *Store) Audit(ctx context.Context, q audit.Query) (audit.Page, error) {
	var page audit.Page
	err := s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketAudit).Cursor()
		k, raw := c.Last()
		if q.Before != 0 {
			if k, raw = c.Seek(bigEndian(q.Before)); k == nil {
				k, raw = c.Last()
			} else {
				k, raw = c.Prev()
			}
		}
		for scanned := 0; k != nil; k, raw = c.Prev() {
			if len(page.Entries) == q.Limit || scanned == audit.MaxScan {
				page.Next = number(k) + 1
				return ctx.Err()
			}
			scanned++
			var e audit.Entry
			if err := json.Unmarshal(raw, &e); err != nil {
				return fmt.Errorf("entry %d: %w (%v)", number(k), ErrDamaged, err)
			}
			if !q.Since.IsZero() && e.At.Before(q.Since) {
				return nil
			}
			if (q.Until.IsZero() || e.At.Before(q.Until)) && (q.Match == nil || q.Match(&e)) {
				page.Entries = append(page.Entries, e)
			}
		}
		return nil
	})
	if err != nil {
		return audit.Page{}, fmt.Errorf("read the journal of changes: %w", err)
	}
	return page, nil
}

// readSites notes how the sites are before the edit.
func (w *writer) readSites() error {
	w.sitesWas = make(map[string]*directory.Site)
	return w.tx.Bucket(bucketSites).ForEach(func(_, raw []byte) error {
		r, err := w.s.decodeSite(raw)
		if err != nil {
			return err
		}
		directory.FillDefaults(&directory.Enterprise{Sites: []*directory.Site{r.Site}})
		w.sitesWas[r.Site.Domain] = r.Site
		return nil
	})
}

// noteUser notes what is different in a user who is about to be written, or removed when after is nil.
func (w *writer) noteUser(bucket *bolt.Bucket, ref uint64, after *directory.User, domain string) error {
	raw := bucket.Get(bigEndian(ref))
	if raw == nil {
		w.note(audit.DiffUser(nil, after, domain))
		return nil
	}
	if len(w.noted.Changes) >= audit.MaxChanges { // it counts only
		w.noted.More++
		return nil
	}
	was, err := w.s.decodeUser(ref, raw)
	if err != nil {
		return err
	}
	if after == nil {
		domain = was.Domain
	}
	w.note(audit.DiffUser(was.User, after, domain))
	return nil
}

// note keeps changes, as many as fit.
func (w *writer) note(changes []audit.Change) {
	room := min(len(changes), audit.MaxChanges-len(w.noted.Changes))
	w.noted.Changes = append(w.noted.Changes, changes[:room]...)
	w.noted.More += len(changes) - room
}

// record writes what the edit changed, unless that is nothing.
func (w *writer) record(ctx context.Context) error {
	e := audit.Of(ctx).Entry()
	e.Changes, e.More = w.noted.Changes, w.noted.More
	if len(e.Changes) == 0 && e.More == 0 {
		return nil
	}
	_, err := w.s.record(w.tx, e)
	return err
}
