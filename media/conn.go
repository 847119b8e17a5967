package media

import (
	"fmt"
	"net/netip"
)

// maxDatagram is the longest datagram that is read; longer ones are cut off and then fail to parse.
const maxDatagram = 1500

// Conn is one UDP socket of a port pair, read by polling. All methods but Close are called by one goroutine at a time.
type Conn interface {
	// TryRead reads a datagram when one waits and never waits itself. The source may be left out, as not valid, while a
	// [Connector] is connected.
	TryRead(b []byte) (n int, src netip.AddrPort, ok bool)
	// WriteTo sends a datagram and does not keep b. A full socket buffer loses the datagram.
	WriteTo(b []byte, dst netip.AddrPort) error
	// LocalAddrPort is where the socket listens.
	LocalAddrPort() netip.AddrPort
	// Close frees the port.
	Close() error
}

// Connector is a Conn that can be tied to one peer: the kernel then drops what others send and looks up no route per
// datagram.
type Connector interface {
	Connect(peer netip.AddrPort) error
	Disconnect() error
}

// packetConn is what an in-memory endpoint or a *net.UDPConn with polling offers.
type packetConn interface {
	TryRead(b []byte) (n int, src netip.AddrPort, ok bool)
	WriteToUDPAddrPort(b []byte, dst netip.AddrPort) (int, error)
	LocalAddrPort() netip.AddrPort
	Connect(peer netip.AddrPort) error
	Disconnect() error
	Close() error
}

// PollConn makes a Conn of an endpoint that names its methods like *net.UDPConn, such as one of an in-memory network.
func PollConn(c packetConn) Conn { return polled{c} }

type polled struct{ packetConn }

func (p polled) WriteTo(b []byte, dst netip.AddrPort) error {
	_, err := p.WriteToUDPAddrPort(b, dst)
	return err
}

// batchReader is a Conn that reads several datagrams with one system call.
type batchReader interface{ readBatch(b *batch) int }

// batchLen is how many datagrams are read at once: a tick has one or two of a healthy peer.
const batchLen = 8

// batch holds what one read of a socket gave. Its owner reuses it for all its sockets.
type batch struct {
	n    int
	data [batchLen][]byte
	src  [batchLen]netip.AddrPort // the peer of a connected socket is not valid
	bufs [batchLen][maxDatagram]byte
	sys  batchSystem
}

func newBatch() *batch {
	b := &batch{}
	b.sys.init(b)
	return b
}

// read fills the batch without waiting and reports whether more may wait.
func (b *batch) read(c Conn) (more bool) {
	if r, ok := c.(batchReader); ok {
		b.n = r.readBatch(b)
		return b.n == batchLen
	}
	for b.n = 0; b.n < batchLen; b.n++ {
		n, src, ok := c.TryRead(b.bufs[b.n][:])
		if !ok {
			return false
		}
		b.data[b.n], b.src[b.n] = b.bufs[b.n][:n], src
	}
	return true
}

// listenUDP opens a real socket.
func listenUDP(addr netip.AddrPort) (Conn, error) {
	c, err := openUDP(addr)
	if err != nil {
		return nil, fmt.Errorf("listen udp %s: %w", addr, err)
	}
	return c, nil
}
