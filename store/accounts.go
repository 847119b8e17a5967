package store

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
)

// accountRecord is an account of the portal; its secrets are in Sealed.
type accountRecord struct {
	Account *directory.Account
	Sealed  map[string][]byte `json:",omitempty"` // field → sealed secret
}

// accountPath is where an account is, as far as sealing is concerned.
func accountPath(id string) string { return "accounts/" + id + "/" }

// Account gives what is kept of an account; one of which nothing is kept has its ID only.
func (s *Store) Account(ctx context.Context, id string) (directory.Account, error) {
	a := directory.Account{ID: id}
	err := s.view(ctx, func(tx *bolt.Tx) (err error) {
		a, err = s.account(tx, id)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("read account %s: %w", id, err)
	}
	return a, nil
}

// EditAccount changes an account by change, in one transaction: all of it is kept or, with an error, nothing.
func (s *Store) EditAccount(ctx context.Context, id string, change func(*directory.Account) error) error {
	err := s.update(ctx, func(tx *bolt.Tx) error {
		a, err := s.account(tx, id)
		if err != nil {
			return err
		}
		if err := change(&a); err != nil {
			return err
		}
		r := accountRecord{Account: &a, Sealed: make(map[string][]byte)}
		a.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
			r.Sealed[field] = s.sealer.seal(string(purpose), accountPath(id)+field, secret.Reveal())
		})
		raw, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketAccounts).Put([]byte(id), raw)
	})
	if err != nil {
		return fmt.Errorf("change account %s: %w", id, err)
	}
	return nil
}

// account reads an account in the caller's transaction.
func (s *Store) account(tx *bolt.Tx, id string) (directory.Account, error) {
	raw := tx.Bucket(bucketAccounts).Get([]byte(id))
	if raw == nil {
		return directory.Account{ID: id}, nil
	}
	r := accountRecord{}
	if err := json.Unmarshal(raw, &r); err != nil || r.Account == nil {
		return directory.Account{}, fmt.Errorf("decode: %w (%v)", ErrDamaged, err)
	}
	r.Account.ID = id
	var fault error
	r.Account.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
		text, err := s.sealer.open(string(purpose), accountPath(id)+field, r.Sealed[field])
		if err != nil && fault == nil {
			fault = err
		}
		*secret = directory.Secret(text)
	})
	return *r.Account, fault
}
