package sip

import (
	"net"
	"net/netip"
)

// plainSocket serves a socket bound to one address, and any implementation of net.PacketConn.
type plainSocket struct {
	pc   net.PacketConn
	fast interface {
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
		WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	} // nil when pc has no such methods
}

func newPlainSocket(pc net.PacketConn) *plainSocket {
	s := &plainSocket{pc: pc}
	s.fast, _ = pc.(interface {
		ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
		WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	})
	return s
}

func (s *plainSocket) read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
	if s.fast != nil {
		n, src, err := s.fast.ReadFromUDPAddrPort(b)
		return n, netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), netip.Addr{}, err
	}
	n, a, err := s.pc.ReadFrom(b)
	return n, addrPortOf(a), netip.Addr{}, err
}

func (s *plainSocket) write(b []byte, to netip.AddrPort, _ netip.Addr) error {
	if s.fast != nil {
		_, err := s.fast.WriteToUDPAddrPort(b, to)
		return err
	}
	_, err := s.pc.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}
