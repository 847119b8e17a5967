package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// backlog is how many dialled connections wait to be accepted before dialling fails.
const backlog = 128

// Listener accepts TCP connections of the network.
type Listener struct {
	net    *Network
	addr   netip.AddrPort
	accept chan *Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// Listen opens a TCP listener; port 0 picks a free one.
func (n *Network) Listen(addr netip.AddrPort) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr, err := n.claimLocked(addr, n.streamUsedLocked)
	if err != nil {
		return nil, fmt.Errorf("listen tcp %s: %w", addr, err)
	}
	l := &Listener{net: n, addr: addr, accept: make(chan *Conn, backlog), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dial connects from one address, whose port 0 picks a free one, to a listener. The other end is accepted later; data may be
// written at once.
func (n *Network) Dial(from, to netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	fault := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	from, err := n.claimLocked(from, n.streamUsedLocked)
	if err != nil {
		return nil, fault(err)
	}
	l := n.listeners[to]
	if l == nil {
		return nil, fault(syscall.ECONNREFUSED)
	}
	near, far := connPair(n, from, to)
	select {
	case l.accept <- far:
		n.streams[from] = struct{}{}
		return near, nil
	default:
		return nil, fault(syscall.ECONNREFUSED)
	}
}

func (n *Network) streamUsedLocked(a netip.AddrPort) bool {
	_, used := n.streams[a]
	return used || n.listeners[a] != nil
}

// Accept waits for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.fault()
	default:
	}
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, l.fault()
	}
}

// Addr is where the listener listens, a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Close frees the address; connections not yet accepted are reset, accepted ones live on.
func (l *Listener) Close() error {
	err := l.fault()
	l.once.Do(func() {
		err = nil
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.accept:
				c.Reset()
			default:
				return
			}
		}
	})
	return err
}

func (l *Listener) fault() error {
	return &net.OpError{Op: "accept", Net: "tcp", Addr: net.TCPAddrFromAddrPort(l.addr), Err: net.ErrClosed}
}
