//go:build linux && (amd64 || arm64)

package media

import (
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// udpConn is a non-blocking socket that the runtime's poller does not know: no goroutine wakes up for a datagram, the
// owner drains it at its tick.
type udpConn struct {
	fd     int
	ipv6   bool // AF_INET6, so that IPv4 peers are written as mapped addresses
	local  netip.AddrPort
	closed atomic.Bool

	// Of the peer written to last, so that its raw form is made once.
	peer    netip.AddrPort
	peerRaw rawAddr
	// While connected, datagrams are sent without an address and arrive without one.
	connected bool
}

var (
	_ Conn        = (*udpConn)(nil)
	_ Connector   = (*udpConn)(nil)
	_ batchReader = (*udpConn)(nil)
)

func openUDP(addr netip.AddrPort) (Conn, error) {
	ip := addr.Addr().Unmap()
	c := &udpConn{ipv6: ip.Is6()}
	family := syscall.AF_INET
	if c.ipv6 {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c.fd = fd
	if c.ipv6 {
		// The wildcard of IPv6 serves IPv4 too.
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0)
	}
	// Expedited forwarding, as voice is marked (RFC 4594 §4.1); a kernel that refuses still carries the call.
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_TOS, dscpEF)
	if c.ipv6 {
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS, dscpEF)
	}
	var raw rawAddr
	raw.set(netip.AddrPortFrom(ip, addr.Port()), c.ipv6)
	if _, _, e := syscall.Syscall(syscall.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&raw.b)), uintptr(raw.n)); e != 0 {
		_ = syscall.Close(fd)
		return nil, e
	}
	raw.n = uint32(len(raw.b))
	if _, _, e := syscall.Syscall(syscall.SYS_GETSOCKNAME, uintptr(fd), uintptr(unsafe.Pointer(&raw.b)), uintptr(unsafe.Pointer(&raw.n))); e != 0 {
		_ = syscall.Close(fd)
		return nil, e
	}
	c.local = raw.addrPort()
	return c, nil
}

// dscpEF is the traffic class of voice: code point 46 in the upper six bits.
const dscpEF = 46 << 2

func (c *udpConn) LocalAddrPort() netip.AddrPort { return c.local }

func (c *udpConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return syscall.Close(c.fd)
}

// TryRead reads one datagram. While connected, its source is not asked for and not valid.
func (c *udpConn) TryRead(b []byte) (int, netip.AddrPort, bool) {
	if len(b) == 0 || c.closed.Load() {
		return 0, netip.AddrPort{}, false
	}
	var raw rawAddr
	name, namelen := unsafe.Pointer(&raw.b), unsafe.Pointer(&raw.n)
	if c.connected {
		name, namelen = nil, nil
	}
	for range 2 { // a refusal by ICMP is told once and is not the end of anything
		raw.n = uint32(len(raw.b))
		n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			syscall.MSG_DONTWAIT, uintptr(name), uintptr(namelen))
		if e == 0 && c.connected {
			return int(n), netip.AddrPort{}, true
		}
		if e == 0 {
			return int(n), raw.addrPort(), true
		}
		if e != syscall.ECONNREFUSED && e != syscall.EINTR {
			break
		}
	}
	return 0, netip.AddrPort{}, false
}

// WriteTo sends without waiting; what the kernel has no room for is lost, as on the wire.
func (c *udpConn) WriteTo(b []byte, dst netip.AddrPort) error {
	if len(b) == 0 {
		return nil
	}
	if c.closed.Load() { // the number may be another file's by now
		return net.ErrClosed
	}
	if dst != c.peer {
		c.peer = dst
		c.peerRaw.set(dst, c.ipv6)
	}
	name, namelen := unsafe.Pointer(&c.peerRaw.b), uintptr(c.peerRaw.n)
	if c.connected {
		name, namelen = nil, 0
	}
	var e syscall.Errno
	for range 2 {
		_, _, e = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, uintptr(name), namelen)
		if e != syscall.ECONNREFUSED && e != syscall.EINTR {
			break
		}
	}
	if e != 0 {
		return e
	}
	return nil
}

// Connect ties the socket to one peer.
func (c *udpConn) Connect(peer netip.AddrPort) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	var raw rawAddr
	raw.set(peer, c.ipv6)
	if _, _, e := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(c.fd), uintptr(unsafe.Pointer(&raw.b)), uintptr(raw.n)); e != 0 {
		return e
	}
	c.connected = true
	return nil
}

// Disconnect opens the socket to everybody again; a port that was named at its creation stays bound.
func (c *udpConn) Disconnect() error {
	c.connected = false
	if c.closed.Load() {
		return net.ErrClosed
	}
	var raw rawAddr // AF_UNSPEC is the zero value
	if _, _, e := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(c.fd), uintptr(unsafe.Pointer(&raw.b)), uintptr(len(raw.b))); e != 0 {
		return e
	}
	return nil
}

// mmsghdr is struct mmsghdr of recvmmsg(2) on 64-bit systems.
type mmsghdr struct {
	hdr syscall.Msghdr
	n   uint32
	_   uint32
}

// batchSystem is the kernel's view of a batch.
type batchSystem struct {
	msgs  [batchLen]mmsghdr
	iovs  [batchLen]syscall.Iovec
	names [batchLen]rawAddr
}

func (s *batchSystem) init(b *batch) {
	for i := range s.msgs {
		s.iovs[i].Base = &b.bufs[i][0]
		s.iovs[i].SetLen(maxDatagram)
		s.msgs[i].hdr.Iov, s.msgs[i].hdr.Iovlen = &s.iovs[i], 1
	}
}

// readBatch reads up to batchLen datagrams with one system call.
func (c *udpConn) readBatch(b *batch) int {
	if c.closed.Load() {
		return 0
	}
	for i := range b.sys.msgs {
		h := &b.sys.msgs[i].hdr
		if c.connected { // the kernel knows the only source there is
			h.Name, h.Namelen = nil, 0
		} else {
			h.Name, h.Namelen = &b.sys.names[i].b[0], uint32(len(b.sys.names[i].b))
		}
	}
	for range 2 {
		n, _, e := syscall.RawSyscall6(syscall.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&b.sys.msgs[0])), batchLen, syscall.MSG_DONTWAIT, 0, 0)
		if e == 0 {
			for i := range int(n) {
				b.data[i] = b.bufs[i][:min(b.sys.msgs[i].n, maxDatagram)]
				b.src[i] = netip.AddrPort{}
				if !c.connected {
					b.src[i] = b.sys.names[i].addrPort()
				}
			}
			return int(n)
		}
		if e != syscall.ECONNREFUSED && e != syscall.EINTR {
			break
		}
	}
	return 0
}
