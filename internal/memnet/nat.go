package memnet

import (
	"net/netip"
	"sync"
)

// NATKind is how a NAT filters and maps, in the words of RFC 3489 §5.
type NATKind int

// The four kinds. RFC 4787 calls the first three endpoint-independent mapping with rising strictness of filtering, and the
// last address- and port-dependent mapping.
const (
	FullCone          NATKind = iota // anybody may send to a mapping
	AddressRestricted                // only addresses that were sent to
	PortRestricted                   // only address and port pairs that were sent to
	Symmetric                        // a mapping per destination, and only that destination may answer
)

// String gives the usual name.
func (k NATKind) String() string {
	return [...]string{"full cone", "address restricted", "port restricted", "symmetric"}[k]
}

// NAT stands between the hosts of an inside prefix and everybody else: UDP packets that leave get its outside address and a
// mapped port, packets to a mapped port are filtered by kind and handed to the inside host.
type NAT struct {
	kind    NATKind
	inside  netip.Prefix
	outside netip.Addr

	mu     sync.Mutex
	next   uint16
	ports  map[flow]uint16
	byPort map[uint16]*mapping
}

// flow is what a mapping is kept for; dst is the zero value but for a symmetric NAT.
type flow struct{ src, dst netip.AddrPort }

type mapping struct {
	src    netip.AddrPort
	sentTo map[netip.AddrPort]struct{}
	hosts  map[netip.Addr]struct{}
}

// NewNAT puts a NAT in the way of the prefix. Its first mapped port is 20000, so that a port inside never equals its mapping.
func NewNAT(n *Network, kind NATKind, inside netip.Prefix, outside netip.Addr) *NAT {
	t := &NAT{kind: kind, inside: inside, outside: outside, next: 20000}
	t.Forget()
	n.OnPacket(t.judge)
	return t
}

// Forget loses all mappings, as a NAT does when it restarts or a mapping idles.
func (t *NAT) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ports = make(map[flow]uint16)
	t.byPort = make(map[uint16]*mapping)
}

func (t *NAT) judge(p Packet) Verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, to := t.inside.Contains(p.Src.Addr()), t.inside.Contains(p.Dst.Addr())
	switch {
	case from && to:
		return Pass()
	case from && p.Dst.Addr() == t.outside: // hairpin: out by a mapping, in by another
		out := t.outLocked(p.Src, p.Dst)
		v := t.inLocked(out, p.Dst)
		v.Src = out
		return v
	case from:
		return From(t.outLocked(p.Src, p.Dst))
	case to:
		return Drop() // an inside address is not reachable from outside
	case p.Dst.Addr() == t.outside:
		return t.inLocked(p.Src, p.Dst)
	}
	return Pass()
}

// outLocked maps a packet that leaves and notes whom it was sent to.
func (t *NAT) outLocked(src, dst netip.AddrPort) netip.AddrPort {
	key := flow{src: src}
	if t.kind == Symmetric {
		key.dst = dst
	}
	port, ok := t.ports[key]
	if !ok {
		port = t.next
		t.next++
		t.ports[key] = port
		t.byPort[port] = &mapping{
			src: src, sentTo: make(map[netip.AddrPort]struct{}), hosts: make(map[netip.Addr]struct{}),
		}
	}
	m := t.byPort[port]
	m.sentTo[dst] = struct{}{}
	m.hosts[dst.Addr()] = struct{}{}
	return netip.AddrPortFrom(t.outside, port)
}

// inLocked lets a packet in, or not.
func (t *NAT) inLocked(src, dst netip.AddrPort) Verdict {
	m := t.byPort[dst.Port()]
	if m == nil {
		return Drop()
	}
	_, pair := m.sentTo[src]
	_, host := m.hosts[src.Addr()]
	switch {
	case t.kind == AddressRestricted && !host,
		t.kind >= PortRestricted && !pair:
		return Drop()
	}
	return To(m.src)
}
