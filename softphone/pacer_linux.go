package softphone

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pacedSocket is the RTP socket of one call under a Pacer: raw and non-blocking, so that no packet wakes a goroutine.
// Everything below the descriptors is owned by the pacer's lock.
type pacedSocket struct {
	media    *media
	fd, rtcp int

	next, every int    // the tick when it is due, and in ticks how often
	drops       uint32 // as the kernel counts them
	dropsBefore uint32
	to          netip.AddrPort // what sockaddr holds
	sockaddr    unix.Sockaddr
	batch       *receiveBatch
}

// open makes the sockets of a call.
func (p *Pacer) open(ip netip.Addr, m *media) (*mediaPort, error) {
	if m.ptime%pacerTick != 0 {
		return nil, fmt.Errorf("a paced call's packet time is a multiple of %s, not %s", pacerTick, m.ptime)
	}
	s := &pacedSocket{media: m, every: int(m.ptime / pacerTick), batch: newReceiveBatch()}
	addr, err := s.bind(ip)
	if err != nil {
		return nil, fmt.Errorf("open an RTP socket: %w", err)
	}
	m.write = s.write
	p.mu.Lock()
	s.next = p.tick + 1 + p.opened%s.every
	p.opened++
	p.sockets = append(p.sockets, s)
	p.mu.Unlock()
	return &mediaPort{addr: addr, close: sync.OnceFunc(func() { p.drop(s) })}, nil
}

// drop takes a call's sockets away.
func (p *Pacer) drop(s *pacedSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.sockets {
		if o == s {
			p.sockets = append(p.sockets[:i], p.sockets[i+1:]...)
			break
		}
	}
	_, _ = unix.Close(s.fd), unix.Close(s.rtcp)
}

// bind opens an even port for RTP and the one above for RTCP.
func (s *pacedSocket) bind(ip netip.Addr) (netip.AddrPort, error) {
	var err error
	for range portTries {
		var addr netip.AddrPort
		if s.fd, addr, err = bindUDP(netip.AddrPortFrom(ip, 0)); err != nil {
			return addr, err
		}
		if addr.Port()%2 == 0 {
			if s.rtcp, _, err = bindUDP(netip.AddrPortFrom(ip, addr.Port()+1)); err == nil {
				return addr, nil
			}
		}
		_ = unix.Close(s.fd)
	}
	return netip.AddrPort{}, fmt.Errorf("no pair of ports in %d tries: %w", portTries, err)
}

// bindUDP opens a non-blocking socket with arrival times and drop counts.
func bindUDP(a netip.AddrPort) (int, netip.AddrPort, error) {
	family := unix.AF_INET
	if a.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, a, err
	}
	for _, option := range []int{unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			_ = unix.Close(fd)
			return -1, a, err
		}
	}
	if err = unix.Bind(fd, sockaddrOf(a)); err != nil {
		_ = unix.Close(fd)
		return -1, a, err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		_ = unix.Close(fd)
		return -1, a, err
	}
	switch b := bound.(type) {
	case *unix.SockaddrInet4:
		return fd, netip.AddrPortFrom(a.Addr(), uint16(b.Port)), nil
	case *unix.SockaddrInet6:
		return fd, netip.AddrPortFrom(a.Addr(), uint16(b.Port)), nil
	}
	return fd, a, nil
}

func sockaddrOf(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// write sends one packet; the pacer's tick calls it.
func (s *pacedSocket) write(pkt []byte, to netip.AddrPort) error {
	if to != s.to {
		s.to, s.sockaddr = to, sockaddrOf(to)
	}
	return unix.Sendto(s.fd, pkt, unix.MSG_DONTWAIT, s.sockaddr)
}

// drain takes in what came since the last tick.
func (s *pacedSocket) drain() {
	for {
		n := s.batch.receive(s.fd)
		for i := range n {
			pkt, at, drops := s.batch.packet(i)
			s.drops = max(s.drops, drops)
			s.media.receive(pkt, at)
		}
		if n < batchLen {
			return
		}
	}
}

// batchLen is how many packets one system call takes: more than come in a packet time, so that it is one call per tick.
const batchLen = 4

// controlLen holds both control messages, the time stamp and the drop count.
const controlLen = 64

// receiveBatch is the memory of one recvmmsg(2).
type receiveBatch struct {
	headers [batchLen]unix.Mmsghdr
	vectors [batchLen]unix.Iovec
	control [batchLen][controlLen]byte
	packets [batchLen][1500]byte
}

func newReceiveBatch() *receiveBatch {
	b := &receiveBatch{}
	for i := range b.headers {
		b.vectors[i].Base = &b.packets[i][0]
		b.vectors[i].SetLen(len(b.packets[i]))
		h := &b.headers[i].Hdr
		h.Iov, h.Control = &b.vectors[i], &b.control[i][0]
		h.SetIovlen(1)
	}
	return b
}

// receive fetches what waits, and returns how many packets that is.
func (b *receiveBatch) receive(fd int) int {
	for i := range b.headers {
		b.headers[i].Hdr.SetControllen(controlLen)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), batchLen,
		unix.MSG_DONTWAIT, 0, 0)
	runtime.KeepAlive(b)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// packet gives the i-th packet with its arrival and the socket's drops so far.
func (b *receiveBatch) packet(i int) (pkt []byte, at time.Time, drops uint32) {
	control := b.control[i][:b.headers[i].Hdr.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(control) {
			break
		}
		data := control[unix.CmsgLen(0):n]
		switch {
		case h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			at = time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
		case h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			drops = binary.NativeEndian.Uint32(data)
		}
		control = control[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(control)):]
	}
	if at.IsZero() {
		at = time.Now()
	}
	return b.packets[i][:b.headers[i].Len], at, drops
}
