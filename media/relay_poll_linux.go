//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// epollPoller asks the kernel which sockets have packets: one system call for many of them when there is much to do, and
// no goroutine that wakes up for each.
type epollPoller struct {
	fd     int
	pipe   [2]int // wakes it up
	woken  atomic.Bool
	byFD   []*relaySocket // indexed by file
	events [relayEvents]syscall.EpollEvent
	ready  []*relaySocket
}

// relayEvents is how many sockets are handled before commands and timers are looked at again.
const relayEvents = 128

// newRelayPoller is the poller for sockets like conn. Where the kernel has no file left for it, sockets are polled by time.
func newRelayPoller(conn Conn) relayPoller {
	if _, ok := conn.(*udpConn); !ok {
		return newTimedPoller()
	}
	p := &epollPoller{ready: make([]*relaySocket, 0, relayEvents)}
	var err error
	if p.fd, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return newTimedPoller()
	}
	if err = syscall.Pipe2(p.pipe[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		_ = syscall.Close(p.fd)
		return newTimedPoller()
	}
	if err = p.watch(p.pipe[0]); err != nil {
		p.close()
		return newTimedPoller()
	}
	return p
}

func (p *epollPoller) watch(fd int) error {
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

func (p *epollPoller) wait(d time.Duration) []*relaySocket {
	n := p.poll()
	if n == 0 && d > 0 {
		n, _ = syscall.EpollWait(p.fd, p.events[:], int((d+time.Millisecond-1)/time.Millisecond))
	}
	p.ready = p.ready[:0]
	for _, e := range p.events[:max(n, 0)] {
		if int(e.Fd) == p.pipe[0] {
			p.drain()
			continue
		}
		if int(e.Fd) < len(p.byFD) && p.byFD[e.Fd] != nil {
			p.ready = append(p.ready, p.byFD[e.Fd])
		}
	}
	return p.ready
}

// poll looks without waiting, so that a busy loop does not hand its processor over and back.
func (p *epollPoller) poll() int {
	n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), relayEvents, 0, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// drain empties the pipe; wakes after that write anew.
func (p *epollPoller) drain() {
	var b [16]byte
	for {
		if n, err := syscall.Read(p.pipe[0], b[:]); n <= 0 || err != nil {
			break
		}
	}
	p.woken.Store(false)
}

func (p *epollPoller) wake() {
	if !p.woken.Swap(true) {
		_, _ = syscall.Write(p.pipe[1], []byte{1})
	}
}

func (p *epollPoller) add(s *relaySocket) error {
	c, ok := s.conn.(*udpConn)
	if !ok {
		return errors.New("not a socket of the kernel")
	}
	for len(p.byFD) <= c.fd {
		p.byFD = append(p.byFD, nil)
	}
	p.byFD[c.fd] = s
	return p.watch(c.fd)
}

func (p *epollPoller) remove(s *relaySocket) {
	if c, ok := s.conn.(*udpConn); ok && c.fd < len(p.byFD) && p.byFD[c.fd] == s {
		p.byFD[c.fd] = nil
		_ = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_DEL, c.fd, nil)
	}
}

// reads is one: a socket with more is told again.
func (p *epollPoller) reads() int { return 1 }

func (p *epollPoller) close() {
	_ = syscall.Close(p.fd)
	_ = syscall.Close(p.pipe[0])
	_ = syscall.Close(p.pipe[1])
}
