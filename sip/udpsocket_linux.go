package sip

import (
	"encoding/binary"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// anySocket serves a socket bound to the unspecified address. It learns from the packet information to which of our
// addresses each datagram came and answers from that one, which a host with several addresses needs.
type anySocket struct {
	c   *net.UDPConn
	v6  bool
	oob []byte // of the one reader
}

func newUDPSocket(pc net.PacketConn, addr netip.AddrPort) udpSocket {
	c, ok := pc.(*net.UDPConn)
	if !ok || !addr.Addr().IsUnspecified() {
		return newPlainSocket(pc)
	}
	s := &anySocket{c: c, oob: make([]byte, 128)}
	raw, err := c.SyscallConn()
	if err != nil {
		return newPlainSocket(pc)
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		domain, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err != nil {
			set = err
			return
		}
		if s.v6 = domain == unix.AF_INET6; s.v6 {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
			return
		}
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
	if err != nil || set != nil {
		return newPlainSocket(pc)
	}
	return s
}

func (s *anySocket) read(b []byte) (int, netip.AddrPort, netip.Addr, error) {
	n, oobn, _, src, err := s.c.ReadMsgUDPAddrPort(b, s.oob)
	if err != nil {
		return 0, netip.AddrPort{}, netip.Addr{}, err
	}
	return n, netip.AddrPortFrom(src.Addr().Unmap(), src.Port()), packetInfo(s.oob[:oobn]), nil
}

func (s *anySocket) write(b []byte, to netip.AddrPort, from netip.Addr) error {
	var oob []byte
	switch {
	case !from.IsValid() || from.IsUnspecified() || from.IsMulticast():
	case s.v6:
		oob = v6Info(from)
	case from.Is4():
		oob = v4Info(from)
	}
	_, _, err := s.c.WriteMsgUDPAddrPort(b, oob, to)
	return err
}

// packetInfo finds the destination address in the control messages of a datagram.
func packetInfo(oob []byte) netip.Addr {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			return netip.AddrFrom16([16]byte(data[:16])).Unmap()
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= 12:
			return netip.AddrFrom4([4]byte(data[8:12]))
		}
		oob = rest
	}
	return netip.Addr{}
}

func v6Info(from netip.Addr) []byte {
	info := unix.Inet6Pktinfo{Addr: from.As16()}
	return controlMessage(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unsafe.Slice((*byte)(unsafe.Pointer(&info)), unix.SizeofInet6Pktinfo))
}

func v4Info(from netip.Addr) []byte {
	data := make([]byte, unix.SizeofInet4Pktinfo)
	spec := from.As4()
	copy(data[4:8], spec[:])
	return controlMessage(unix.IPPROTO_IP, unix.IP_PKTINFO, data)
}

func controlMessage(level, kind int, data []byte) []byte {
	oob := make([]byte, unix.CmsgSpace(len(data)))
	if unix.SizeofCmsghdr == 16 {
		binary.NativeEndian.PutUint64(oob, uint64(unix.CmsgLen(len(data))))
	} else {
		binary.NativeEndian.PutUint32(oob, uint32(unix.CmsgLen(len(data))))
	}
	at := unix.SizeofCmsghdr - 8
	binary.NativeEndian.PutUint32(oob[at:], uint32(level))
	binary.NativeEndian.PutUint32(oob[at+4:], uint32(kind))
	copy(oob[unix.CmsgLen(0):], data)
	return oob
}
