package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// lossy is a bad line for UDP in both directions: it drops one packet in ten and lets one in ten be overtaken. Every client
// has a socket of its own towards the server, which takes that for the client's address. Its goroutines end with ctx.
type lossy struct {
	server netip.AddrPort
	front  *net.UDPConn
	seed   uint64

	mu   sync.Mutex
	back map[netip.AddrPort]*net.UDPConn
}

const (
	lossyDrop  = 0.10
	lossyLate  = 0.10
	lossyDelay = 60 * time.Millisecond // at most, of a packet that is overtaken
)

// newLossy opens the line to a server.
func newLossy(ctx context.Context, server string, seed uint64) (*lossy, error) {
	to, err := netip.ParseAddrPort(server)
	if err != nil {
		return nil, err
	}
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.Addr(), 0)))
	if err != nil {
		return nil, err
	}
	l := &lossy{server: to, front: front, seed: seed, back: make(map[netip.AddrPort]*net.UDPConn)}
	context.AfterFunc(ctx, l.close)
	go l.forward(ctx)
	return l, nil
}

func (l *lossy) addr() string { return l.front.LocalAddr().String() }

func (l *lossy) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.front.Close()
	for _, c := range l.back {
		c.Close()
	}
}

// forward takes what clients send.
func (l *lossy) forward(ctx context.Context) {
	r := rand.New(rand.NewPCG(l.seed, 1))
	buf := make([]byte, 65535)
	for {
		n, from, err := l.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		c := l.towards(ctx, from)
		if c == nil {
			return
		}
		pass(r, buf[:n], func(b []byte) { c.WriteToUDPAddrPort(b, l.server) })
	}
}

// towards is a client's socket.
func (l *lossy) towards(ctx context.Context, from netip.AddrPort) *net.UDPConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.back[from]; c != nil {
		return c
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(l.server.Addr(), 0)))
	if err != nil || ctx.Err() != nil {
		return nil
	}
	l.back[from] = c
	go func() { // ends when the socket closes
		r := rand.New(rand.NewPCG(l.seed, uint64(from.Port())))
		buf := make([]byte, 65535)
		for {
			n, _, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			pass(r, buf[:n], func(b []byte) { l.front.WriteToUDPAddrPort(b, from) })
		}
	}()
	return c
}

// pass sends a packet on, or later, or never.
func pass(r *rand.Rand, b []byte, send func([]byte)) {
	switch x := r.Float64(); {
	case x < lossyDrop:
	case x < lossyDrop+lossyLate:
		b = append([]byte(nil), b...)
		time.AfterFunc(time.Duration(r.Int64N(int64(lossyDelay))), func() { send(b) })
	default:
		send(b)
	}
}
