package sip

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// penalties slow guessing down: each wrong answer for a user name from a source address waits longer than the one before.
// Only answers to wrong credentials wait; a right password is never held up, whoever else guesses behind the same address.
type penalties struct {
	most  int           // entries per generation
	limit time.Duration // longest step
	seed  maphash.Seed

	mu    sync.Mutex // guards all below
	young map[penaltyKey]*penalty
	old   map[penaltyKey]*penalty
	since time.Time // when young began
	due   [32]dueAnswers
}

// dueAnswers counts the answers that go out in one second; together they bound what waits in memory.
type dueAnswers struct {
	second int64
	n      int
}

// penaltyKey is a source address and a user name; of the latter only a hash, since anybody chooses its length.
type penaltyKey struct {
	addr netip.Addr
	user uint64
}

type penalty struct {
	fails   int
	until   time.Time // when the last waiting answer goes out
	waiting [4]uint64 // requests whose answer waits, by hash
	next    uint8
}

const (
	penaltyMemory = 10 * time.Minute // a quiet source is forgiven after one to two of it
	penaltyFirst  = 500 * time.Millisecond
	maxPenalties  = 1 << 16
	maxWaiting    = 4096 // answers that wait, of all sources together; beyond them wrong credentials get none
	// penaltyQueue bounds the answers that wait for one source and user: later wrong requests get none. It stays below
	// the 16 s after which an MPP phone gives a request up.
	penaltyQueue = 14 * time.Second
)

func newPenalties(limit time.Duration) *penalties {
	return &penalties{most: maxPenalties / 2, limit: limit, seed: maphash.MakeSeed(), since: time.Now()}
}

func (p *penalties) key(addr netip.Addr, username string) penaltyKey {
	return penaltyKey{addr: sourceOf(addr), user: maphash.String(p.seed, username)}
}

// sourceOf returns the part of an address that stands for one customer: an IPv4 address, or an IPv6 /64.
func sourceOf(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is4() {
		return a
	}
	if pre, err := a.WithZone("").Prefix(64); err == nil {
		return pre.Addr()
	}
	return a
}

// fail counts wrong credentials and says how long their answer has to wait, or that it is not to be sent: the request is
// a retransmission of one that waits already, or too many wait.
func (p *penalties) fail(k penaltyKey, request uint64, now time.Time) (wait time.Duration, drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.getLocked(k, now)
	if now.Before(e.until) {
		for _, w := range e.waiting {
			if w == request {
				return 0, true
			}
		}
	}
	e.fails++
	if e.fails < 2 { // everyone mistypes once; the second challenge follows at once
		return 0, false
	}
	step := p.limit
	if e.fails < 12 {
		step = min(penaltyFirst<<(e.fails-2), p.limit)
	}
	at := now
	if e.until.After(now) {
		at = e.until
	}
	at = at.Add(step)
	if at.Sub(now) > penaltyQueue || !p.queueLocked(at, now) {
		return 0, true
	}
	e.until = at
	e.waiting[e.next%4] = request
	e.next++
	return at.Sub(now), false
}

// queueLocked takes a place among the answers that wait, if there is one.
func (p *penalties) queueLocked(at, now time.Time) bool {
	waiting := 0
	for _, d := range p.due {
		if d.second >= now.Unix() {
			waiting += d.n
		}
	}
	if waiting >= maxWaiting {
		return false
	}
	d := &p.due[at.Unix()%int64(len(p.due))]
	if d.second != at.Unix() {
		*d = dueAnswers{second: at.Unix()}
	}
	d.n++
	return true
}

// forgive ends the penalty of a source and user that proved itself.
func (p *penalties) forgive(k penaltyKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.young) > 0 {
		delete(p.young, k)
	}
	if len(p.old) > 0 {
		delete(p.old, k)
	}
}

func (p *penalties) getLocked(k penaltyKey, now time.Time) *penalty {
	if p.young == nil || len(p.young) >= p.most || now.Sub(p.since) > penaltyMemory {
		if now.Sub(p.since) > 2*penaltyMemory {
			p.young = nil
		}
		p.old, p.young, p.since = p.young, make(map[penaltyKey]*penalty), now
	}
	e := p.young[k]
	if e == nil {
		if e = p.old[k]; e == nil {
			e = &penalty{}
		}
		p.young[k] = e
	}
	return e
}

func (p *penalties) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.young) + len(p.old)
}
