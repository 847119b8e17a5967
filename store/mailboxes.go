package store

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"passerelle/call/events"
	"passerelle/sip"
)

// Mailboxes is what waits in the mailboxes of lines: in memory, and in the store so that lamps are right after a restart.
type Mailboxes struct {
	*events.MemoryMailboxes
	store *Store
}

var _ events.Mailboxes = (*Mailboxes)(nil)

// LoadMailboxes reads what waited when it was told last.
func (s *Store) LoadMailboxes(ctx context.Context) (*Mailboxes, error) {
	m := &Mailboxes{events.NewMemoryMailboxes(), s}
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketWaiting).ForEach(func(k, raw []byte) error {
			summary, err := events.ParseSummary(raw)
			if err != nil {
				return fmt.Errorf("mailbox %q: %w (%v)", k, ErrDamaged, err)
			}
			return m.MemoryMailboxes.SetSummary(ctx, sip.AOR(k), summary)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load the mailboxes: %w", err)
	}
	return m, nil
}

// SetSummary implements events.Mailboxes.
func (m *Mailboxes) SetSummary(ctx context.Context, aor sip.AOR, summary events.Summary) error {
	err := m.store.update(ctx, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketWaiting).Put([]byte(aor), summary.Body(""))
	})
	if err != nil {
		return fmt.Errorf("keep the mailbox of %s: %w", aor, err)
	}
	return m.MemoryMailboxes.SetSummary(ctx, aor, summary)
}
