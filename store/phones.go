package store

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
	"passerelle/provision"
)

var _ provision.Store = (*Store)(nil)

// phoneRecord is what is kept of the phone whose MAC address is the key; its secrets are in Sealed.
type phoneRecord struct {
	Phone  provision.Record
	Sealed map[string][]byte `json:",omitempty"` // field → sealed secret
}

// createPhones is for phones that configure themselves.
func createPhones(tx *bolt.Tx) error { return create(tx, bucketPhones) }

// eachPhoneSecret calls f with each secret of a record and its name.
func eachPhoneSecret(r *provision.Record, f func(field string, s *directory.Secret)) {
	f("token", &r.Token)
	if r.Fetch != nil {
		f("password", &r.Fetch.Password)
	}
}

// phonePath is where a phone is, as far as sealing is concerned.
func phonePath(mac directory.MAC, field string) string { return "phones/" + string(mac) + "/" + field }

// LoadPhones gives what is kept of phones (provision.Store).
func (s *Store) LoadPhones(ctx context.Context) ([]provision.Record, error) {
	var list []provision.Record
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketPhones).ForEach(func(k, raw []byte) error {
			var r phoneRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				return fmt.Errorf("phone %s: %w (%v)", k, ErrDamaged, err)
			}
			var fault error
			eachPhoneSecret(&r.Phone, func(field string, secret *directory.Secret) {
				*secret = ""
				sealed, ok := r.Sealed[field]
				if !ok {
					return
				}
				text, err := s.sealer.open(string(directory.PurposeSIP), phonePath(r.Phone.MAC, field), sealed)
				if err != nil {
					fault = err
				}
				*secret = directory.Secret(text)
			})
			if fault != nil {
				return fault
			}
			list = append(list, r.Phone)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the phones: %w", err)
	}
	return list, nil
}

// SavePhone keeps a record in place of the former one of its MAC (provision.Store).
func (s *Store) SavePhone(ctx context.Context, r provision.Record) error {
	kept := phoneRecord{Phone: r, Sealed: make(map[string][]byte)}
	if r.Fetch != nil {
		fetch := *r.Fetch
		kept.Phone.Fetch = &fetch
	}
	eachPhoneSecret(&kept.Phone, func(field string, secret *directory.Secret) {
		if *secret != "" {
			kept.Sealed[field] = s.sealer.seal(string(directory.PurposeSIP), phonePath(r.MAC, field), secret.Reveal())
		}
		*secret = ""
	})
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("keep phone %s: %w", r.MAC, err)
	}
	err = s.update(ctx, func(tx *bolt.Tx) error { return tx.Bucket(bucketPhones).Put([]byte(r.MAC), raw) })
	if err != nil {
		return fmt.Errorf("keep phone %s: %w", r.MAC, err)
	}
	return nil
}
