package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
)

// createAllowed is for sources that are never blocked.
func createAllowed(tx *bolt.Tx) error { return create(tx, bucketAllowed) }

// AllowedSources gives the ranges that are never blocked, by address.
func (s *Store) AllowedSources(ctx context.Context) ([]directory.AllowedSource, error) {
	var all []directory.AllowedSource
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketAllowed).ForEach(func(k, raw []byte) error {
			var a directory.AllowedSource
			if err := json.Unmarshal(raw, &a); err != nil {
				return fmt.Errorf("allowed source %s: %w (%v)", k, ErrDamaged, err)
			}
			all = append(all, a)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the allowed sources: %w", err)
	}
	slices.SortFunc(all, func(a, b directory.AllowedSource) int {
		return cmp.Or(a.Range.Addr().Compare(b.Range.Addr()), cmp.Compare(a.Range.Bits(), b.Range.Bits()))
	})
	return all, nil
}

// AllowSource keeps a range that is never blocked, in place of the same one; directory.ErrTooManyRanges when there are
// MaxAllowedSources others.
func (s *Store) AllowSource(ctx context.Context, a directory.AllowedSource) error {
	raw, err := json.Marshal(a)
	if err == nil {
		err = s.update(ctx, func(tx *bolt.Tx) error {
			bucket := tx.Bucket(bucketAllowed)
			if bucket.Get([]byte(a.Range.String())) == nil && bucket.Stats().KeyN >= directory.MaxAllowedSources {
				return directory.ErrTooManyRanges
			}
			return bucket.Put([]byte(a.Range.String()), raw)
		})
	}
	if err != nil {
		return fmt.Errorf("allow %s: %w", a.Range, err)
	}
	return nil
}

// DisallowSource forgets a range and says whether it was there.
func (s *Store) DisallowSource(ctx context.Context, p netip.Prefix) (was bool, err error) {
	err = s.update(ctx, func(tx *bolt.Tx) error {
		bucket, key := tx.Bucket(bucketAllowed), []byte(p.String())
		was = bucket.Get(key) != nil
		return bucket.Delete(key)
	})
	if err != nil {
		return false, fmt.Errorf("no longer allow %s: %w", p, err)
	}
	return was, nil
}
