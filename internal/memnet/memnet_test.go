package memnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func listen(t *testing.T, n *Network, s string) *PacketConn {
	t.Helper()
	c, err := n.ListenPacket(addr(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func write(t *testing.T, c *PacketConn, to netip.AddrPort, text string) {
	t.Helper()
	if _, err := c.WriteToUDPAddrPort([]byte(text), to); err != nil {
		t.Fatal(err)
	}
}

// want reads one packet and checks its text and source.
func want(t *testing.T, c *PacketConn, text string, src netip.AddrPort) {
	t.Helper()
	b := make([]byte, 64)
	n, from, ok := c.TryRead(b)
	if !ok {
		t.Fatalf("%s got nothing, want %q", c.LocalAddrPort(), text)
	}
	if string(b[:n]) != text || from != src {
		t.Fatalf("%s got %q from %s, want %q from %s", c.LocalAddrPort(), b[:n], from, text, src)
	}
}

func wantNothing(t *testing.T, c *PacketConn) {
	t.Helper()
	b := make([]byte, 64)
	if n, from, ok := c.TryRead(b); ok {
		t.Fatalf("%s got %q from %s, want nothing", c.LocalAddrPort(), b[:n], from)
	}
}

func TestPacketsArrive(t *testing.T) {
	n := New()
	a, b := listen(t, n, "10.0.0.1:5060"), listen(t, n, "10.0.0.2:5060")
	write(t, a, b.LocalAddrPort(), "one")
	write(t, a, b.LocalAddrPort(), "two")
	want(t, b, "one", a.LocalAddrPort())
	want(t, b, "two", a.LocalAddrPort())
	wantNothing(t, b)
	write(t, a, addr("10.0.0.9:5060"), "into the void")
}

func TestListenPacketClaims(t *testing.T) {
	n := New()
	a := listen(t, n, "10.0.0.1:0")
	b := listen(t, n, "10.0.0.1:0")
	if a.LocalAddrPort() == b.LocalAddrPort() || a.LocalAddrPort().Port() == 0 {
		t.Fatalf("picked %s and %s", a.LocalAddrPort(), b.LocalAddrPort())
	}
	if _, err := n.ListenPacket(a.LocalAddrPort()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener on %s: %v", a.LocalAddrPort(), err)
	}
	if _, err := n.ListenPacket(addr("0.0.0.0:5060")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("listener on the unspecified address: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v", err)
	}
	again, err := n.ListenPacket(a.LocalAddrPort())
	if err != nil {
		t.Fatalf("listen after close: %v", err)
	}
	_ = again.Close()
}

func TestReadWaitsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := listen(t, n, "10.0.0.1:1000"), listen(t, n, "10.0.0.2:1000")
		start := time.Now()
		got := make(chan string)
		go func() { // ends with its two packets
			for range 2 {
				buf := make([]byte, 64)
				k, _, err := b.ReadFrom(buf)
				if err != nil {
					t.Error(err)
				}
				got <- string(buf[:k])
			}
		}()
		time.Sleep(10 * time.Second)
		write(t, a, b.LocalAddrPort(), "late")
		write(t, a, b.LocalAddrPort(), "later")
		if x, y := <-got, <-got; x != "late" || y != "later" {
			t.Errorf("got %q, %q", x, y)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("took %s of the bubble's time", d)
		}
	})
}

func TestReadEndsAtDeadlineAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a := listen(t, n, "10.0.0.1:1000")
		start := time.Now()
		_ = a.SetReadDeadline(start.Add(3 * time.Second))
		if _, _, err := a.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("read: %v after %s", err, time.Since(start))
		}
		_ = a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { _ = a.Close() })
		if _, _, err := a.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read of a closed endpoint: %v", err)
		}
		if _, err := a.WriteTo([]byte("x"), a.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write to a closed endpoint: %v", err)
		}
	})
}

func TestDeadlineMovesWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a := listen(t, n, "10.0.0.1:1000")
		start := time.Now()
		time.AfterFunc(time.Second, func() { _ = a.SetReadDeadline(start.Add(2 * time.Second)) })
		if _, _, err := a.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("read: %v after %s", err, time.Since(start))
		}
	})
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := listen(t, n, "10.0.0.1:1000"), listen(t, n, "10.0.0.2:1000")
		remove := n.OnPacket(func(p Packet) Verdict {
			switch string(p.Payload) {
			case "lose":
				return Drop()
			case "twice":
				return Duplicate()
			case "slow":
				return Delay(30 * time.Millisecond)
			case "masked":
				return From(addr("192.0.2.1:9"))
			case "astray":
				return To(a.LocalAddrPort())
			}
			return Pass()
		})
		for _, text := range []string{"slow", "lose", "twice", "masked", "astray", "plain"} {
			write(t, a, b.LocalAddrPort(), text)
		}
		want(t, b, "twice", a.LocalAddrPort())
		want(t, b, "twice", a.LocalAddrPort())
		want(t, b, "masked", addr("192.0.2.1:9"))
		want(t, b, "plain", a.LocalAddrPort())
		wantNothing(t, b)
		want(t, a, "astray", a.LocalAddrPort())
		time.Sleep(29 * time.Millisecond)
		synctest.Wait()
		wantNothing(t, b)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		want(t, b, "slow", a.LocalAddrPort())
		remove()
		write(t, a, b.LocalAddrPort(), "lose")
		want(t, b, "lose", a.LocalAddrPort())
	})
}

func TestConnectFilters(t *testing.T) {
	n := New()
	a, b, c := listen(t, n, "10.0.0.1:1"), listen(t, n, "10.0.0.2:1"), listen(t, n, "10.0.0.3:1")
	_ = a.Connect(b.LocalAddrPort())
	write(t, c, a.LocalAddrPort(), "stranger")
	write(t, b, a.LocalAddrPort(), "peer")
	want(t, a, "peer", b.LocalAddrPort())
	_ = a.Disconnect()
	write(t, c, a.LocalAddrPort(), "stranger")
	want(t, a, "stranger", c.LocalAddrPort())
}

func TestQueueIsBounded(t *testing.T) {
	n := New()
	a, b := listen(t, n, "10.0.0.1:1"), listen(t, n, "10.0.0.2:1")
	for range queueLimit + 7 {
		write(t, a, b.LocalAddrPort(), "x")
	}
	if b.Overflow() != 7 {
		t.Errorf("lost %d packets, want 7", b.Overflow())
	}
}

func TestPacketIs(t *testing.T) {
	ack := Packet{Payload: []byte("ACK sip:a@b SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n")}
	ok := Packet{Payload: []byte("SIP/2.0 200 OK\r\nVia: x\r\ncseq : 7 INVITE\r\n\r\n")}
	if !ack.Is("ACK") || ack.Is("ACKX") || ack.IsResponse(200, "ACK") {
		t.Error("request misjudged")
	}
	if !ok.IsResponse(200, "INVITE") || ok.IsResponse(180, "INVITE") || ok.IsResponse(200, "BYE") || ok.Is("INVITE") {
		t.Error("response misjudged")
	}
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		l, err := n.Listen(addr("10.0.0.1:5060"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		near, err := n.Dial(addr("10.0.0.2:0"), addr("10.0.0.1:5060"))
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if far.RemoteAddr().String() != near.LocalAddr().String() || far.LocalAddr().String() != "10.0.0.1:5060" {
			t.Errorf("accepted %s from %s", far.LocalAddr(), far.RemoteAddr())
		}
		sent := bytes.Repeat([]byte("0123456789abcdef"), 3*bufferLimit/16) // more than one direction holds
		go func() {                                                        // ends when all is read
			_, _ = near.Write(sent)
			_ = near.Close()
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes of %d: %v", len(got), len(sent), err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: %v", err)
		}
		_ = far.Close()
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
	})
}

func TestStreamFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		if _, err := n.Dial(addr("10.0.0.2:0"), addr("10.0.0.1:5060")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial to nobody: %v", err)
		}
		l, _ := n.Listen(addr("10.0.0.1:5060"))
		near, err := n.Dial(addr("10.0.0.2:7000"), addr("10.0.0.1:5060"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Dial(addr("10.0.0.2:7000"), addr("10.0.0.1:5060")); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("dial from a used port: %v", err)
		}
		far, _ := l.Accept()
		_ = far.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read past the deadline: %v", err)
		}
		_ = far.SetReadDeadline(time.Time{})
		_ = near.(*Conn).CloseWrite()
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read after half close: %v", err)
		}
		if _, err := far.Write([]byte("still open")); err != nil {
			t.Errorf("write after half close: %v", err)
		}
		far.(*Conn).Reset()
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read after reset: %v", err)
		}
		_ = near.Close()

		waiting, _ := n.Dial(addr("10.0.0.2:7000"), addr("10.0.0.1:5060"))
		accepted := make(chan error)
		_ = l.Close()
		go func() { // ends at once: the listener is closed
			_, err := l.Accept()
			accepted <- err
		}()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept on a closed listener: %v", err)
		}
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("connection that was not accepted: %v", err)
		}
		_ = waiting.Close()
	})
}
