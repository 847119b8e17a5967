package memnet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// bufferLimit is how many unread bytes one direction of a connection holds before the writer waits.
const bufferLimit = 256 << 10

// Conn is one end of a TCP connection of the network.
type Conn struct {
	net           *Network // nil at the accepted end, which claimed no address
	local, remote netip.AddrPort
	in, out       *stream
	once          sync.Once
	closed        atomic.Bool
	read, write   deadline
}

var _ net.Conn = (*Conn)(nil)

// stream is one direction: bytes between a writer and a reader.
type stream struct {
	mu     sync.Mutex
	buf    []byte
	err    error         // what the reader gets once buf is empty: io.EOF or a reset
	broken error         // what the writer gets
	data   chan struct{} // one token: buf or err changed
	room   chan struct{} // one token: buf shrank or broken changed
}

func newStream() *stream {
	return &stream{data: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func connPair(n *Network, from, to netip.AddrPort) (near, far *Conn) {
	up, down := newStream(), newStream()
	near = &Conn{net: n, local: from, remote: to, in: down, out: up, read: newDeadline(), write: newDeadline()}
	far = &Conn{local: to, remote: from, in: up, out: down, read: newDeadline(), write: newDeadline()}
	return near, far
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// finish ends the stream for its reader, its writer or both; a first end stays. Data is lost only by a reset.
func (s *stream) finish(reader, writer error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = reader
	}
	if s.broken == nil {
		s.broken = writer
	}
	if errors.Is(reader, syscall.ECONNRESET) {
		s.buf = nil
	}
	s.mu.Unlock()
	token(s.data)
	token(s.room)
}

// take moves waiting bytes to b; ok is false when the reader must wait.
func (s *stream) take(b []byte) (n int, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buf) > 0 {
		n = copy(b, s.buf)
		s.buf = s.buf[n:]
		token(s.room)
	}
	if len(s.buf) > 0 || s.err != nil {
		token(s.data) // for the next read
	}
	if n > 0 || len(b) == 0 {
		return n, true, nil
	}
	return 0, s.err != nil, s.err
}

// put appends what there is room for; a writer with bytes left must wait.
func (s *stream) put(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		token(s.room)
		return 0, s.broken
	}
	n = min(len(b), bufferLimit-len(s.buf))
	s.buf = append(s.buf, b[:n]...)
	if n > 0 {
		token(s.data)
	}
	return n, nil
}

// Read waits for bytes; a closed peer gives io.EOF after the last ones.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		if c.closed.Load() {
			return 0, c.fault("read", net.ErrClosed)
		}
		if c.read.isPast() {
			return 0, c.fault("read", os.ErrDeadlineExceeded)
		}
		n, ok, err := c.in.take(b)
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, c.fault("read", err)
		case ok:
			return n, nil
		}
		select {
		case <-c.in.data:
		case <-c.read.wait():
		}
	}
}

// Write waits until all of b is on its way.
func (c *Conn) Write(b []byte) (int, error) {
	sent := 0
	for {
		if c.write.isPast() {
			return sent, c.fault("write", os.ErrDeadlineExceeded)
		}
		n, err := c.out.put(b[sent:])
		sent += n
		if err != nil {
			return sent, c.fault("write", err)
		}
		if sent == len(b) {
			return sent, nil
		}
		select {
		case <-c.out.room:
		case <-c.write.wait():
		}
	}
}

// CloseWrite ends our direction: the peer reads io.EOF, and may still write.
func (c *Conn) CloseWrite() error {
	c.out.finish(io.EOF, net.ErrClosed)
	return nil
}

// Close ends both directions. The peer reads what was written, then io.EOF; its writes fail.
func (c *Conn) Close() error {
	err := c.fault("close", net.ErrClosed)
	c.once.Do(func() {
		err = nil
		c.closed.Store(true)
		c.out.finish(io.EOF, net.ErrClosed)
		c.in.finish(net.ErrClosed, syscall.EPIPE)
		c.free()
	})
	return err
}

// Reset breaks the connection: both ends get ECONNRESET, and what was under way is lost.
func (c *Conn) Reset() {
	c.once.Do(func() {
		c.out.finish(syscall.ECONNRESET, syscall.ECONNRESET)
		c.in.finish(syscall.ECONNRESET, syscall.ECONNRESET)
		c.free()
	})
}

func (c *Conn) free() {
	c.read.set(time.Time{})
	c.write.set(time.Time{})
	if c.net == nil {
		return
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	delete(c.net.streams, c.local)
}

// LocalAddr is our end, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr is the other end, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline ends reads that would wait longer; the zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return nil
}

// SetWriteDeadline ends writes that would wait longer; the zero time means never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	return nil
}

func (c *Conn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
