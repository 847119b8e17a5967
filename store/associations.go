package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"passerelle/hoteling"
)

var _ hoteling.Store = (*Store)(nil)

// associationRecord is a guest on the host whose Ref is the key.
type associationRecord struct {
	Guest  uint64
	Since  time.Time
	Until  time.Time `json:",omitzero"` // absolute: a restart extends nothing
	Source hoteling.Source
}

// createAssociations is for guests on host phones.
func createAssociations(tx *bolt.Tx) error {
	for _, name := range [][]byte{bucketAssociations, bucketGuests} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	return nil
}

// LoadAssociations gives every stored association, those whose time is over too (hoteling.Store).
func (s *Store) LoadAssociations(ctx context.Context) ([]hoteling.Association, error) {
	var list []hoteling.Association
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketAssociations).ForEach(func(k, raw []byte) error {
			var r associationRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				return fmt.Errorf("association on %d: %w (%v)", number(k), ErrDamaged, err)
			}
			list = append(list, hoteling.Association{Host: number(k), Guest: r.Guest, Since: r.Since, Until: r.Until, Source: r.Source})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the associations: %w", err)
	}
	return list, nil
}

// ChangeAssociations frees hosts, then seats guests, in one transaction (hoteling.Store).
func (s *Store) ChangeAssociations(ctx context.Context, free []uint64, seat []hoteling.Association) error {
	if len(free) == 0 && len(seat) == 0 {
		return nil
	}
	err := s.update(ctx, func(tx *bolt.Tx) error {
		t := associationTx{hosts: tx.Bucket(bucketAssociations), guests: tx.Bucket(bucketGuests)}
		for _, host := range free {
			if err := t.free(bigEndian(host)); err != nil {
				return err
			}
		}
		for _, a := range seat {
			if err := t.seat(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change the associations: %w", err)
	}
	return nil
}

// associationTx keeps the two buckets of one transaction in step: one guest per host and one host per guest.
type associationTx struct{ hosts, guests *bolt.Bucket }

func (t associationTx) free(host []byte) error {
	raw := t.hosts.Get(host)
	if raw == nil {
		return nil
	}
	var r associationRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("association on %d: %w (%v)", number(host), ErrDamaged, err)
	}
	if err := t.guests.Delete(bigEndian(r.Guest)); err != nil {
		return err
	}
	return t.hosts.Delete(host)
}

func (t associationTx) seat(a hoteling.Association) error {
	host, guest := bigEndian(a.Host), bigEndian(a.Guest)
	if former := t.guests.Get(guest); former != nil {
		if err := t.free(append([]byte(nil), former...)); err != nil {
			return err
		}
	}
	if err := t.free(host); err != nil {
		return err
	}
	raw, err := json.Marshal(associationRecord{Guest: a.Guest, Since: a.Since.UTC(), Until: a.Until.UTC(), Source: a.Source})
	if err != nil {
		return err
	}
	if err := t.hosts.Put(host, raw); err != nil {
		return err
	}
	return t.guests.Put(guest, host)
}
