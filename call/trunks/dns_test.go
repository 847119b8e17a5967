package trunks

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// newNameServer runs reply for every question; nil answers nothing.
func newNameServer(t *testing.T, reply func(asked []byte, stream bool) []byte) systemDNS {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Skip("the port is in use by UDP")
	}
	t.Cleanup(func() { _ = udp.Close(); _ = tcp.Close() })
	go func() { // ends when the socket closes
		b := make([]byte, 1500)
		for {
			n, from, err := udp.ReadFrom(b)
			if err != nil {
				return
			}
			if a := reply(slices.Clone(b[:n]), false); a != nil {
				_, _ = udp.WriteTo([]byte("no DNS"), from) // noise before each answer
				_, _ = udp.WriteTo(a, from)
			}
		}
	}()
	go func() { // ends when the listener closes
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			var size [2]byte
			if _, err := io.ReadFull(c, size[:]); err == nil {
				b := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(c, b); err == nil {
					a := reply(b, true)
					_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
				}
			}
			_ = c.Close()
		}
	}()
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("# a comment\nsearch test\nnameserver 127.0.0.1\nnameserver nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return systemDNS{conf: conf, port: port}
}

// answer writes an answer to a question: a code and records, each with the name of the question.
func answer(asked []byte, code byte, rr ...[]byte) []byte {
	b := slices.Clone(asked)
	b[2], b[3] = 0x81, 0x80|code
	binary.BigEndian.PutUint16(b[6:], uint16(len(rr)))
	for _, r := range rr {
		b = append(b, r...)
	}
	return b
}

// record is a record of the question's name, by a pointer.
func record(typ recordType, ttl uint32, data ...byte) []byte {
	b := []byte{0xc0, dnsHeader}
	b = binary.BigEndian.AppendUint16(b, uint16(typ))
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = binary.BigEndian.AppendUint32(b, ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func typeOf(asked []byte) recordType {
	return recordType(binary.BigEndian.Uint16(asked[len(asked)-4:]))
}

func TestAddrs(t *testing.T) {
	d := newNameServer(t, func(asked []byte, _ bool) []byte {
		if typeOf(asked) == typeA {
			return answer(asked, 0, record(5, 20, 1, 'x', 0), record(typeA, 300, 192, 0, 2, 1), record(typeA, 300, 192, 0, 2, 2))
		}
		return answer(asked, 0)
	})
	addrs, ttl, err := d.Addrs(t.Context(), "sip.carrier.test")
	if err != nil || len(addrs) != 2 || addrs[0] != first.Addr() || addrs[1] != second.Addr() || ttl != 20*time.Second {
		t.Errorf("%v for %v, %v; the alias lives 20 s", addrs, ttl, err)
	}
}

func TestServersByTCP(t *testing.T) {
	d := newNameServer(t, func(asked []byte, stream bool) []byte {
		if !stream {
			a := answer(asked, 0)
			a[2] |= 2 // truncated
			return a
		}
		return answer(asked, 0, record(typeSRV, 60, 0, 10, 0, 5, 0x13, 0xc4, 1, 'a', 0xc0, dnsHeader))
	})
	servers, ttl, err := d.SRV(t.Context(), "_sip._udp.carrier.test")
	want := SRV{Target: "a._sip._udp.carrier.test", Port: 5060, Priority: 10, Weight: 5}
	if err != nil || len(servers) != 1 || servers[0] != want || ttl != time.Minute {
		t.Errorf("%v for %v, %v; want %v", servers, ttl, err, want)
	}
}

func TestNoRecords(t *testing.T) {
	for name, code := range map[string]byte{"no such name": codeNoName, "no such record": 0} {
		d := newNameServer(t, func(asked []byte, _ bool) []byte { return answer(asked, code) })
		if _, _, err := d.SRV(t.Context(), "_sip._udp.carrier.test"); !errors.Is(err, ErrNoRecords) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := newNameServer(t, func(asked []byte, _ bool) []byte { return answer(asked, 2) }) // SERVFAIL
	if _, _, err := d.SRV(t.Context(), "_sip._udp.carrier.test"); err == nil || errors.Is(err, ErrNoRecords) {
		t.Errorf("a failure of the server: %v", err)
	}
}

// TestSilentNameServer ends with its caller.
func TestSilentNameServer(t *testing.T) {
	d := newNameServer(t, func([]byte, bool) []byte { return nil })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errNoDNS)
	defer cancel()
	if _, _, err := d.SRV(ctx, "_sip._udp.carrier.test"); !errors.Is(err, errNoDNS) {
		t.Errorf("%v", err)
	}
}

func TestQuestion(t *testing.T) {
	for _, name := range []string{"", "a..b", string(make([]byte, 64)), "a." + string(slices.Repeat([]byte("abc."), 70))} {
		if _, err := question(1, name, typeA); err == nil {
			t.Errorf("%q was asked for", name)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	asked, err := question(7, "_sip._udp.carrier.test", typeSRV)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer(asked, 0, record(typeSRV, 60, 0, 10, 0, 5, 0x13, 0xc4, 1, 'a', 0xc0, dnsHeader)))
	f.Add(answer(asked, 0, record(typeSRV, 60, 0, 10, 0, 5, 0x13, 0xc4, 0xc0, dnsHeader+30)))
	f.Add(answer(asked, 0, []byte{0xc0, byte(len(asked)), 0xc0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := answers(b, asked, typeSRV)
		if err == nil && (len(r.srv) == 0 || r.ttl < 0) {
			t.Errorf("%+v without an error", r)
		}
		for _, s := range r.srv {
			if len(s.Target) > 254 {
				t.Errorf("a name of %d bytes", len(s.Target))
			}
		}
	})
}
