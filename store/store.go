package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = time.Second

// Store is an open data file.
type Store struct {
	db       *bolt.DB
	sealer   *sealer
	writes   writes        // how long the disk took
	auditAge time.Duration // how long entries of the journal of changes are kept
	hashes   chan struct{} // one token per password hash under way: each takes 19 MiB
}

// Open opens the data file, makes it if absent, and brings it to the present schema.
func Open(path string, key Key) (*Store, error) {
	sealer, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	if err != nil {
		if errors.Is(err, bolterrors.ErrTimeout) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Store{db: db, sealer: sealer, auditAge: DefaultAuditAge, hashes: make(chan struct{}, maxHashes)}
	if err := db.Update(s.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return s, nil
}

// prepare migrates the file and proves the key, in one transaction.
func (s *Store) prepare(tx *bolt.Tx) error {
	if err := migrate(tx); err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	sealed := meta.Get(keyCheck)
	if sealed == nil {
		return meta.Put(keyCheck, s.sealer.seal(purposeCheck, string(keyCheck), "passerelle"))
	}
	if _, err := s.sealer.open(purposeCheck, string(keyCheck), sealed); err != nil {
		return ErrWrongKey
	}
	return nil
}

// Close waits for transactions under way and lets go of the file.
func (s *Store) Close() error { return s.db.Close() }

// Check reads the whole file and gives what is inconsistent in it.
func (s *Store) Check(ctx context.Context) error {
	return s.view(ctx, func(tx *bolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// view reads in a transaction, unless ctx has ended.
func (s *Store) view(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return known(s.db.View(f))
}

// update changes in a transaction, unless ctx has ended.
func (s *Store) update(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var done time.Time
	err := s.db.Update(func(tx *bolt.Tx) error {
		defer func() { done = time.Now() }()
		return f(tx)
	})
	if err == nil {
		s.writes.add(time.Now(), time.Since(done))
	}
	return known(err)
}

// known gives bbolt's error for a closed file our name.
func known(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
