package sip

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// GuardConfig bounds what a source nobody vouches for may send.
type GuardConfig struct {
	Rate       float64               // messages per second and source; 0 means 50
	Burst      int                   // messages at once; 0 means 500, so that a site behind one address can start up
	Bans       []netip.Prefix        // never heard
	MaxSources int                   // sources remembered at once, the quiet ones go first; 0 means 131072
	Metrics    prometheus.Registerer // nil means a registry of its own
}

// Guard screens datagrams by source before they are parsed. A source is an IPv4 address or an IPv6 /64. One that proved
// itself lately, or is a trunk, is heard without limit: many phones share an address behind NAT, and a site that restarts
// sends a lot at once. The others have a bucket of tokens; what cannot be parsed costs more.
type Guard struct {
	rate   float64 // tokens per second
	burst  float64
	most   int // sources per generation and shard
	shards [guardShards]guardShard
	count  *guardMetrics

	mu   sync.RWMutex // guards bans
	bans map[netip.Prefix]time.Time

	allowed atomic.Pointer[[]netip.Prefix] // always heard; nil for none
}

const (
	guardShards    = 16
	guardTrust     = 2 * time.Hour // longer than the registration of a phone that came to be trusted
	guardMemory    = 5 * time.Minute
	malformedCost  = 10  // tokens
	malformedReply = 2.0 // answers to malformed messages per second and source, with a burst of as many
)

type guardShard struct {
	mu    sync.Mutex // guards all below
	young map[netip.Addr]*guardSource
	old   map[netip.Addr]*guardSource
	since time.Time
}

type guardSource struct {
	tokens  float64
	replies float64
	at      time.Time // when both were counted
	trusted time.Time // until when
	block   *blocking // nil: was never refused
}

// NewGuard makes a guard.
func NewGuard(cfg GuardConfig) *Guard {
	if cfg.Rate <= 0 {
		cfg.Rate = 50
	}
	if cfg.Burst <= 0 {
		cfg.Burst = 500
	}
	if cfg.MaxSources <= 0 {
		cfg.MaxSources = 1 << 17
	}
	g := &Guard{
		rate:  cfg.Rate,
		burst: float64(cfg.Burst),
		most:  max(cfg.MaxSources/(2*guardShards), 1),
		bans:  make(map[netip.Prefix]time.Time),
	}
	for _, p := range cfg.Bans {
		g.bans[p.Masked()] = time.Time{}
	}
	g.count = newGuardMetrics(cfg.Metrics, g)
	return g
}

// Admit reports whether a datagram is to be looked at.
func (g *Guard) Admit(src netip.AddrPort, datagram []byte) bool {
	addr := sourceOf(src.Addr())
	if g.isAllowed(src.Addr()) {
		return true
	}
	if g.banned(src.Addr()) {
		g.count.banned.Inc()
		return false
	}
	now := time.Now()
	s := g.shard(addr)
	s.mu.Lock()
	e := s.getLocked(g, addr, now)
	e.refill(g, now)
	ok := now.Before(e.trusted) || e.tokens >= 1
	if ok && e.tokens >= 1 {
		e.tokens--
	}
	if !ok {
		e.blocking().refuse(now)
	}
	s.mu.Unlock()
	if !ok {
		g.count.flooded.Inc()
	}
	return ok
}

// Trust lifts the limit for a source that proved itself, for two hours.
func (g *Guard) Trust(addr netip.Addr) {
	addr = sourceOf(addr)
	now := time.Now()
	s := g.shard(addr)
	s.mu.Lock()
	s.getLocked(g, addr, now).trusted = now.Add(guardTrust)
	s.mu.Unlock()
}

// Malformed charges a source for a datagram that does not parse and reports whether it may be answered. Trust does not
// count here.
func (g *Guard) Malformed(src netip.AddrPort) bool {
	g.count.malformed.Inc()
	addr := sourceOf(src.Addr())
	now := time.Now()
	s := g.shard(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.getLocked(g, addr, now)
	e.refill(g, now)
	if !g.isAllowed(src.Addr()) {
		e.tokens = max(e.tokens-malformedCost, -g.burst)
		e.blocking().malformed++
	}
	if e.replies < 1 {
		g.count.unanswered.Inc()
		return false
	}
	e.replies--
	return true
}

// Ban refuses a range of addresses for some time; 0 lifts the ban.
func (g *Guard) Ban(p netip.Prefix, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d <= 0 {
		delete(g.bans, p.Masked())
		return
	}
	g.bans[p.Masked()] = time.Now().Add(d)
}

func (g *Guard) banned(a netip.Addr) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(g.bans) == 0 {
		return false
	}
	a = a.Unmap().WithZone("")
	for p, until := range g.bans {
		if p.Contains(a) && (until.IsZero() || time.Now().Before(until)) {
			return true
		}
	}
	return false
}

func (g *Guard) shard(a netip.Addr) *guardShard {
	b := a.As16()
	h := uint32(2166136261)
	for _, c := range b[:] {
		h = (h ^ uint32(c)) * 16777619
	}
	return &g.shards[h%guardShards]
}

func (s *guardShard) getLocked(g *Guard, a netip.Addr, now time.Time) *guardSource {
	if e := s.young[a]; e != nil {
		return e
	}
	if s.young == nil || len(s.young) >= g.most || now.Sub(s.since) > guardMemory {
		// Trusted sources outlive the turn while there is room for them.
		next := make(map[netip.Addr]*guardSource)
		for addr, e := range s.old {
			if now.Before(e.trusted) && len(next) < g.most/2 {
				next[addr] = e
			}
		}
		s.old, s.young, s.since = s.young, next, now
	}
	e := s.old[a]
	if e == nil {
		if e = s.young[a]; e == nil {
			e = &guardSource{tokens: g.burst, replies: malformedReply, at: now}
		}
	} else {
		delete(s.old, a)
	}
	s.young[a] = e
	return e
}

// blocking is what is remembered of the source's refusals.
func (e *guardSource) blocking() *blocking {
	if e.block == nil {
		e.block = &blocking{}
	}
	return e.block
}

func (e *guardSource) refill(g *Guard, now time.Time) {
	if d := now.Sub(e.at).Seconds(); d > 0 {
		e.tokens = min(e.tokens+d*g.rate, g.burst)
		e.replies = min(e.replies+d*malformedReply, malformedReply)
		e.at = now
	}
}

func (g *Guard) len() int {
	n := 0
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		n += len(s.young) + len(s.old)
		s.mu.Unlock()
	}
	return n
}
