package trunks

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/internal/memnet"
	"passerelle/sip"
	"passerelle/sip/siptest"
)

// noLines is a server of trunks only.
type noLines struct{ all *Trunks }

func (noLines) Line(string) (sip.Line, bool)                     { return sip.Line{}, false }
func (noLines) AOR(string, string) (sip.AOR, bool)               { return "", false }
func (noLines) Realm(string, string) string                      { return "paris.acme.test" }
func (l noLines) Trunk(src netip.AddrPort) (string, bool)        { return l.all.BySource(src) }
func (l noLines) TrunkOf(s sip.Source, u sip.URI) (string, bool) { return l.all.TrunkOf(s, u) }

const ownAddr = "192.0.2.10:5060"

// account makes a trunk one that we register with.
func account(tr *directory.Trunk) {
	tr.Address, tr.Domain, tr.NoProbe = "192.0.2.1", "carrier.test", true
	tr.Auth, tr.Username, tr.Password = directory.AuthRegister, "acme", "t0p-s3cret"
}

// registering runs Trunks on a real server; peers are the carrier's registrars at 192.0.2.1 and 192.0.2.2.
func registering(t *testing.T, edit func(tr *directory.Trunk), scenario func(t *testing.T, n *memnet.Network, tr *directory.Trunk, all *Trunks, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		pc, err := n.ListenPacket(netip.MustParseAddrPort(ownAddr))
		if err != nil {
			t.Fatal(err)
		}
		live, tr := oneTrunk(t, edit)
		all := New(Config{Directory: live, DNS: newOutside()})
		srv := sip.NewServer(sip.ServerConfig{UDP: []net.PacketConn{pc}}, nil, nil, noLines{all}, nil)
		all.cfg.Requests = srv
		serving, end := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- srv.Run(serving) }() // ends with end
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- all.Run(ctx) }() // ends with cancel
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		defer func() { // also after a scenario that failed
			stop()
			end()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}()
		scenario(t, n, tr, all, stop)
	})
}

// accept answers a REGISTER that proves itself, granting a time.
func accept(p *siptest.Peer, m siptest.Message, seconds string) {
	p.Answer(m, "200 OK", "r", "Contact: "+m.Header("Contact")+";expires="+seconds)
}

const challenge = `WWW-Authenticate: Digest realm="carrier.test", nonce="n1", algorithm=MD5, qop="auth"`

// TestRegistration registers, proves itself, refreshes in time, and unregisters at the end (RFC 3261 §10.2).
func TestRegistration(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, tr *directory.Trunk, all *Trunks, stop func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		m := p.WantRequest("REGISTER")
		if m.StartLine() != "REGISTER sip:carrier.test SIP/2.0" || m.URI("To") != "sip:acme@carrier.test" || m.Header("Expires") != "600" ||
			!strings.HasPrefix(m.Header("Contact"), "<sip:acme@"+ownAddr+";line=") {
			t.Fatalf("first\n%s", m.Raw)
		}
		p.Answer(m, "401 Unauthorized", "r", challenge)
		m = p.WantRequest("REGISTER")
		if !strings.Contains(m.Header("Authorization"), `username="acme"`) {
			t.Fatalf("second\n%s", m.Raw)
		}
		accept(p, m, "120")
		s := wantCondition(t, all, Up)
		if r := s.Registration; r == nil || !r.Registered || r.Expires.Sub(time.Now()) != 2*time.Minute || r.Way.Addr != first {
			t.Fatalf("%+v", s.Registration)
		}
		at := time.Now()
		for range 5 {
			again := p.WantRequest("REGISTER")
			if d := again.At.Sub(at); d < 80*time.Second || d > 100*time.Second {
				t.Fatalf("refreshed after %v of 2m0s", d)
			}
			if again.Header("Call-ID") != m.Header("Call-ID") || again.Header("Contact") != m.Header("Contact") || again.CSeq() <= m.CSeq() {
				t.Fatalf("refresh\n%s", again.Raw)
			}
			at, m = again.At, again
			accept(p, again, "120")
		}
		go stop() // ends with the scenario's own look at it
		m = p.WantRequest("REGISTER")
		if m.Header("Expires") != "0" {
			t.Errorf("at the end\n%s", m.Raw)
		}
		p.Answer(m, "200 OK", "r")
		synctest.Wait()
	})
}

// TestIntervalTooBrief asks for what the registrar wants at least (RFC 3261 §10.2.8).
func TestIntervalTooBrief(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, stop func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		p.Answer(p.WantRequest("REGISTER"), "423 Interval Too Brief", "r", "Min-Expires: 1800")
		m := p.WantRequest("REGISTER")
		if m.Header("Expires") != "1800" {
			t.Errorf("asked for %s s", m.Header("Expires"))
		}
		accept(p, m, "1800")
		wantCondition(t, all, Up)
		p.Quiet(20 * time.Minute)
	})
}

// TestRegistrarInALoopOf423 is one that never has enough, or asks for too much.
func TestRegistrarInALoopOf423(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		for _, least := range []string{"700", "700", "9999999"} {
			p.Answer(p.WantRequest("REGISTER"), "423 Interval Too Brief", "r", "Min-Expires: "+least)
			if least == "700" {
				continue
			}
		}
		wantCondition(t, all, Down)
	})
}

// TestRegistrationIsRefused waits minutes before it tries again what was refused, so that nobody is locked out.
func TestRegistrationIsRefused(t *testing.T) {
	for name, answer := range map[string][]string{
		"403": {"403 Forbidden", "r"},
		"401": {"401 Unauthorized", "r", challenge},
	} {
		t.Run(name, func(t *testing.T) {
			registering(t, account, func(t *testing.T, n *memnet.Network, tr *directory.Trunk, all *Trunks, _ func()) {
				p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
				m := p.WantRequest("REGISTER")
				p.Answer(m, answer[0], "r", answer[2:]...)
				if name == "401" {
					m = p.WantRequest("REGISTER")
					p.Answer(m, answer[0], "r", answer[2:]...)
				}
				s := wantCondition(t, all, Down)
				if all.Up(tr) || !strings.Contains(s.Why, name) || s.Registration.Registered {
					t.Errorf("%+v, registration %+v", s, s.Registration)
				}
				again := p.WantRequest("REGISTER")
				if d := again.At.Sub(m.At); d < 4*time.Minute || d > 6*time.Minute {
					t.Errorf("again after %v", d)
				}
				accept(p, again, "600")
				wantCondition(t, all, Up)
			})
		})
	}
}

// TestStaleNonce is answered once more (RFC 3261 §22.4).
func TestStaleNonce(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		p.Answer(p.WantRequest("REGISTER"), "401 Unauthorized", "r", challenge)
		p.Answer(p.WantRequest("REGISTER"), "401 Unauthorized", "r", strings.Replace(challenge, `nonce="n1"`, `nonce="n2", stale=true`, 1))
		m := p.WantRequest("REGISTER")
		if !strings.Contains(m.Header("Authorization"), `nonce="n2"`) {
			t.Errorf("third\n%s", m.Raw)
		}
		accept(p, m, "600")
		wantCondition(t, all, Up)
	})
}

// TestSecondRegistrar registers elsewhere where the first is out of order, or silent, and calls go there.
func TestSecondRegistrar(t *testing.T) {
	for _, answer := range []string{"503 Service Unavailable", "500 Server Internal Error", ""} {
		t.Run(answer, func(t *testing.T) {
			registering(t, func(tr *directory.Trunk) {
				account(tr)
				tr.BackupAddresses = []string{"192.0.2.2"}
			}, func(t *testing.T, n *memnet.Network, tr *directory.Trunk, all *Trunks, _ func()) {
				p, q := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr), siptest.NewPeer(t, n, "192.0.2.2:5060", ownAddr)
				start := time.Now()
				if m := p.WantRequest("REGISTER"); answer != "" {
					p.Answer(m, answer, "r")
				}
				m := q.WantRequest("REGISTER")
				if d := m.At.Sub(start); d > registerTime {
					t.Errorf("after %v", d)
				}
				accept(q, m, "600")
				wantCondition(t, all, Up)
				wantHops(t, all, tr, "192.0.2.2:5060", "192.0.2.1:5060")
			})
		})
	}
}

// TestRegistrarAsksForTime is a 503 with Retry-After.
func TestRegistrarAsksForTime(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		m := p.WantRequest("REGISTER")
		p.Answer(m, "503 Service Unavailable", "r", "Retry-After: 100")
		again := p.WantRequest("REGISTER")
		if d := again.At.Sub(m.At); d != 100*time.Second {
			t.Errorf("again after %v", d)
		}
		accept(p, again, "600")
		wantCondition(t, all, Up)
	})
}

// TestRegistrarFallsSilent keeps what is registered for as long as the registrar has granted, trying on.
func TestRegistrarFallsSilent(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, tr *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		accept(p, p.WantRequest("REGISTER"), "300")
		time.Sleep(299 * time.Second)
		wantCondition(t, all, Up)
		time.Sleep(2 * time.Second)
		if s := wantCondition(t, all, Down); all.Up(tr) || s.Why == "" || s.Registration.Registered {
			t.Errorf("%+v", s)
		}
		tries := make(map[string]bool)
		for _, m := range p.Drain(time.Millisecond) {
			tries[m.Header("CSeq")] = true
		}
		if len(tries) < 3 || len(tries) > 6 {
			t.Errorf("%d attempts in the last minute", len(tries))
		}
		accept(p, p.WantRequest("REGISTER"), "300")
		wantCondition(t, all, Up)
	})
}

// TestRegistersByItsConnection registers anew at once when the connection is another one, for calls to us come by it.
func TestRegistersByItsConnection(t *testing.T) {
	o := newOutside()
	o.code[first], o.conn[first] = 200, 1
	watch(t, o, func(tr *directory.Trunk) {
		account(tr)
		tr.NoProbe, tr.Transport, tr.Address = false, directory.TCP, "192.0.2.1:5060"
	}, func(t *testing.T, _ *directory.Trunk, all *Trunks) {
		wantCondition(t, all, Up)
		time.Sleep(2 * time.Minute)
		if n := len(o.registers()); n != 1 {
			t.Fatalf("%d registrations, want 1", n)
		}
		o.set(func() { o.conn[first] = 2 })
		time.Sleep(31 * time.Second)
		all2 := o.registers()
		if len(all2) != 2 || all2[0].CallID != all2[1].CallID {
			t.Fatalf("%d registrations, want one more", len(all2))
		}
		time.Sleep(2 * time.Minute)
		if n := len(o.registers()); n != 2 {
			t.Fatalf("%d registrations, want 2", n)
		}
	})
}

// TestRegistrarKnowsNoOPTIONS does not take a trunk for dead that registers and answers no OPTIONS.
func TestRegistrarKnowsNoOPTIONS(t *testing.T) {
	registering(t, func(tr *directory.Trunk) {
		account(tr)
		tr.NoProbe = false
	}, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
			if m, ok := p.Read(time.Second); ok && m.Method() == "REGISTER" {
				accept(p, m, "600")
			}
		}
		wantCondition(t, all, Up)
	})
}

// TestPasswordChanges ends the registration before the one with the new password begins.
func TestPasswordChanges(t *testing.T) {
	registering(t, account, func(t *testing.T, n *memnet.Network, _ *directory.Trunk, all *Trunks, _ func()) {
		p := siptest.NewPeer(t, n, "192.0.2.1:5060", ownAddr)
		one := p.WantRequest("REGISTER")
		accept(p, one, "600")
		synctest.Wait()
		live, _ := oneTrunk(t, func(tr *directory.Trunk) { account(tr); tr.Password = "n3w-s3cret" })
		all.cfg.Directory.Swap(live.Current())
		all.Changed()
		end := p.WantRequest("REGISTER")
		if end.Header("Expires") != "0" || end.Header("Call-ID") != one.Header("Call-ID") {
			t.Fatalf("the end of the former\n%s", end.Raw)
		}
		p.Answer(end, "200 OK", "r")
		two := p.WantRequest("REGISTER")
		if two.Header("Expires") != "600" || two.Header("Call-ID") == one.Header("Call-ID") {
			t.Fatalf("the new one\n%s", two.Raw)
		}
		accept(p, two, "600")
		wantCondition(t, all, Up)
	})
}

// TestWhoSendsToARegistration tells trunks apart by where a request comes from and by our Contact.
func TestWhoSendsToARegistration(t *testing.T) {
	o := newOutside()
	o.code[first], o.code[second] = 200, 200
	synctest.Test(t, func(t *testing.T) {
		live, _ := oneTrunk(t, func(tr *directory.Trunk) {
			account(tr)
			more := *tr
			more.Name, more.Username = "other", "acme-2"
			trusted := directory.NewTrunk()
			trusted.Name, trusted.Address = "trusted", "192.0.2.2"
			tr.Site.Trunks = append(tr.Site.Trunks, &more, trusted)
		})
		all := New(Config{Directory: live, Requests: o, DNS: o})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- all.Run(ctx) }() // ends with cancel
		synctest.Wait()
		lines := make(map[string]string)
		for _, k := range all.keepers() {
			lines[k.name] = k.line
		}
		const carrier, other = "paris.acme.test/carrier", "paris.acme.test/other"
		for _, tt := range []struct {
			name, src, user, line, want string
		}{
			{"from the registrar to the number", "192.0.2.1:5060", "+33170001000", "", carrier},
			{"to the account", "192.0.2.1:5060", "acme-2", "", other},
			{"to our Contact", "192.0.2.1:5060", "acme", lines[other], other},
			{"to our Contact, by another port", "192.0.2.1:40000", "acme", lines[carrier], carrier},
			{"another port", "192.0.2.1:40000", "acme", "", ""},
			{"another port and a line that is not ours", "192.0.2.1:40000", "acme", "AAAA", ""},
			{"another host that knows our Contact", "203.0.113.1:5060", "acme", lines[carrier], ""},
			{"a trunk that we do not register with", "192.0.2.2:5060", "acme", "", ""},
		} {
			uri := sip.URI{Scheme: "sip", User: tt.user, Params: map[string]string{}}
			if tt.line != "" {
				uri.Params["line"] = tt.line
			}
			if got, ok := all.TrunkOf(sip.Source{Transport: "UDP", Remote: netip.MustParseAddrPort(tt.src)}, uri); got != tt.want || ok != (tt.want != "") {
				t.Errorf("%s: %q, %v; want %q", tt.name, got, ok, tt.want)
			}
		}
		cancel()
		<-ended
	})
}
