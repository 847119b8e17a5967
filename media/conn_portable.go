package media

import (
	"errors"
	"net"
	"net/netip"
)

// portableConn serves systems without a polled socket of their own: a goroutine reads, the owner takes from a queue.
type portableConn struct {
	*net.UDPConn
	local netip.AddrPort
	queue chan portablePacket
	peer  netip.AddrPort // owner's; valid while connected
}

type portablePacket struct {
	data []byte
	src  netip.AddrPort
}

// portableQueue is how many datagrams wait for the owner before further ones are lost.
const portableQueue = 128

func openPortable(addr netip.AddrPort) (Conn, error) {
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	local := pc.LocalAddr().(*net.UDPAddr).AddrPort()
	c := &portableConn{
		UDPConn: pc, queue: make(chan portablePacket, portableQueue),
		local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
	}
	go c.receive() // ends when Close closes the socket
	return PollConn(c), nil
}

func (c *portableConn) receive() {
	buf := make([]byte, maxDatagram)
	for {
		n, src, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as a refusal by ICMP
		}
		p := portablePacket{append([]byte(nil), buf[:n]...), netip.AddrPortFrom(src.Addr().Unmap(), src.Port())}
		select {
		case c.queue <- p:
		default: // the owner is not there: as lost as in a full socket buffer
		}
	}
}

func (c *portableConn) LocalAddrPort() netip.AddrPort { return c.local }

func (c *portableConn) TryRead(b []byte) (int, netip.AddrPort, bool) {
	for {
		select {
		case p := <-c.queue:
			if c.peer.IsValid() && p.src != c.peer {
				continue
			}
			return copy(b, p.data), p.src, true
		default:
			return 0, netip.AddrPort{}, false
		}
	}
}

// Connect filters what others send.
func (c *portableConn) Connect(peer netip.AddrPort) error {
	c.peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	return nil
}

// Disconnect opens the socket to everybody again.
func (c *portableConn) Disconnect() error {
	c.peer = netip.AddrPort{}
	return nil
}
