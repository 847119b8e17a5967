package events

import (
	"context"
	"sync"

	"passerelle/sip"
)

// Mailboxes keeps what waits in the mailboxes of lines.
type Mailboxes interface {
	// Summary returns what waits for a line; the zero value when nothing is known. It must not wait.
	Summary(aor sip.AOR) Summary
	// SetSummary keeps what waits for a line from now on.
	SetSummary(ctx context.Context, aor sip.AOR, s Summary) error
}

// MemoryMailboxes is a Mailboxes that forgets all when the server ends: mailboxes tell anew then, or the API does.
type MemoryMailboxes struct {
	mu   sync.RWMutex
	byID map[sip.AOR]Summary
}

// NewMemoryMailboxes makes one in which nothing waits.
func NewMemoryMailboxes() *MemoryMailboxes { return &MemoryMailboxes{byID: make(map[sip.AOR]Summary)} }

// Summary implements Mailboxes.
func (m *MemoryMailboxes) Summary(aor sip.AOR) Summary {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.byID[aor]
}

// SetSummary implements Mailboxes.
func (m *MemoryMailboxes) SetSummary(_ context.Context, aor sip.AOR, s Summary) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byID[aor] = s
	return nil
}

var _ Mailboxes = (*MemoryMailboxes)(nil)
