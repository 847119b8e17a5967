package store

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/sip"
)

var _ sip.Locations = (*Store)(nil)

// LoadBindings gives every stored binding, expired ones too (sip.Locations).
func (s *Store) LoadBindings(ctx context.Context) ([]sip.Binding, error) {
	var bindings []sip.Binding
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketBindings).ForEach(func(k, raw []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var b sip.Binding
			if err := json.Unmarshal(raw, &b); err != nil {
				return fmt.Errorf("binding %q: %w (%v)", k, ErrDamaged, err)
			}
			bindings = append(bindings, b)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the bindings: %w", err)
	}
	return bindings, nil
}

// SaveBindings writes put and removes del in one transaction (sip.Locations).
func (s *Store) SaveBindings(ctx context.Context, put []sip.Binding, del []sip.BindingKey) error {
	if len(put) == 0 && len(del) == 0 {
		return nil
	}
	err := s.update(ctx, func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketBindings)
		for _, k := range del { // before put: the same binding may have come back
			if err := bucket.Delete(bindingKey(k)); err != nil {
				return err
			}
		}
		for _, b := range put {
			raw, err := json.Marshal(b)
			if err != nil {
				return err
			}
			if err := bucket.Put(bindingKey(b.Key()), raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save the bindings: %w", err)
	}
	return nil
}

func bindingKey(k sip.BindingKey) []byte { return []byte(string(k.AOR) + "\x00" + k.ID) }
