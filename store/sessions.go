package store

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Sessions keeps the portal's sessions under the tokens it is given: hashes, so that the file opens no session.
type Sessions struct{ s *Store }

// Sessions gives the store's view of itself as a keeper of sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{s} }

// Find gives the data of a session that has not expired.
func (k *Sessions) Find(token string) (data []byte, found bool, err error) {
	err = k.s.view(context.Background(), func(tx *bolt.Tx) error {
		raw := tx.Bucket(bucketSessions).Get([]byte(token))
		if len(raw) > 8 && !expired(raw, time.Now()) {
			data, found = append([]byte(nil), raw[8:]...), true
		}
		return nil
	})
	return data, found, err
}

// Commit keeps a session until its expiry, in place of what was kept under the token.
func (k *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return k.s.update(context.Background(), func(tx *bolt.Tx) error {
		return tx.Bucket(bucketSessions).Put([]byte(token), append(bigEndian(uint64(expiry.UnixMilli())), data...))
	})
}

// Delete forgets a session; one that is not there is no fault.
func (k *Sessions) Delete(token string) error {
	return k.s.update(context.Background(), func(tx *bolt.Tx) error { return tx.Bucket(bucketSessions).Delete([]byte(token)) })
}

// Sweep removes the sessions that have expired and says how many they were.
func (k *Sessions) Sweep(ctx context.Context) (removed int, err error) {
	now := time.Now()
	err = k.s.update(ctx, func(tx *bolt.Tx) error {
		removed = 0
		c := tx.Bucket(bucketSessions).Cursor()
		for token, raw := c.First(); token != nil; token, raw = c.Next() {
			if !expired(raw, now) {
				continue
			}
			if err := c.Delete(); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed, err
}

// expired says whether a record's time, its first eight bytes, is over; a record without one is.
func expired(raw []byte, now time.Time) bool {
	return len(raw) < 8 || int64(number(raw[:8])) <= now.UnixMilli()
}
