package sip

import "sync"

// turns is an owner without a goroutine of its own while it has nothing to do: work is done one piece after the other, by
// a goroutine that ends when nothing is left. Tens of thousands of owners that rest cost only their memory.
type turns struct {
	wait *sync.WaitGroup // waits for the goroutines

	mu     sync.Mutex // guards all below
	queue  []func()
	busy   bool
	closed bool
}

// post queues work and reports whether it will be done: not after close, nor when more than room pieces wait. Zero is any
// room. It never waits.
func (t *turns) post(room int, f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || room > 0 && len(t.queue) >= room {
		return false
	}
	t.queue = append(t.queue, f)
	if !t.busy {
		t.busy = true
		t.wait.Go(t.work) // ends when the queue is empty; the server waits for it
	}
	return true
}

func (t *turns) work() {
	for {
		t.mu.Lock()
		if len(t.queue) == 0 {
			t.queue, t.busy = nil, false
			t.mu.Unlock()
			return
		}
		f := t.queue[0]
		t.queue[0] = nil
		t.queue = t.queue[1:]
		t.mu.Unlock()
		f() // survives its panics itself
	}
}

// close refuses work from now on; what is queued is still done.
func (t *turns) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
}
