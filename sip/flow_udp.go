package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// udpFlow is a UDP socket. One goroutine reads it; everybody writes.
type udpFlow struct {
	ident FlowID
	sock  udpSocket
	addr  netip.AddrPort // where it listens; the address may be unspecified
}

// udpSocket is a socket that tells to which of our addresses a datagram came and sends from it.
type udpSocket interface {
	read(b []byte) (n int, remote netip.AddrPort, local netip.Addr, err error)
	write(b []byte, remote netip.AddrPort, local netip.Addr) error
}

// udpBuffer is room for a site of phones that start up together.
const udpBuffer = 4 << 20

func newUDPFlow(id FlowID, pc net.PacketConn) *udpFlow {
	f := &udpFlow{ident: id, addr: addrPortOf(pc.LocalAddr())}
	if c, ok := pc.(*net.UDPConn); ok {
		_ = c.SetReadBuffer(udpBuffer) // as much of it as the system allows
	}
	f.sock = newUDPSocket(pc, f.addr)
	return f
}

func (f *udpFlow) id() FlowID        { return f.ident }
func (f *udpFlow) transport() string { return "UDP" }

func (f *udpFlow) local(remote netip.AddrPort) netip.AddrPort {
	if f.addr.Addr().IsUnspecified() {
		return netip.AddrPortFrom(routeTo(remote), f.addr.Port())
	}
	return f.addr
}

func (f *udpFlow) send(b []byte, to netip.AddrPort, from netip.Addr) error {
	if len(b) > maxMessage {
		return fmt.Errorf("send %d bytes to %s: %w", len(b), to, ErrTooLarge)
	}
	if !f.addr.Addr().IsUnspecified() {
		from = netip.Addr{}
	}
	return f.sock.write(b, to, from)
}

// serveUDP reads the socket until ctx is done, which closes it. An error of one read never ends it.
func (s *Server) serveUDP(ctx context.Context, f *udpFlow) error {
	buf := make([]byte, maxMessage+1)
	pause := time.Duration(0)
	for {
		n, remote, local, err := f.sock.read(buf)
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("read %s: %w", f.addr, err)
		default:
			// ICMP errors of our own sends come up here; a read error that stays must not spin.
			s.metrics.readErrors.Inc()
			s.log.DebugContext(ctx, "udp read", "local", f.addr, "err", err)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				pause = min(max(2*pause, time.Millisecond), time.Second)
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return nil
				}
			}
			continue
		}
		to := f.addr
		if local.IsValid() {
			to = netip.AddrPortFrom(local, f.addr.Port())
		} else if to.Addr().IsUnspecified() {
			to = f.local(remote)
		}
		s.receiveDatagram(f, Source{Transport: "UDP", Remote: remote, Local: to, Flow: f.ident}, buf[:n])
	}
}

// addrPortOf reads the address of a socket, unmapped.
func addrPortOf(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	default:
		if a != nil {
			ap, _ = netip.ParseAddrPort(a.String())
		}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// routeTo returns the address the system would send from to reach remote. A connected UDP socket asks the routing table
// and sends nothing.
func routeTo(remote netip.AddrPort) netip.Addr {
	if remote.Addr().IsLoopback() {
		if remote.Addr().Is4() {
			return netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		return netip.IPv6Loopback()
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote.Addr(), 9)))
	if err != nil {
		return netip.IPv6Unspecified()
	}
	defer func() { _ = c.Close() }()
	return addrPortOf(c.LocalAddr()).Addr()
}
