package sip

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

type requested struct {
	res *Response
	err error
}

// request sends on a goroutine of its own, which ends with the answer.
func (w *world) request(ctx context.Context, r Request) <-chan requested {
	done := make(chan requested, 1)
	go func() {
		res, err := w.srv.Request(ctx, r)
		done <- requested{res, err}
	}()
	return done
}

var udpHop = Hop{Transport: "UDP", Addr: netip.MustParseAddrPort(trunkAddr)}

func TestOptionsOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		p := w.trunk(t)
		synctest.Wait()
		done := w.request(t.Context(), Request{Method: "OPTIONS", Target: udpHop.Target("sip:carrier.test"), From: "sip:site.test"})
		m := p.WantRequest("OPTIONS")
		if m.StartLine() != "OPTIONS sip:carrier.test SIP/2.0" || m.URI("From") != "sip:site.test" || m.URI("To") != "sip:carrier.test" || m.Header("Contact") != "" {
			t.Errorf("request\n%s", m.Raw)
		}
		p.Answer(m, "100 Trying", "")
		p.Answer(m, "404 Not Found", "x", "X-Why: no")
		got := <-done
		if got.err != nil || got.res.Code != 404 || got.res.Header("X-Why") != "no" || got.res.Connection != 0 {
			t.Errorf("%+v, %v", got.res, got.err)
		}
	})
}

func TestOptionsNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		synctest.Wait()
		start := time.Now()
		got := <-w.request(t.Context(), Request{Method: "OPTIONS", Target: udpHop.Target("sip:carrier.test")})
		if code, _ := StatusOf(got.err); code != 408 || time.Since(start) != 32*time.Second {
			t.Errorf("%v after %v, want 408 after 64*T1", got.err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		got = <-w.request(ctx, Request{Method: "OPTIONS", Target: udpHop.Target("sip:carrier.test")})
		if !errors.Is(got.err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", got.err, time.Since(start))
		}
	})
}

// TestRegisterOfOurs proves itself, also for a nonce that became stale, and counts its CSeq on.
func TestRegisterOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		p := w.trunk(t)
		synctest.Wait()
		done := w.request(t.Context(), Request{
			Method: "REGISTER", Target: udpHop.Target("sip:carrier.test"), To: "sip:acme@carrier.test", CallID: "one@here", CSeq: 7,
			ContactUser: "acme", ContactParams: ";line=abc", Headers: []Header{{"Expires", "600"}},
			Credentials: func(realm string) (string, string, bool) { return "acme", "secret", realm == "carrier.test" },
		})
		m := p.WantRequest("REGISTER")
		contact := "<sip:acme@" + serverAddr + ";line=abc>"
		if m.StartLine() != "REGISTER sip:carrier.test SIP/2.0" || m.Header("CSeq") != "7 REGISTER" || m.Header("Call-ID") != "one@here" ||
			m.Header("Contact") != contact || m.URI("From") != "sip:acme@carrier.test" || m.Header("Authorization") != "" {
			t.Fatalf("first\n%s", m.Raw)
		}
		p.Answer(m, "401 Unauthorized", "x", `WWW-Authenticate: Digest realm="carrier.test", nonce="n1", qop="auth"`)
		m = p.WantRequest("REGISTER")
		if a := m.Header("Authorization"); m.Header("CSeq") != "8 REGISTER" || !strings.Contains(a, `nonce="n1"`) || !strings.Contains(a, `uri="sip:carrier.test"`) {
			t.Fatalf("second\n%s", m.Raw)
		}
		p.Answer(m, "401 Unauthorized", "x", `WWW-Authenticate: Digest realm="carrier.test", nonce="n2", qop="auth", stale=true`)
		m = p.WantRequest("REGISTER")
		if m.Header("CSeq") != "9 REGISTER" || !strings.Contains(m.Header("Authorization"), `nonce="n2"`) {
			t.Fatalf("third\n%s", m.Raw)
		}
		p.Answer(m, "200 OK", "x", "Contact: <sip:acme@192.0.2.7:5060>;expires=3600", "Contact: "+contact+";expires=120", "Expires: 600")
		got := <-done
		if got.err != nil || got.res.Code != 200 || got.res.CSeq != 9 || "<"+got.res.Contact+">" != contact {
			t.Fatalf("%+v, %v", got.res, got.err)
		}
		if d, ok := got.res.Granted(); !ok || d != 2*time.Minute {
			t.Errorf("granted %v, %v", d, ok)
		}
	})
}

func TestGranted(t *testing.T) {
	for _, tt := range []struct {
		name string
		head []string
		want time.Duration
		ok   bool
	}{
		{"own Contact", []string{"Contact: <sip:acme@" + serverAddr + ";line=abc>;expires=60", "Expires: 600"}, time.Minute, true},
		{"own Contact, rewritten", []string{"Contact: <sip:acme@203.0.113.9:40000;line=abc>;expires=60"}, time.Minute, true},
		{"of two with our user part, ours", []string{"Contact: <sip:acme@10.0.0.9:5060>;expires=30, <sip:acme@" + serverAddr + ";line=abc>;expires=60"}, time.Minute, true},
		{"Expires only", []string{"Contact: <sip:acme@" + serverAddr + ";line=abc>", "Expires: 600"}, 10 * time.Minute, true},
		{"no Contact", []string{"Expires: 600"}, 10 * time.Minute, true},
		{"nothing", nil, 0, false},
		{"nonsense", []string{"Contact: <sip:acme@" + serverAddr + ";line=abc>;expires=soon"}, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ServerConfig{}, answering)
				p := w.trunk(t)
				synctest.Wait()
				done := w.request(t.Context(), Request{Method: "REGISTER", Target: udpHop.Target("sip:carrier.test"), To: "sip:acme@carrier.test", ContactUser: "acme", ContactParams: ";line=abc"})
				p.Answer(p.WantRequest("REGISTER"), "200 OK", "x", tt.head...)
				got := <-done
				if got.err != nil {
					t.Fatal(got.err)
				}
				if d, ok := got.res.Granted(); d != tt.want || ok != tt.ok {
					t.Errorf("granted %v, %v; want %v, %v", d, ok, tt.want, tt.ok)
				}
			})
		})
	}
}

// TestRequestsTellTheirConnection so that whoever registered by one knows when it is gone.
func TestRequestsTellTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		var p *siptest.Peer
		for want := uint64(1); want <= 2; want++ {
			for range 2 {
				done := c.request(t.Context(), Request{Method: "OPTIONS", Target: tcpHop.Target("sip:carrier.test")})
				if p == nil {
					p = c.accept()
				}
				p.Answer(p.WantRequest("OPTIONS"), "200 OK", "x")
				if got := <-done; got.err != nil || got.res.Connection != want {
					t.Fatalf("%+v, %v; want connection %d", got.res, got.err, want)
				}
			}
			p.Close()
			p = nil
			synctest.Wait()
		}
	})
}
