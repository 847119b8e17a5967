package memnet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// firstEphemeral is where port 0 starts to pick.
const firstEphemeral uint16 = 32768

// Network joins the endpoints that listen on it.
type Network struct {
	mu        sync.Mutex
	packets   map[netip.AddrPort]*PacketConn
	listeners map[netip.AddrPort]*Listener
	streams   map[netip.AddrPort]struct{} // local ends of dialled connections
	ephemeral map[netip.Addr]uint16
	hooks     []*hook

	judging sync.Mutex // one packet is judged at a time, so that hooks need no locks
}

type hook struct{ f func(Packet) Verdict }

// New returns an empty network.
func New() *Network {
	return &Network{
		packets:   make(map[netip.AddrPort]*PacketConn),
		listeners: make(map[netip.AddrPort]*Listener),
		streams:   make(map[netip.AddrPort]struct{}),
		ephemeral: make(map[netip.Addr]uint16),
	}
}

// OnPacket lets f judge every UDP packet from now on. Hooks run one packet at a time, in the order they were added, in
// the writer's goroutine; f must not write to the network. The returned function takes the hook away again.
func (n *Network) OnPacket(f func(Packet) Verdict) (remove func()) {
	h := &hook{f: f}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hooks = append(slices.Clip(n.hooks), h)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hooks = slices.DeleteFunc(slices.Clone(n.hooks), func(o *hook) bool { return o == h })
	}
}

// ListenPacket opens a UDP endpoint; port 0 picks a free one. The address must be definite: a network in memory has no
// interfaces that 0.0.0.0 could stand for.
func (n *Network) ListenPacket(addr netip.AddrPort) (*PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr, err := n.claimLocked(addr, func(a netip.AddrPort) bool { return n.packets[a] != nil })
	if err != nil {
		return nil, fmt.Errorf("listen udp %s: %w", addr, err)
	}
	c := newPacketConn(n, addr)
	n.packets[addr] = c
	return c, nil
}

// claimLocked checks addr, or picks its port, against what is in use already.
func (n *Network) claimLocked(addr netip.AddrPort, used func(netip.AddrPort) bool) (netip.AddrPort, error) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
		return addr, syscall.EADDRNOTAVAIL
	}
	if addr.Port() != 0 {
		if used(addr) {
			return addr, syscall.EADDRINUSE
		}
		return addr, nil
	}
	next := max(n.ephemeral[addr.Addr()], firstEphemeral)
	for range 1 << 15 {
		candidate := netip.AddrPortFrom(addr.Addr(), next)
		next = max(next+1, firstEphemeral) // wraps past 65535
		if !used(candidate) {
			n.ephemeral[addr.Addr()] = next
			return candidate, nil
		}
	}
	return addr, syscall.EADDRINUSE
}

// send judges one packet and hands it on. The payload is copied before it is kept.
func (n *Network) send(src, dst netip.AddrPort, payload []byte) {
	p := Packet{Src: src, Dst: dst, Payload: slices.Clone(payload)}
	n.mu.Lock()
	hooks := n.hooks
	n.mu.Unlock()
	copies, delay := n.judge(hooks, &p)
	for range copies {
		if delay <= 0 {
			n.deliver(p)
			continue
		}
		time.AfterFunc(delay, func() { n.deliver(p) })
	}
}

// judge asks the hooks how often and when p is delivered; they may rewrite its addresses.
func (n *Network) judge(hooks []*hook, p *Packet) (copies int, delay time.Duration) {
	n.judging.Lock()
	defer n.judging.Unlock()
	copies = 1
	for _, h := range hooks {
		v := h.f(*p)
		if v.Drop {
			return 0, 0
		}
		copies += v.Copies
		delay += v.Delay
		if v.Src.IsValid() {
			p.Src = v.Src
		}
		if v.Dst.IsValid() {
			p.Dst = v.Dst
		}
	}
	return copies, delay
}

func (n *Network) deliver(p Packet) {
	n.mu.Lock()
	c := n.packets[p.Dst]
	n.mu.Unlock()
	if c != nil {
		c.push(p)
	}
}
