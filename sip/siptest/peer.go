package siptest

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/internal/memnet"
)

// patience is how long a peer waits for a message it wants; on the virtual clock it costs nothing.
const patience = 5 * time.Minute

// Peer is one scripted peer, by UDP or by one TCP connection.
type Peer struct {
	t         testing.TB
	Net       *memnet.Network
	Transport string // "UDP", "TCP", …, as Via names it
	Addr      netip.AddrPort
	Server    netip.AddrPort

	packets *memnet.PacketConn
	stream  net.Conn
	pending string // bytes of the stream not yet cut into messages
}

// NewPeer opens a UDP peer, closed when the test ends.
func NewPeer(t testing.TB, n *memnet.Network, at, server string) *Peer {
	t.Helper()
	c, err := n.ListenPacket(netip.MustParseAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	p := &Peer{t: t, Net: n, Transport: "UDP", Addr: c.LocalAddrPort(), Server: netip.MustParseAddrPort(server), packets: c}
	t.Cleanup(p.Close)
	return p
}

// Dial opens a TCP peer, closed when the test ends.
func Dial(t testing.TB, n *memnet.Network, at, server string) *Peer {
	t.Helper()
	c, err := n.Dial(netip.MustParseAddrPort(at), netip.MustParseAddrPort(server))
	if err != nil {
		t.Fatal(err)
	}
	return Over(t, n, c, "TCP")
}

// Over makes a peer of a connection that is there.
func Over(t testing.TB, n *memnet.Network, c net.Conn, transport string) *Peer {
	p := &Peer{t: t, Net: n, Transport: transport, stream: c,
		Addr: netip.MustParseAddrPort(c.LocalAddr().String()), Server: netip.MustParseAddrPort(c.RemoteAddr().String())}
	t.Cleanup(p.Close)
	return p
}

// Close closes the socket.
func (p *Peer) Close() {
	if p.stream != nil {
		_ = p.stream.Close()
		return
	}
	_ = p.packets.Close()
}

// Send sends a message written as lines.
func (p *Peer) Send(lines string) { p.t.Helper(); p.SendRaw(Text(lines)) }

// SendRaw sends bytes as they are.
func (p *Peer) SendRaw(raw string) {
	p.t.Helper()
	var err error
	if p.stream != nil {
		_, err = p.stream.Write([]byte(raw))
	} else {
		_, err = p.packets.WriteToUDPAddrPort([]byte(raw), p.Server)
	}
	if err != nil {
		p.t.Fatalf("%s sends: %v", p.Addr, err)
	}
}

// Read returns the next message within d.
func (p *Peer) Read(d time.Duration) (Message, bool) {
	p.t.Helper()
	deadline := time.Now().Add(d)
	if p.stream != nil {
		return p.readStream(deadline)
	}
	b := make([]byte, 65536)
	_ = p.packets.SetReadDeadline(deadline)
	n, _, err := p.packets.ReadFromUDPAddrPort(b)
	if err != nil {
		return Message{}, false
	}
	return Message{Raw: string(b[:n]), At: time.Now()}, true
}

func (p *Peer) readStream(deadline time.Time) (Message, bool) {
	_ = p.stream.SetReadDeadline(deadline)
	b := make([]byte, 4096)
	for {
		if m, ok := p.cut(); ok {
			return m, true
		}
		n, err := p.stream.Read(b)
		p.pending += string(b[:n])
		if err != nil && n == 0 {
			return Message{}, false
		}
	}
}

// Ended reports whether the server closes the connection within d, and drops what comes until then.
func (p *Peer) Ended(d time.Duration) bool {
	_ = p.stream.SetReadDeadline(time.Now().Add(d))
	b := make([]byte, 4096)
	for {
		if _, err := p.stream.Read(b); err != nil {
			ne, ok := err.(net.Error)
			return !ok || !ne.Timeout()
		}
	}
}

// cut takes one message off the stream; a lone CRLF is a message too, so that keep-alives can be seen.
func (p *Peer) cut() (Message, bool) {
	if rest, ok := strings.CutPrefix(p.pending, "\r\n"); ok {
		p.pending = rest
		return Message{Raw: "\r\n", At: time.Now()}, true
	}
	head, body, ok := strings.Cut(p.pending, "\r\n\r\n")
	if !ok {
		return Message{}, false
	}
	m := Message{Raw: head + "\r\n\r\n"}
	n, _ := strconv.Atoi(m.Header("Content-Length"))
	if len(body) < n {
		return Message{}, false
	}
	p.pending = body[n:]
	return Message{Raw: m.Raw + body[:n], At: time.Now()}, true
}

// Next returns the next message; none in five minutes fails the test.
func (p *Peer) Next() Message {
	p.t.Helper()
	m, ok := p.Read(patience)
	if !ok {
		p.t.Fatalf("%s got nothing", p.Addr)
	}
	return m
}

// Want returns the next message that is not a 100, which must be the response with that code to that method.
func (p *Peer) Want(code int, method string) Message {
	p.t.Helper()
	for {
		m := p.Next()
		if m.Code() == 100 && code != 100 {
			continue
		}
		if m.Code() != code || m.Method() != method {
			p.t.Fatalf("%s got %q to %s, want %d to %s\n%s", p.Addr, m.StartLine(), m.Header("CSeq"), code, method, m.Raw)
		}
		return m
	}
}

// WantRequest returns the next message, which must be a request of that method.
func (p *Peer) WantRequest(method string) Message {
	p.t.Helper()
	m := p.Next()
	if m.Code() != 0 || m.Method() != method {
		p.t.Fatalf("%s got %q, want %s\n%s", p.Addr, m.StartLine(), method, m.Raw)
	}
	return m
}

// Quiet fails the test when a message comes within d.
func (p *Peer) Quiet(d time.Duration) {
	p.t.Helper()
	if m, ok := p.Read(d); ok {
		p.t.Fatalf("%s got %q, want nothing\n%s", p.Addr, m.StartLine(), m.Raw)
	}
}

// Drain returns all messages that come within d.
func (p *Peer) Drain(d time.Duration) []Message {
	var all []Message
	for end := time.Now().Add(d); ; {
		m, ok := p.Read(time.Until(end))
		if !ok {
			return all
		}
		all = append(all, m)
	}
}

// Answer sends a response to a request that came, with further header lines and a body.
func (p *Peer) Answer(req Message, status string, tag string, extra ...string) {
	p.t.Helper()
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\n")
	for _, v := range req.Headers("Via") {
		b.WriteString("Via: " + v + "\n")
	}
	b.WriteString("From: " + req.Header("From") + "\n")
	to := req.Header("To")
	if tag != "" && req.Tag("To") == "" {
		to += ";tag=" + tag
	}
	b.WriteString("To: " + to + "\nCall-ID: " + req.Header("Call-ID") + "\nCSeq: " + req.Header("CSeq") + "\n")
	p.Send(finish(&b, extra))
}

var counter atomic.Int64

// unique is different each time.
func unique(prefix string) string { return prefix + strconv.FormatInt(counter.Add(1), 10) }

// finish appends header lines; the last of extra may be a body, begun by its headers and an empty line.
func finish(b *strings.Builder, extra []string) string {
	for _, e := range extra {
		b.WriteString(e + "\n")
	}
	s := b.String()
	if strings.Contains(s, "\n\n") {
		return strings.TrimSuffix(s, "\n")
	}
	return s
}

// Body is a body for Request and Answer; it comes last there.
func Body(contentType, body string) string {
	return "Content-Type: " + contentType + "\n\n" + body
}
