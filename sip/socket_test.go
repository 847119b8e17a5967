package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"passerelle/sip/siptest"
)

// loopbackLines trust the loopback network as a trunk.
type loopbackLines struct{ trunkLines }

func (loopbackLines) Trunk(src netip.AddrPort) (string, bool) {
	return "loopback", src.Addr().IsLoopback()
}

// onSockets runs a server on real sockets, UDP and TCP on one port of the unspecified address, and returns the port.
func onSockets(t *testing.T, h Handler) uint16 {
	t.Helper()
	pc, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := addrPortOf(pc.LocalAddr()).Port()
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		_ = pc.Close()
		t.Skipf("port %d: %v", port, err)
	}
	srv := NewServer(ServerConfig{UDP: []net.PacketConn{pc}, TCP: []net.Listener{l}, ShutdownTime: 50 * time.Millisecond}, nil, nil, loopbackLines{}, h)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }() // ends with cancel
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return port
}

// exchange sends a datagram on a connected socket, which hears only from the address it sent to, and returns the answer.
func exchange(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	if _, err := c.Write([]byte(siptest.Text(text))); err != nil {
		t.Fatal(err)
	}
	return hear(t, c)
}

func hear(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, 65536)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := c.Read(b)
	if err != nil {
		t.Fatalf("%s hears nothing from %s: %v", c.LocalAddr(), c.RemoteAddr(), err)
	}
	return string(b[:n])
}

// TestAnswersFromTheAddressAsked: a socket bound to all addresses answers from the one it was asked at.
func TestAnswersFromTheAddressAsked(t *testing.T) {
	port := onSockets(t, answering)
	for _, host := range []string{"127.0.0.1", "127.0.0.7", "::1"} {
		t.Run(host, func(t *testing.T) {
			c, err := net.Dial("udp", net.JoinHostPort(host, strconv.Itoa(int(port))))
			if err != nil {
				t.Skip(err)
			}
			defer func() { _ = c.Close() }()
			answer := exchange(t, c, fmt.Sprintf("INVITE sip:8000@site.test SIP/2.0\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKsock\nFrom: <sip:a@x>;tag=1\nTo: <sip:8000@site.test>\nCall-ID: sock%s\nCSeq: 1 INVITE\nContact: <sip:a@%s>\n\n", c.LocalAddr(), host, c.LocalAddr()))
			for strings.HasPrefix(answer, "SIP/2.0 100") {
				answer = hear(t, c)
			}
			if want := "@" + net.JoinHostPort(host, strconv.Itoa(int(port))) + ">"; !strings.HasPrefix(answer, "SIP/2.0 200") || !strings.Contains(answer, want) {
				t.Errorf("no Contact with %s in\n%s", want, answer)
			}
		})
	}
}

// TestCancelBehindInviteOnSockets is TestCancelBehindInvite with the kernel between.
func TestCancelBehindInviteOnSockets(t *testing.T) {
	ended := make(chan error, 1000)
	port := onSockets(t, ringing(ended))
	c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for i := range 100 {
		invite := siptest.Text(fmt.Sprintf("INVITE sip:8000@site.test SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\nFrom: <sip:a@x>;tag=%d\nTo: <sip:8000@site.test>\nCall-ID: order%d\nCSeq: 1 INVITE\nContact: <sip:a@%s>\n", c.LocalAddr(), i, i, i, c.LocalAddr()))
		_, _ = c.Write([]byte(invite))
		_, _ = c.Write([]byte(strings.ReplaceAll(invite, "INVITE", "CANCEL")))
		var codes []string
		for len(codes) < 2 {
			if m := (siptest.Message{Raw: hear(t, c)}); m.Code() >= 200 && m.Header("Call-ID") == fmt.Sprintf("order%d", i) {
				codes = append(codes, fmt.Sprint(m.Code()))
				if m.Code() == 487 {
					_, _ = c.Write([]byte(strings.ReplaceAll(strings.Replace(invite, "To: <sip:8000@site.test>", "To: "+m.Header("To"), 1), "INVITE", "ACK")))
				}
			}
		}
		if got := strings.Join(codes, " "); got != "200 487" {
			t.Fatalf("call %d: %s", i, got)
		}
	}
}
