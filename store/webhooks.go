package store

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
	"passerelle/portal/events"
)

var _ events.WebhookStore = (*Store)(nil)

// webhookRecord is a webhook; its secret is in Sealed.
type webhookRecord struct {
	Webhook events.Webhook
	Sealed  []byte
}

// webhookPath is where a webhook's secret is, as far as sealing is concerned.
func webhookPath(id string) string { return "webhooks/" + id + "/secret" }

// LoadWebhooks gives all webhooks (events.WebhookStore).
func (s *Store) LoadWebhooks(ctx context.Context) ([]events.Webhook, error) {
	var list []events.Webhook
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketWebhooks).ForEach(func(k, raw []byte) error {
			var r webhookRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				return fmt.Errorf("webhook %s: %w (%v)", k, ErrDamaged, err)
			}
			secret, err := s.sealer.open(purposeWebhook, webhookPath(r.Webhook.ID), r.Sealed)
			if err != nil {
				return err
			}
			r.Webhook.Secret, r.Webhook.Seq = directory.Secret(secret), number(tx.Bucket(bucketCursors).Get(k))
			list = append(list, r.Webhook)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the webhooks: %w", err)
	}
	return list, nil
}

// SaveWebhook keeps a webhook and its place in the log (events.WebhookStore).
func (s *Store) SaveWebhook(ctx context.Context, w events.Webhook) error {
	r := webhookRecord{Webhook: w, Sealed: s.sealer.seal(purposeWebhook, webhookPath(w.ID), w.Secret.Reveal())}
	r.Webhook.Secret = ""
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep webhook %s: %w", w.ID, err)
	}
	err = s.update(ctx, func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketWebhooks).Put([]byte(w.ID), raw); err != nil {
			return err
		}
		return tx.Bucket(bucketCursors).Put([]byte(w.ID), bigEndian(w.Seq))
	})
	if err != nil {
		return fmt.Errorf("keep webhook %s: %w", w.ID, err)
	}
	return nil
}

// DeleteWebhook forgets a webhook (events.WebhookStore).
func (s *Store) DeleteWebhook(ctx context.Context, id string) error {
	err := s.update(ctx, func(tx *bolt.Tx) error {
		if err := tx.Bucket(bucketWebhooks).Delete([]byte(id)); err != nil {
			return err
		}
		return tx.Bucket(bucketCursors).Delete([]byte(id))
	})
	if err != nil {
		return fmt.Errorf("delete webhook %s: %w", id, err)
	}
	return nil
}

// SavePlaces keeps how far webhooks are (events.WebhookStore).
func (s *Store) SavePlaces(ctx context.Context, places map[string]uint64) error {
	err := s.update(ctx, func(tx *bolt.Tx) error {
		for id, seq := range places {
			if tx.Bucket(bucketWebhooks).Get([]byte(id)) == nil {
				continue
			}
			if err := tx.Bucket(bucketCursors).Put([]byte(id), bigEndian(seq)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the places of %d webhooks: %w", len(places), err)
	}
	return nil
}
