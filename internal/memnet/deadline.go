package memnet

import (
	"sync"
	"time"
)

// deadline is a settable point in time that closes a channel when it has passed; the shape is net.Pipe's.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	passed chan struct{}
}

func newDeadline() deadline { return deadline{passed: make(chan struct{})} }

// set moves the deadline; the zero time means none.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.passed // the timer has fired: let it finish
	}
	d.timer = nil
	select {
	case <-d.passed:
		d.passed = make(chan struct{})
	default:
	}
	switch left := time.Until(t); {
	case t.IsZero():
	case left > 0:
		passed := d.passed
		d.timer = time.AfterFunc(left, func() { close(passed) })
	default:
		close(d.passed)
	}
}

// wait returns the channel that closes when the deadline passes.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

func (d *deadline) isPast() bool {
	select {
	case <-d.wait():
		return true
	default:
		return false
	}
}
