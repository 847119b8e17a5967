package softphone

import (
	"context"
	"sync"
	"time"
)

// Pacer moves the RTP of many calls by one goroutine, on sockets of its own that nobody waits on: a load test must not be
// slowed by its own wake-ups. Arrival times are the kernel's. Packet times must be multiples of 5 ms. Calls in a bubble of
// testing/synctest, or on an in-memory network, do without one.
type Pacer struct {
	mu      sync.Mutex
	sockets []*pacedSocket
	next    int             // phase of the next socket
	late    []time.Duration // of the ticks in the current window
}

// Health tells whether the pacer itself kept up: when it did not, measurements tell of this machine more than of the server.
type Health struct {
	Ticks   int
	LateP99 time.Duration // how late the ticks came
	LateMax time.Duration
	Drops   int // packets the kernel lost because we did not read in time
}

// pacerTick is how often the pacer looks which calls are due; calls are spread over the ticks of their packet time.
const pacerTick = 5 * time.Millisecond

// NewPacer returns a pacer; Run makes it work.
func NewPacer() *Pacer { return &Pacer{} }

// Run paces until ctx ends. Calls must end first: what is left then stays silent.
func (p *Pacer) Run(ctx context.Context) error {
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		p.step(n, now, now.Sub(due))
		due = due.Add(pacerTick)
		if late := time.Since(due); late > time.Second { // the machine was suspended: do not catch up
			due = due.Add(late)
		}
		timer.Reset(time.Until(due))
	}
}

// step moves the calls that are due at tick n.
func (p *Pacer) step(n int, now time.Time, late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = append(p.late, late)
	for _, s := range p.sockets {
		if (n+s.phase)%s.every == 0 {
			s.drain()
			s.media.tick(now)
		}
	}
}

// ResetHealth begins a new window.
func (p *Pacer) ResetHealth() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = p.late[:0]
	for _, s := range p.sockets {
		s.dropsBefore = s.drops
	}
}

// Health sums the window up.
func (p *Pacer) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Health{Ticks: len(p.late)}
	if q := QuantilesOf(p.late); h.Ticks > 0 {
		h.LateP99, h.LateMax = q.P99, q.Max
	}
	for _, s := range p.sockets {
		h.Drops += int(s.drops - s.dropsBefore)
	}
	return h
}
