package hoteling

import "sync"

// inbox is the work that waits for the desk. Posting never waits: phones are bounded by their subscriptions, and others wait
// for their answer.
type inbox struct {
	wake chan struct{} // one token while there is work

	mu     sync.Mutex // guards all below
	queue  []func()
	closed bool
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// post queues work and reports whether it will be done.
func (b *inbox) post(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.queue = append(b.queue, f)
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take gives the work there is.
func (b *inbox) take() []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = nil
	return q
}

// close refuses work from now on and gives what was not done.
func (b *inbox) close() []func() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.take()
}
