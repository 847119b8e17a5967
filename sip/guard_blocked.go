package sip

import (
	"net/netip"
	"slices"
	"time"
)

// BlockCause is why the guard does not hear a source.
type BlockCause string

// The causes.
const (
	BlockBanned    BlockCause = "banned"    // it is on the ban list
	BlockFlooding  BlockCause = "flooding"  // it sends more than a stranger may
	BlockMalformed BlockCause = "malformed" // much of what it sends cannot be read
)

// Blocked is a source that the guard does not hear.
type Blocked struct {
	// Source is an IPv4 address, an IPv6 /64, or the range of a ban.
	Source netip.Prefix
	Cause  BlockCause
	// Since is when the first of the refused datagrams came; zero for a ban.
	Since time.Time
	// Until is when it is heard again, if it keeps quiet; zero means never, by itself.
	Until time.Time
	// Refused is how many datagrams were refused since then.
	Refused uint64
}

// blockedShown is how long after its last refused datagram a source counts as blocked.
const blockedShown = time.Minute

// blocking is what is remembered of a source that was refused.
type blocking struct {
	since, last time.Time
	refused     uint64
	malformed   uint32 // datagrams that could not be read, since it was heard last
}

// refuse notes a refused datagram.
func (b *blocking) refuse(now time.Time) {
	if now.Sub(b.last) > blockedShown {
		b.since, b.refused = now, 0
	}
	b.last = now
	b.refused++
}

// Blocked gives the sources that are not heard now, or were not within the last minute, by address. A source that sends
// much that cannot be read is blocked for that.
func (g *Guard) Blocked() []Blocked {
	now := time.Now()
	var all []Blocked
	g.mu.RLock()
	for p, until := range g.bans {
		if until.IsZero() || now.Before(until) {
			all = append(all, Blocked{Source: p, Cause: BlockBanned, Until: until})
		}
	}
	g.mu.RUnlock()
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		for _, sources := range []map[netip.Addr]*guardSource{s.young, s.old} {
			for addr, e := range sources {
				if e.block == nil || now.Sub(e.block.last) > blockedShown {
					continue
				}
				b := Blocked{Source: netip.PrefixFrom(addr, sourceBits(addr)), Cause: BlockFlooding, Since: e.block.since, Refused: e.block.refused}
				if float64(e.block.malformed)*malformedCost > g.burst/2 {
					b.Cause = BlockMalformed
				}
				b.Until = e.block.last.Add(blockedShown)
				if again := e.at.Add(time.Duration((1 - e.tokens) / g.rate * float64(time.Second))); again.After(b.Until) {
					b.Until = again
				}
				all = append(all, b)
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Blocked) int { return a.Source.Compare(b.Source) })
	return all
}

// sourceBits is how much of an address stands for one customer, see sourceOf.
func sourceBits(a netip.Addr) int {
	if a.Is4() {
		return 32
	}
	return 64
}

// Allow gives the ranges that are always heard, in place of those before: neither limits nor bans are for them.
func (g *Guard) Allow(ranges []netip.Prefix) {
	masked := make([]netip.Prefix, 0, len(ranges))
	for _, p := range ranges {
		masked = append(masked, p.Masked())
	}
	g.allowed.Store(&masked)
}

func (g *Guard) isAllowed(a netip.Addr) bool {
	ranges := g.allowed.Load()
	if ranges == nil || len(*ranges) == 0 {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(*ranges, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Forgive lifts what holds a source back now, a ban included, and says whether there was anything.
func (g *Guard) Forgive(source netip.Prefix) bool {
	source = source.Masked()
	g.mu.Lock()
	_, had := g.bans[source]
	delete(g.bans, source)
	g.mu.Unlock()
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		for _, sources := range []map[netip.Addr]*guardSource{s.young, s.old} {
			for addr, e := range sources {
				if e.block != nil && source.Contains(addr) {
					e.tokens, e.block, had = g.burst, nil, true
				}
			}
		}
		s.mu.Unlock()
	}
	return had
}
