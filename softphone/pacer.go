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
	opened  int             // sockets so far: they are spread over the ticks
	tick    int             // number of the current tick
	late    []time.Duration // of the ticks in the current window
	skipped int
}

// Health tells whether the pacer itself kept up: when it did not, measurements tell of this machine more than of the server.
type Health struct {
	Ticks   int
	LateP99 time.Duration // how late the ticks came
	LateMax time.Duration
	Skipped int // ticks left out because the pacer was hopelessly late
	Drops   int // packets the kernel lost because we did not read in time
}

// pacerTick is how often the pacer looks which calls are due; calls are spread over the ticks of their packet time.
const pacerTick = 5 * time.Millisecond

// NewPacer returns a pacer; Run makes it work.
func NewPacer() *Pacer { return &Pacer{} }

// Run paces until ctx ends. Calls must end first: what is left then stays silent.
func (p *Pacer) Run(ctx context.Context) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		late := now.Sub(start) - time.Duration(n)*pacerTick
		left := 0
		if late > catchUp {
			left = int(late / pacerTick)
			n += left
		}
		p.step(n, left, now, late)
		timer.Reset(time.Until(start.Add(time.Duration(n+1) * pacerTick)))
	}
}

// catchUp is how late the pacer may be and still send everything. Beyond it a telephone would have had a gap, and a burst
// of all that was missed would only make it later.
const catchUp = 100 * time.Millisecond

// step moves the calls that are due at tick n, after some ticks were left out.
func (p *Pacer) step(n, left int, now time.Time, late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tick = n
	p.late = append(p.late, late)
	p.skipped += left
	for _, s := range p.sockets {
		if n < s.next {
			continue
		}
		missed := (n - s.next) / s.every
		s.next += (missed + 1) * s.every
		s.drain()
		s.media.skip(missed)
		s.media.tick(now)
	}
}

// ResetHealth begins a new window.
func (p *Pacer) ResetHealth() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late, p.skipped = p.late[:0], 0
	for _, s := range p.sockets {
		s.dropsBefore = s.drops
	}
}

// Health sums the window up.
func (p *Pacer) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := Health{Ticks: len(p.late), Skipped: p.skipped}
	if q := QuantilesOf(p.late); h.Ticks > 0 {
		h.LateP99, h.LateMax = q.P99, q.Max
	}
	for _, s := range p.sockets {
		h.Drops += int(s.drops - s.dropsBefore)
	}
	return h
}
