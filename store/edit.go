package store

import (
	"context"
	"crypto/rand"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
	"passerelle/directory/audit"
)

// Import puts the sites of e in the place of those with the same domain and adds the others. The
// whole must be sound (directory.Validate). Entitled users without a space ID keep the one they
// had or get a new one. progress, if not nil, is told how many users of how many are written. The
// import takes e over.
func (s *Store) Import(ctx context.Context, e *directory.Enterprise, progress func(done, total int)) error {
	for _, site := range e.Sites { // refs of another snapshot mean nothing here
		for u := range site.Everyone() {
			u.Ref = 0
		}
	}
	return s.Edit(ctx, progress, func(current *directory.Enterprise) (*directory.Enterprise, error) {
		return directory.Merge(current, e, false), nil
	})
}

// Edit changes the enterprise by change, which gets the present one, its own to alter, and gives
// the one to be. It runs in one transaction that no other change can come between: all of it is
// kept, or, with an error, nothing. Users keep their identity by their Ref. What is different
// afterwards stands in the journal of changes, by whom the context's audit.Trail says.
func (s *Store) Edit(ctx context.Context, progress func(done, total int), change func(current *directory.Enterprise) (*directory.Enterprise, error)) error {
	_, err := s.Change(ctx, progress, change)
	return err
}

// Change is Edit for those who go on with what is kept afterwards: it gives that, as Load and directory.New would.
func (s *Store) Change(ctx context.Context, progress func(done, total int), change func(current *directory.Enterprise) (*directory.Enterprise, error)) (*directory.Directory, error) {
	if progress == nil {
		progress = func(int, int) {}
	}
	var dir *directory.Directory
	err := s.update(ctx, func(tx *bolt.Tx) error {
		current, err := s.load(ctx, tx)
		if err != nil {
			return err
		}
		w := &writer{s: s, tx: tx, progress: progress, former: kept(current)}
		if err := w.readSites(); err != nil {
			return err
		}
		next, err := change(current)
		if err != nil {
			return err
		}
		if dir, err = w.write(ctx, next); err != nil {
			return err
		}
		return w.record(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("change the enterprise: %w", err)
	}
	audit.Of(ctx).Recorded()
	return dir, nil
}

// writer writes an enterprise over the one that is stored.
type writer struct {
	s        *Store
	tx       *bolt.Tx
	progress func(done, total int)
	former   former
	sitesWas map[string]*directory.Site // as they were, by domain, without their users
	noted    audit.Entry                // what is different, as far as it is written
}

// write completes, checks and stores the enterprise.
func (w *writer) write(ctx context.Context, e *directory.Enterprise) (*directory.Directory, error) {
	total, err := w.assignRefs(e)
	if err != nil {
		return nil, err
	}
	if _, err := directory.FillSpaceIDs(e, rand.Reader); err != nil {
		return nil, err
	}
	if err := w.s.hashFew(ctx, e); err != nil {
		return nil, err
	}
	// New links and fills in defaults; the transaction ends with an error if any rule is broken.
	dir, err := directory.New(e)
	if err != nil {
		return nil, err
	}
	if err := w.tx.Bucket(bucketMeta).Put(keyEnterprise, []byte(e.Name)); err != nil {
		return nil, fmt.Errorf("write the enterprise: %w", err)
	}
	if err := w.sites(e); err != nil {
		return nil, err
	}
	return dir, w.users(ctx, e, total)
}

// assignRefs numbers new users, and counts all. Refs are never used again.
func (w *writer) assignRefs(e *directory.Enterprise) (total int, err error) {
	meta := w.tx.Bucket(bucketMeta)
	last := number(meta.Get(keyLastRef))
	taken := make(map[uint64]bool)
	for _, site := range e.Sites {
		for u := range site.Everyone() {
			if _, known := w.former.users[u.Ref]; !known || taken[u.Ref] {
				last++
				u.Ref = last
			}
			taken[u.Ref] = true
			total++
		}
	}
	if err := meta.Put(keyLastRef, bigEndian(last)); err != nil {
		return 0, fmt.Errorf("write the last user number: %w", err)
	}
	return total, nil
}

// sites writes every site and removes those that are gone.
func (w *writer) sites(e *directory.Enterprise) error {
	if err := w.tx.DeleteBucket(bucketSites); err != nil {
		return fmt.Errorf("write the sites: %w", err)
	}
	bucket, err := w.tx.CreateBucket(bucketSites)
	if err != nil {
		return fmt.Errorf("write the sites: %w", err)
	}
	for i, site := range e.Sites {
		site.Revision = w.former.sites[site.Domain].next(siteFingerprint(site))
		raw, err := w.s.encodeSite(i, site)
		if err != nil {
			return err
		}
		if err := bucket.Put([]byte(site.Domain), raw); err != nil {
			return fmt.Errorf("write site %s: %w", site.Name, err)
		}
		w.note(audit.DiffSite(w.sitesWas[site.Domain], site))
		delete(w.sitesWas, site.Domain)
	}
	for _, gone := range w.sitesWas {
		w.note(audit.DiffSite(gone, nil))
	}
	return nil
}

// progressEvery is how many users are written between two reports.
const progressEvery = 100

// users writes the users that changed and removes those that are gone.
func (w *writer) users(ctx context.Context, e *directory.Enterprise, total int) error {
	bucket := w.tx.Bucket(bucketUsers)
	done := 0
	for _, site := range e.Sites {
		people, places := 0, 0
		for u := range site.Everyone() {
			position := &people
			if u.Kind == directory.Workspace {
				position = &places
			}
			r := userRecord{Domain: site.Domain, Workspace: u.Kind == directory.Workspace, Position: *position, User: u}
			*position++
			if err := w.user(bucket, r); err != nil {
				return err
			}
			delete(w.former.users, u.Ref)
			if done++; done%progressEvery == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
				w.progress(done, total)
			}
		}
	}
	for ref := range w.former.users {
		if err := w.noteUser(bucket, ref, nil, ""); err != nil {
			return err
		}
		if err := bucket.Delete(bigEndian(ref)); err != nil {
			return fmt.Errorf("remove user %d: %w", ref, err)
		}
	}
	w.progress(done, total)
	return nil
}

// user writes one user unless it is as it was.
func (w *writer) user(bucket *bolt.Bucket, r userRecord) error {
	old, known := w.former.users[r.User.Ref]
	print := fingerprintOf(r.User)
	r.User.Revision = old.next(print)
	if known && old.print == print && old.place == placeOf(r) {
		return nil
	}
	if err := w.noteUser(bucket, r.User.Ref, r.User, r.Domain); err != nil {
		return err
	}
	raw, err := w.s.encodeUser(r)
	if err != nil {
		return err
	}
	if err := bucket.Put(bigEndian(r.User.Ref), raw); err != nil {
		return fmt.Errorf("write user %d: %w", r.User.Ref, err)
	}
	return nil
}
