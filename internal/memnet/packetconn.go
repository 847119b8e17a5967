package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// queueLimit is how many packets wait at an endpoint before further ones are lost, like a socket buffer.
const queueLimit = 4096

// PacketConn is a UDP endpoint of the network. All methods may be called from any goroutine.
type PacketConn struct {
	net  *Network
	addr netip.AddrPort

	mu    sync.Mutex
	queue []Packet
	peer  netip.AddrPort // valid while connected

	wake     chan struct{} // one token: something is in the queue
	closed   chan struct{}
	once     sync.Once
	read     deadline
	write    deadline
	overflow atomic.Int64
}

var _ net.PacketConn = (*PacketConn)(nil)

func newPacketConn(n *Network, addr netip.AddrPort) *PacketConn {
	return &PacketConn{
		net: n, addr: addr, wake: make(chan struct{}, 1), closed: make(chan struct{}),
		read: newDeadline(), write: newDeadline(),
	}
}

// push appends a packet that arrived, or loses it when the queue is full or the packet is not from the connected peer.
func (c *PacketConn) push(p Packet) {
	c.mu.Lock()
	switch {
	case c.peer.IsValid() && c.peer != p.Src:
	case len(c.queue) >= queueLimit:
		c.overflow.Add(1)
	default:
		c.queue = append(c.queue, p)
	}
	c.mu.Unlock()
	c.signal()
}

func (c *PacketConn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// pop takes the oldest packet, and leaves a token for the next reader when there are more.
func (c *PacketConn) pop(b []byte) (n int, src netip.AddrPort, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return 0, netip.AddrPort{}, false
	}
	p := c.queue[0]
	c.queue[0] = Packet{}
	c.queue = c.queue[1:]
	if len(c.queue) > 0 {
		c.signal()
	} else {
		c.queue = nil
	}
	return copy(b, p.Payload), p.Src, true
}

// TryRead reads a packet when one waits, and never waits itself.
func (c *PacketConn) TryRead(b []byte) (n int, src netip.AddrPort, ok bool) {
	select {
	case <-c.closed:
		return 0, netip.AddrPort{}, false
	default:
		return c.pop(b)
	}
}

// ReadFromUDPAddrPort waits for a packet. What does not fit b is cut off.
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (n int, src netip.AddrPort, err error) {
	for {
		select { // a closed endpoint or a passed deadline wins over waiting packets
		case <-c.closed:
			return 0, netip.AddrPort{}, c.fault("read", net.ErrClosed)
		case <-c.read.wait():
			return 0, netip.AddrPort{}, c.fault("read", os.ErrDeadlineExceeded)
		default:
		}
		if n, src, ok := c.pop(b); ok {
			return n, src, nil
		}
		select {
		case <-c.wake:
		case <-c.closed:
		case <-c.read.wait():
		}
	}
}

// ReadFrom is ReadFromUDPAddrPort with a *net.UDPAddr.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, src, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(src), nil
}

// WriteToUDPAddrPort sends b; the network copies it before it returns.
func (c *PacketConn) WriteToUDPAddrPort(b []byte, dst netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, c.fault("write", net.ErrClosed)
	default:
	}
	if c.write.isPast() {
		return 0, c.fault("write", os.ErrDeadlineExceeded)
	}
	if !dst.IsValid() || dst.Port() == 0 {
		return 0, c.fault("write", syscall.EINVAL)
	}
	c.net.send(c.addr, netip.AddrPortFrom(dst.Addr().Unmap(), dst.Port()), b)
	return len(b), nil
}

// WriteTo is WriteToUDPAddrPort with a *net.UDPAddr.
func (c *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, c.fault("write", fmt.Errorf("%T is no UDP address: %w", addr, syscall.EINVAL))
	}
	return c.WriteToUDPAddrPort(b, udp.AddrPort())
}

// Connect makes the endpoint receive from peer only, like connect(2) on a UDP socket.
func (c *PacketConn) Connect(peer netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	return nil
}

// Disconnect makes the endpoint receive from everybody again.
func (c *PacketConn) Disconnect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peer = netip.AddrPort{}
	return nil
}

// Overflow counts the packets lost because nobody read in time.
func (c *PacketConn) Overflow() int64 { return c.overflow.Load() }

// LocalAddrPort is where the endpoint listens.
func (c *PacketConn) LocalAddrPort() netip.AddrPort { return c.addr }

// LocalAddr is LocalAddrPort as a *net.UDPAddr.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

// Close frees the address and ends waiting readers with net.ErrClosed.
func (c *PacketConn) Close() error {
	err := c.fault("close", net.ErrClosed)
	c.once.Do(func() {
		err = nil
		c.net.mu.Lock()
		delete(c.net.packets, c.addr)
		c.net.mu.Unlock()
		close(c.closed)
		c.read.set(time.Time{})
		c.write.set(time.Time{})
	})
	return err
}

// SetDeadline sets both deadlines.
func (c *PacketConn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return nil
}

// SetReadDeadline ends reads that would wait longer; the zero time means never.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return nil
}

// SetWriteDeadline fails writes after t.
func (c *PacketConn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	return nil
}

func (c *PacketConn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: net.UDPAddrFromAddrPort(c.addr), Err: err}
}
