package sip

import "sync"

// ChangeKind says what happened to a binding.
type ChangeKind int

// What may happen to a binding.
const (
	Registered   ChangeKind = iota // new
	Refreshed                      // the phone registered it again
	Unregistered                   // the phone removed it
	Replaced                       // a newer one took its place
	Expired                        // its time ran out
	FlowLost                       // its connection closed: it stays, but cannot be reached
)

// String returns the kind as it is logged.
func (k ChangeKind) String() string {
	switch k {
	case Registered:
		return "registered"
	case Refreshed:
		return "refreshed"
	case Unregistered:
		return "unregistered"
	case Replaced:
		return "replaced"
	case Expired:
		return "expired"
	case FlowLost:
		return "flow lost"
	}
	return "unknown"
}

// Change is told to observers.
type Change struct {
	Kind    ChangeKind
	Binding Binding // as it is now, or as it was
}

// changes carries changes from the shards to the observers, in the order in which they happened to an AOR. Posting never
// waits.
type changes struct {
	observers []func(Change) // set before Run, then read only

	mu    sync.Mutex // guards queue
	queue []Change
	wake  chan struct{}
}

// post may be called with a shard's lock held.
func (c *changes) post(kind ChangeKind, b *Binding) {
	if len(c.observers) == 0 {
		return
	}
	c.mu.Lock()
	c.queue = append(c.queue, Change{Kind: kind, Binding: *b})
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// deliver hands all that is queued to the observers.
func (c *changes) deliver() {
	for {
		c.mu.Lock()
		batch := c.queue
		c.queue = nil
		c.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, ch := range batch {
			for _, tell := range c.observers {
				tell(ch)
			}
		}
	}
}
