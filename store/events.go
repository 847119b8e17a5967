package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"passerelle/portal/events"
)

var _ events.Store = (*Store)(nil)

// createEvents is for the event log and what it is sent to. The log's name tells its cursors from those of another file.
func createEvents(tx *bolt.Tx) error {
	if err := create(tx, bucketEvents, bucketWebhooks, bucketCursors); err != nil {
		return err
	}
	return tx.Bucket(bucketMeta).Put(keyEventLog, []byte(strings.ToLower(rand.Text()[:8])))
}

// maxDropped is how many events one transaction drops beyond as many as it adds, so that none takes long.
const maxDropped = 5000

// EventSpan gives the extent of the log (events.Store).
func (s *Store) EventSpan(ctx context.Context) (span events.Span, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		span = spanOf(tx)
		return nil
	})
	if err != nil {
		return span, fmt.Errorf("read the event log's extent: %w", err)
	}
	return span, nil
}

// spanOf reads the extent in the caller's transaction.
func spanOf(tx *bolt.Tx) events.Span {
	b := tx.Bucket(bucketEvents)
	span := events.Span{Name: string(tx.Bucket(bucketMeta).Get(keyEventLog)), First: b.Sequence() + 1, Last: b.Sequence()}
	if first, _ := b.Cursor().First(); first != nil {
		span.First = number(first)
	}
	return span
}

// AppendEvents adds events to the log and drops the oldest (events.Store).
func (s *Store) AppendEvents(ctx context.Context, list []events.Event, bounds events.Bounds) (span events.Span, err error) {
	raw := make([][]byte, len(list))
	for i := range list {
		if raw[i], err = json.Marshal(list[i]); err != nil {
			return span, fmt.Errorf("keep event %s: %w", list[i].Type, err)
		}
	}
	err = s.update(ctx, func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketEvents)
		b.FillPercent = 0.95 // numbers only grow
		for _, e := range raw {
			n, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(bigEndian(n), e); err != nil {
				return err
			}
		}
		if err := dropEvents(b, bounds, len(raw)+maxDropped); err != nil {
			return err
		}
		span = spanOf(tx)
		return nil
	})
	if err != nil {
		return span, fmt.Errorf("keep %d events: %w", len(list), err)
	}
	return span, nil
}

// dropEvents drops what is beyond the bounds, most at once.
func dropEvents(b *bolt.Bucket, bounds events.Bounds, most int) error {
	last := b.Sequence()
	c := b.Cursor()
	for k, raw := c.First(); k != nil && most > 0; k, raw = c.First() {
		if last-number(k) < uint64(bounds.Most) {
			var e struct{ Time time.Time }
			if err := json.Unmarshal(raw, &e); err != nil {
				return fmt.Errorf("event %d: %w (%v)", number(k), ErrDamaged, err)
			}
			if !e.Time.Before(bounds.Before) {
				return nil
			}
		}
		if err := c.Delete(); err != nil {
			return err
		}
		most--
	}
	return nil
}

// Events gives events that follow a number (events.Store).
func (s *Store) Events(ctx context.Context, after uint64, n int) (list []events.Event, span events.Span, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		span = spanOf(tx)
		c := tx.Bucket(bucketEvents).Cursor()
		for k, raw := c.Seek(bigEndian(after + 1)); k != nil && len(list) < n; k, raw = c.Next() {
			e := events.Event{}
			if err := json.Unmarshal(raw, &e); err != nil {
				return fmt.Errorf("event %d: %w (%v)", number(k), ErrDamaged, err)
			}
			e.Seq = number(k)
			list = append(list, e)
		}
		return nil
	})
	if err != nil {
		return nil, span, fmt.Errorf("read events: %w", err)
	}
	return list, span, nil
}
