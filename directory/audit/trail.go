package audit

import (
	"context"
	"sync"
)

// Trail is what a request leaves in the journal. It is safe for concurrent use; so is a nil one, which keeps nothing.
type Trail struct {
	Actor   Actor
	Deed    string
	Subject string
	Site    string
	// Undoes is the entry that the request takes back; zero means none.
	Undoes uint64

	mu       sync.Mutex
	recorded bool
	refused  bool
}

type trailKey struct{}

// With gives a context whose changes are those of t.
func With(ctx context.Context, t *Trail) context.Context {
	return context.WithValue(ctx, trailKey{}, t)
}

// Of gives the trail of a context, nil when it has none.
func Of(ctx context.Context) *Trail {
	t, _ := ctx.Value(trailKey{}).(*Trail)
	return t
}

// Recorded notes that the journal has the deed, or that there was nothing to record.
func (t *Trail) Recorded() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorded = true
}

// Refused notes that nothing was done, though the answer is no fault: a page that says why not.
func (t *Trail) Refused() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = true
}

// Open says whether the deed was done and the journal does not have it yet.
func (t *Trail) Open() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.recorded && !t.refused
}

// About says what the deed was done to, where its path does not.
func (t *Trail) About(subject string) {
	if t != nil {
		t.Subject = subject
	}
}

// Entry is what the trail says, without changes. A nil trail is the server's.
func (t *Trail) Entry() Entry {
	if t == nil {
		return Entry{By: Actor{Via: ViaServer}}
	}
	e := Entry{By: t.Actor, Deed: t.Deed, Subject: t.Subject, Site: t.Site, Undoes: t.Undoes}
	if e.By.Via == "" {
		e.By.Via = ViaServer
	}
	return e
}
