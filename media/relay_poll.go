package media

import (
	"slices"
	"time"
)

// timedPoller looks at all its sockets again and again: for sockets that the kernel cannot be asked about, such as those of a
// network in memory.
type timedPoller struct {
	woken   chan struct{}
	timer   *time.Timer
	sockets []*relaySocket
}

const (
	// timedPollEvery is how often the sockets are looked at.
	timedPollEvery = 5 * time.Millisecond
	// timedPollReads bounds what one socket's flood can hold up.
	timedPollReads = 64
)

func newTimedPoller() *timedPoller {
	return &timedPoller{woken: make(chan struct{}, 1), timer: time.NewTimer(0)}
}

func (p *timedPoller) wait(d time.Duration) []*relaySocket {
	if len(p.sockets) > 0 {
		d = min(d, timedPollEvery)
	}
	p.timer.Reset(d)
	select {
	case <-p.woken:
	case <-p.timer.C:
	}
	return p.sockets
}

func (p *timedPoller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (p *timedPoller) add(s *relaySocket) error {
	p.sockets = append(slices.Clip(p.sockets), s) // what wait returned stays as it is
	return nil
}

func (p *timedPoller) remove(s *relaySocket) {
	p.sockets = slices.DeleteFunc(slices.Clone(p.sockets), func(o *relaySocket) bool { return o == s })
}

func (p *timedPoller) reads() int { return timedPollReads }

func (p *timedPoller) close() { p.timer.Stop() }
