package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// PortsConfig says which UDP ports sessions may take.
type PortsConfig struct {
	// Listen opens a socket; nil opens real ones.
	Listen func(netip.AddrPort) (Conn, error)
	// Host is the local address to bind; the zero value is every address.
	Host netip.Addr
	// Min and Max are the first and the last port. RTP takes even ports, RTCP the next odd one (RFC 3550 §11).
	Min, Max uint16
	// Advertise is the address that descriptions name; the zero value is Host, or, when Host is every address, the
	// one that the route to the peer leaves from.
	Advertise netip.Addr
	// Drain is how long a pair stays bound and silent after its session, so that what the former peer still sends
	// does not reach the next one; zero is two seconds.
	Drain time.Duration
	// Metrics may be nil.
	Metrics *Metrics
}

// maxDrains is after how many drain times a pair is given free although its former peer has not stopped sending.
const maxDrains = 8

// Ports hands out pairs of UDP ports. It may be used from any goroutine.
type Ports struct {
	cfg   PortsConfig
	first uint16 // even
	pairs int

	sounds soundShelf // of all sessions

	mu       sync.Mutex
	taken    map[uint16]*portPair // by RTP port: in use or draining
	inUse    int
	draining map[*portPair]*time.Timer
	closed   bool
}

// portPair is the RTP and the RTCP socket of one session.
type portPair struct {
	rtp, rtcp Conn
	port      uint16
	drains    int
}

// NewPorts checks the range; no port is bound before it is needed.
func NewPorts(cfg PortsConfig) (*Ports, error) {
	if cfg.Listen == nil {
		cfg.Listen = listenUDP
	}
	if !cfg.Host.IsValid() {
		cfg.Host = netip.IPv6Unspecified()
		if !hasIPv6() {
			cfg.Host = netip.IPv4Unspecified()
		}
	}
	if cfg.Drain == 0 {
		cfg.Drain = 2 * time.Second
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(nil)
	}
	first := int(cfg.Min) + int(cfg.Min)%2
	pairs := (int(cfg.Max) - first + 1) / 2
	if cfg.Min == 0 || pairs < 1 {
		return nil, fmt.Errorf("media ports %d-%d: no even port with an odd one above it", cfg.Min, cfg.Max)
	}
	return &Ports{
		cfg: cfg, first: uint16(first), pairs: pairs,
		taken: make(map[uint16]*portPair), draining: make(map[*portPair]*time.Timer),
	}, nil
}

// hasIPv6 tells whether the wildcard of IPv6 can be bound here.
func hasIPv6() bool {
	l, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6unspecified})
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// InUse is the number of pairs that sessions hold; draining ones are free soon and do not count.
func (p *Ports) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inUse
}

// Capacity is the number of pairs in the range.
func (p *Ports) Capacity() int { return p.pairs }

// Close frees what drains and hands out nothing any more. Sessions keep their pairs until they close.
func (p *Ports) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for pair, timer := range p.draining {
		if timer.Stop() {
			p.freeLocked(pair)
		}
	}
}

// take binds a random free pair, so that ports are hard to guess (RFC 6056). A port that another program holds is
// passed over.
func (p *Ports) take() (*portPair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrPortsClosed
	}
	var clash error
	start := rand.IntN(p.pairs)
	step := stepThrough(p.pairs)
	for i := range p.pairs {
		port := p.first + uint16(2*((start+i*step)%p.pairs))
		if p.taken[port] != nil {
			continue
		}
		pair, err := p.bind(port)
		if err == nil {
			p.taken[port] = pair
			p.inUse++
			p.cfg.Metrics.sessions.Inc()
			return pair, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("bind media port %d: %w", port, err)
		}
		p.cfg.Metrics.portClashes.Inc()
		clash = err
	}
	if clash != nil {
		return nil, fmt.Errorf("%d of %d pairs in use, others bound by another program (%v): %w", len(p.taken), p.pairs, clash, ErrNoPorts)
	}
	return nil, fmt.Errorf("%d of %d pairs in use: %w", len(p.taken), p.pairs, ErrNoPorts)
}

// stepThrough is a random step that visits each of n places once.
func stepThrough(n int) int {
	for {
		step := 1 + rand.IntN(n)
		if gcd(step, n) == 1 {
			return step
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// bind opens both sockets or none.
func (p *Ports) bind(port uint16) (*portPair, error) {
	rtp, err := p.cfg.Listen(netip.AddrPortFrom(p.cfg.Host, port))
	if err != nil {
		return nil, err
	}
	rtcp, err := p.cfg.Listen(netip.AddrPortFrom(p.cfg.Host, port+1))
	if err != nil {
		_ = rtp.Close()
		return nil, err
	}
	return &portPair{rtp: rtp, rtcp: rtcp, port: port}, nil
}

// give takes a pair back from its session and lets it drain.
func (p *Ports) give(pair *portPair) {
	disconnect(pair.rtp)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[pair.port] != pair {
		return
	}
	p.inUse--
	p.cfg.Metrics.sessions.Dec()
	if p.closed || p.cfg.Drain < 0 {
		p.freeLocked(pair)
		return
	}
	p.draining[pair] = time.AfterFunc(p.cfg.Drain, func() { p.drained(pair) })
}

// drained frees a pair that nobody sends to any more, and listens on to one that is still sent to.
func (p *Ports) drained(pair *portPair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining[pair] == nil {
		return
	}
	pair.drains++
	if pair.discard() && pair.drains < maxDrains && !p.closed {
		p.draining[pair] = time.AfterFunc(p.cfg.Drain, func() { p.drained(pair) })
		return
	}
	p.freeLocked(pair)
}

func (p *Ports) freeLocked(pair *portPair) {
	_ = pair.rtp.Close()
	_ = pair.rtcp.Close()
	delete(p.draining, pair)
	delete(p.taken, pair.port)
}

// discard reads away what waits, within reason, and reports whether there was something.
func (pp *portPair) discard() (found bool) {
	var b [64]byte
	for _, c := range []Conn{pp.rtp, pp.rtcp} {
		for range 4096 {
			if _, _, ok := c.TryRead(b[:]); !ok {
				break
			}
			found = true
		}
	}
	return found
}

func disconnect(c Conn) {
	if x, ok := c.(Connector); ok {
		_ = x.Disconnect()
	}
}

// advertised is the address that a description to this peer names; local is where the leg's signalling arrived, when
// that is known.
func (p *Ports) advertised(peer, local netip.Addr) netip.Addr {
	switch {
	case p.cfg.Advertise.IsValid():
		return p.cfg.Advertise
	case !p.cfg.Host.IsUnspecified():
		return p.cfg.Host
	case local.IsValid() && !local.IsUnspecified():
		return local.Unmap()
	}
	if peer.IsValid() && !peer.IsUnspecified() {
		if a, ok := routeFrom(peer); ok {
			return a
		}
	}
	for _, beyond := range []string{"192.0.2.1", "2001:db8::1"} { // wherever the default route leads
		if a, ok := routeFrom(netip.MustParseAddr(beyond)); ok {
			return a
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// routeFrom asks the kernel which address of ours a packet to peer would carry; none is sent.
func routeFrom(peer netip.Addr) (netip.Addr, bool) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		return netip.Addr{}, false
	}
	defer func() { _ = c.Close() }()
	a := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	return a, !a.IsUnspecified()
}
