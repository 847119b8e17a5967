package store

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
)

// APITokens gives every token of the API that is kept, those that have expired too.
func (s *Store) APITokens(ctx context.Context) ([]directory.APIToken, error) {
	var all []directory.APIToken
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketTokens).ForEach(func(id, raw []byte) error {
			var t directory.APIToken
			if err := json.Unmarshal(raw, &t); err != nil {
				return fmt.Errorf("decode token %s: %w (%v)", id, ErrDamaged, err)
			}
			all = append(all, t)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	return all, nil
}

// KeepAPIToken keeps a token, in place of one with the same ID.
func (s *Store) KeepAPIToken(ctx context.Context, t directory.APIToken) error {
	raw, err := json.Marshal(t)
	if err == nil {
		err = s.update(ctx, func(tx *bolt.Tx) error { return tx.Bucket(bucketTokens).Put([]byte(t.ID), raw) })
	}
	if err != nil {
		return fmt.Errorf("keep token %s: %w", t.ID, err)
	}
	return nil
}

// ForgetAPIToken removes a token; one that is not there is no fault.
func (s *Store) ForgetAPIToken(ctx context.Context, id string) error {
	err := s.update(ctx, func(tx *bolt.Tx) error { return tx.Bucket(bucketTokens).Delete([]byte(id)) })
	if err != nil {
		return fmt.Errorf("forget token %s: %w", id, err)
	}
	return nil
}

func createTokens(tx *bolt.Tx) error { return create(tx, bucketTokens, bucketAnswers) }
