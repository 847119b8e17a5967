package softphone

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// link carries SIP messages: a UDP socket, or one TCP or TLS connection to the server.
type link interface {
	send(msg []byte, to netip.AddrPort) error
	local() netip.AddrPort
	reliable() bool
	// run hands every message to f until the link is closed.
	run(f func(msg []byte, from netip.AddrPort)) error
	close() error
}

// maxMessage bounds what is read as one message.
const maxMessage = 64 << 10

// openLink opens what the configuration asks for.
func openLink(ctx context.Context, c Config) (link, error) {
	if c.Transport == "udp" {
		pc, err := c.Sockets.ListenPacket(c.Local)
		if err != nil {
			return nil, fmt.Errorf("open a SIP socket on %s: %w", c.Local, err)
		}
		return &packetLink{pc: pc}, nil
	}
	conn, err := c.Sockets.Dial(ctx, c.Local, c.Server)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.Server, err)
	}
	if c.Transport == "tls" {
		conf := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLS != nil {
			conf = c.TLS.Clone()
		}
		if conf.ServerName == "" {
			conf.ServerName = c.Domain
		}
		secure := tls.Client(conn, conf)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("TLS with %s: %w", c.Server, err)
		}
		conn = secure
	}
	return &streamLink{conn: conn}, nil
}

// packetLink is a UDP socket.
type packetLink struct{ pc net.PacketConn }

func (l *packetLink) send(msg []byte, to netip.AddrPort) error {
	_, err := l.pc.WriteTo(msg, net.UDPAddrFromAddrPort(to))
	return err
}

func (l *packetLink) local() netip.AddrPort {
	ap := l.pc.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
func (l *packetLink) reliable() bool { return false }
func (l *packetLink) close() error   { return l.pc.Close() }

func (l *packetLink) run(f func([]byte, netip.AddrPort)) error {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := l.pc.ReadFrom(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil: // such as an ICMP error of an earlier packet: the socket lives on
			continue
		}
		ap := from.(*net.UDPAddr).AddrPort()
		f(buf[:n], netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
	}
}

// streamLink is a connection to the server.
type streamLink struct {
	conn net.Conn
	mu   sync.Mutex // of writing
}

func (l *streamLink) send(msg []byte, _ netip.AddrPort) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.conn.Write(msg)
	return err
}

func (l *streamLink) local() netip.AddrPort {
	ap := l.conn.LocalAddr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
func (l *streamLink) reliable() bool { return true }
func (l *streamLink) close() error   { return l.conn.Close() }

func (l *streamLink) run(f func([]byte, netip.AddrPort)) error {
	remote := l.conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	r := bufio.NewReader(l.conn)
	for {
		msg, err := readMessage(r)
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read from %s: %w", remote, err)
		}
		f(msg, remote)
	}
}

// readMessage reads one message off a stream by its Content-Length (RFC 3261 §18.3), skipping keep-alives before it.
func readMessage(r *bufio.Reader) ([]byte, error) {
	var head bytes.Buffer
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if head.Len()+len(line) > maxMessage {
			return nil, fmt.Errorf("%w: headers above %d bytes", ErrMalformed, maxMessage)
		}
		blank := len(bytes.TrimRight(line, "\r\n")) == 0
		if blank && head.Len() == 0 {
			continue // CRLF keep-alive (RFC 5626 §3.5.1)
		}
		head.Write(line)
		if blank {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l") {
			if length = seconds(value); length < 0 || length > maxMessage {
				return nil, fmt.Errorf("%w: Content-Length", ErrMalformed)
			}
		}
	}
	msg := append(head.Bytes(), make([]byte, length)...)
	_, err := io.ReadFull(r, msg[len(msg)-length:])
	return msg, err
}
