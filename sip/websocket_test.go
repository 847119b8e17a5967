package sip

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"passerelle/sip/siptest"
)

const openWS = "GET / HTTP/1.1\r\nHost: site.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

// wsConn opens a WebSocket and returns it behind its handshake.
func wsConn(t *testing.T, w *world, protocol string) (net.Conn, *bufio.Reader, string) {
	t.Helper()
	c, err := w.Dial(netip.MustParseAddrPort("10.0.0.2:0"), netip.MustParseAddrPort("10.0.0.1:5061"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, openWS+protocol+"\r\n")
	r := bufio.NewReader(c)
	status, err := r.ReadString('\n')
	for line := status; err == nil && line != "\r\n"; {
		line, err = r.ReadString('\n')
	}
	return c, r, status
}

func TestWebSocketFrames(t *testing.T) {
	options := func(i int) []byte {
		return []byte(siptest.Text(fmt.Sprintf("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK%d\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: o%d\nCSeq: 1 OPTIONS\n", i, i)))
	}
	synctest.Test(t, func(t *testing.T) {
		w, l := listening(t)
		w.start(t, ServerConfig{WS: []net.Listener{l}})
		c, r, _ := wsConn(t, w, "Sec-WebSocket-Protocol: sip\r\n")
		send := func(f ws.Frame) {
			t.Helper()
			if err := ws.WriteFrame(c, ws.MaskFrame(f)); err != nil {
				t.Fatal(err)
			}
		}
		want := func(op ws.OpCode, prefix string) {
			t.Helper()
			f, err := ws.ReadFrame(r)
			if err != nil || f.Header.OpCode != op || !bytes.HasPrefix(f.Payload, []byte(prefix)) || f.Header.Masked {
				t.Fatalf("got %+v %q, %v", f.Header, f.Payload, err)
			}
		}
		send(ws.NewPingFrame([]byte("hi")))
		want(ws.OpPong, "hi")
		send(ws.NewBinaryFrame(options(1)))
		want(ws.OpText, "SIP/2.0 200")
		msg := options(2)
		send(ws.NewFrame(ws.OpText, false, msg[:20]))
		send(ws.NewPingFrame(nil)) // between the fragments of a message
		want(ws.OpPong, "")
		send(ws.NewFrame(ws.OpContinuation, false, msg[20:60]))
		send(ws.NewFrame(ws.OpContinuation, true, msg[60:]))
		want(ws.OpText, "SIP/2.0 200")
		send(ws.NewTextFrame([]byte("\r\n\r\n")))
		want(ws.OpText, "\r\n")
		send(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
		want(ws.OpClose, "")
		if !ended(c, time.Second) {
			t.Error("open after close")
		}
	})
}

func TestWebSocketRefuses(t *testing.T) {
	for name, frame := range map[string]ws.Frame{
		"no mask":           ws.NewTextFrame([]byte("x")),
		"lone continuation": ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte("x"))),
		"reserved opcode":   ws.MaskFrame(ws.NewFrame(ws.OpCode(5), true, []byte("x"))),
		"long ping":         ws.MaskFrame(ws.NewFrame(ws.OpPing, true, make([]byte, 200))),
		"huge":              ws.MaskFrame(ws.NewTextFrame(make([]byte, maxMessage+1))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, l := listening(t)
				w.start(t, ServerConfig{WS: []net.Listener{l}})
				c, _, _ := wsConn(t, w, "Sec-WebSocket-Protocol: sip\r\n")
				_ = ws.WriteFrame(c, frame) // the server may have closed while a huge one is written
				if !ended(c, 2*time.Second) {
					t.Error("still open")
				}
			})
		})
	}
}

// TestWebSocketNeedsSIP: a client that does not offer the sip subprotocol is no SIP client (RFC 7118 §4).
func TestWebSocketNeedsSIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := listening(t)
		w.start(t, ServerConfig{WS: []net.Listener{l}})
		c, _, status := wsConn(t, w, "Sec-WebSocket-Protocol: chat\r\n")
		if !ended(c, time.Second) {
			t.Errorf("open after %q", strings.TrimSpace(status))
		}
	})
}

// TestAdvertise: the address told to peers is in Contact and Via, whatever the socket has.
func TestAdvertise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{Advertise: "203.0.113.9"}, HandlerFunc(hangupAfterAnswer))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		ok := call.Answered(siptest.Offer)
		if !strings.HasSuffix(ok.Header("Contact"), "@203.0.113.9:5060>") {
			t.Errorf("Contact %q", ok.Header("Contact"))
		}
		bye := call.WantRequest("BYE")
		if !strings.HasPrefix(bye.Header("Via"), "SIP/2.0/UDP 203.0.113.9:5060;") {
			t.Errorf("Via %q", bye.Header("Via"))
		}
		call.Answer(bye, "200 OK", "")
	})
}
