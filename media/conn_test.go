package media

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// everyConn runs a test on each kind of socket of this system.
func everyConn(t *testing.T, test func(t *testing.T, open func(string) Conn)) {
	for name, open := range map[string]func(netip.AddrPort) (Conn, error){"system": openUDP, "portable": openPortable} {
		t.Run(name, func(t *testing.T) {
			test(t, func(addr string) Conn {
				c, err := open(netip.MustParseAddrPort(addr))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				return c
			})
		})
	}
}

// wait polls, as a mixer does, until a batch has come.
func wait(t *testing.T, c Conn, b *batch) {
	t.Helper()
	for range 2000 {
		if b.read(c); b.n > 0 {
			return
		}
		pause := time.NewTimer(time.Millisecond)
		<-pause.C
	}
	t.Fatal("nothing came in two seconds")
}

func nothing(t *testing.T, c Conn, b *batch) {
	t.Helper()
	pause := time.NewTimer(20 * time.Millisecond)
	<-pause.C
	if b.read(c); b.n != 0 {
		t.Fatalf("%q came from %v", b.data[0], b.src[0])
	}
}

func TestConnBatches(t *testing.T) {
	everyConn(t, func(t *testing.T, open func(string) Conn) {
		for _, host := range []string{"127.0.0.1:0", "[::1]:0"} {
			a, z := open(host), open(host)
			b := newBatch()
			if b.read(a) || b.n != 0 {
				t.Fatal("a new socket has something")
			}
			for i := range 20 {
				if err := z.WriteTo([]byte{byte(i), 1, 2}, a.LocalAddrPort()); err != nil {
					t.Fatal(err)
				}
			}
			next := 0
			for next < 20 {
				wait(t, a, b)
				for i := range b.n {
					if len(b.data[i]) != 3 || b.data[i][0] != byte(next) || b.src[i] != z.LocalAddrPort() {
						t.Fatalf("%s: %v from %v, want number %d from %v", host, b.data[i], b.src[i], next, z.LocalAddrPort())
					}
					next++
				}
			}
			var buf [10]byte
			if err := a.WriteTo([]byte("back"), z.LocalAddrPort()); err != nil {
				t.Fatal(err)
			}
			wait(t, z, b)
			if n, _, ok := z.TryRead(buf[:]); ok {
				t.Fatalf("%q twice", buf[:n])
			}
		}
	})
}

// A connected socket hears its peer alone, and everybody again when it is not connected any more; its port stays.
func TestConnConnects(t *testing.T) {
	everyConn(t, func(t *testing.T, open func(string) Conn) {
		free := open("127.0.0.1:0")
		free.Close()
		at := free.LocalAddrPort() // a port that is named when it is bound, as those of a range are, stays bound
		a, peer, other := open(at.String()), open("127.0.0.1:0"), open("127.0.0.1:0")
		b := newBatch()
		if err := a.(Connector).Connect(peer.LocalAddrPort()); err != nil {
			t.Fatal(err)
		}
		if err := other.WriteTo([]byte("stranger"), at); err != nil && !isRefused(err) {
			t.Fatal(err)
		}
		nothing(t, a, b)
		if err := peer.WriteTo([]byte("peer"), at); err != nil {
			t.Fatal(err)
		}
		wait(t, a, b)
		if string(b.data[0]) != "peer" {
			t.Fatalf("%q", b.data[0])
		}
		if err := a.WriteTo([]byte("to peer"), peer.LocalAddrPort()); err != nil {
			t.Fatal(err)
		}
		wait(t, peer, b)
		if err := a.(Connector).Disconnect(); err != nil {
			t.Fatal(err)
		}
		if err := other.WriteTo([]byte("welcome"), at); err != nil {
			t.Fatal(err)
		}
		wait(t, a, b)
		if string(b.data[0]) != "welcome" || b.src[0] != other.LocalAddrPort() {
			t.Fatalf("%q from %v", b.data[0], b.src[0])
		}
		if err := a.WriteTo([]byte("hello"), other.LocalAddrPort()); err != nil {
			t.Fatal(err)
		}
		wait(t, other, b)
		if b.src[0] != at {
			t.Fatalf("moved from %v to %v", at, b.src[0])
		}
	})
}

// A peer that is gone answers with ICMP; that ends nothing, and when it is back so is the sound.
func TestConnRefused(t *testing.T) {
	everyConn(t, func(t *testing.T, open func(string) Conn) {
		a, peer := open("127.0.0.1:0"), open("127.0.0.1:0")
		gone := peer.LocalAddrPort()
		if err := a.(Connector).Connect(gone); err != nil {
			t.Fatal(err)
		}
		peer.Close()
		b := newBatch()
		for range 5 {
			if err := a.WriteTo([]byte("anyone?"), gone); err != nil && !isRefused(err) {
				t.Fatal(err)
			}
			nothing(t, a, b)
		}
		back := open(gone.String())
		if err := a.WriteTo([]byte("and now?"), gone); err != nil && !isRefused(err) {
			t.Fatal(err)
		}
		if err := a.WriteTo([]byte("and now?"), gone); err != nil {
			t.Fatal(err)
		}
		wait(t, back, b)
		if err := back.WriteTo([]byte("yes"), a.LocalAddrPort()); err != nil {
			t.Fatal(err)
		}
		wait(t, a, b)
	})
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// A closed socket stays silent even when its number belongs to another file.
func TestConnClosed(t *testing.T) {
	everyConn(t, func(t *testing.T, open func(string) Conn) {
		a := open("127.0.0.1:0")
		to := open("127.0.0.1:0")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		reuse := open("127.0.0.1:0")
		if err := a.WriteTo([]byte("ghost"), to.LocalAddrPort()); err == nil {
			t.Error("a closed socket writes")
		}
		b := newBatch()
		nothing(t, to, b)
		if err := reuse.WriteTo([]byte("alive"), to.LocalAddrPort()); err != nil {
			t.Fatal(err)
		}
		wait(t, to, b)
		if b.read(a); b.n != 0 {
			t.Error("a closed socket reads")
		}
	})
}

// The wildcard of IPv6 serves both families.
func TestConnDualStack(t *testing.T) {
	if !hasIPv6() {
		t.Skip("no IPv6 here")
	}
	everyConn(t, func(t *testing.T, open func(string) Conn) {
		a := open("[::]:0")
		b := newBatch()
		for _, host := range []string{"127.0.0.1", "::1"} {
			ip := netip.MustParseAddr(host)
			z := open(netip.AddrPortFrom(ip, 0).String())
			if err := z.WriteTo([]byte("ping"), netip.AddrPortFrom(ip, a.LocalAddrPort().Port())); err != nil {
				t.Fatal(err)
			}
			wait(t, a, b)
			if b.src[0] != z.LocalAddrPort() {
				t.Fatalf("from %v, want %v", b.src[0], z.LocalAddrPort())
			}
			if err := a.WriteTo([]byte("pong"), b.src[0]); err != nil {
				t.Fatal(err)
			}
			wait(t, z, b)
		}
	})
}
