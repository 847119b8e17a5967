package softphone

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"

	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"passerelle/internal/memnet"
)

// scripted is a server that answers each request by a function.
type scripted struct {
	t        *testing.T
	mu       sync.Mutex
	requests []*Message
	answer   func(n int, m *Message) []string // responses as "200 OK\r\nHeader: x"; n counts the requests of this method
	count    map[string]int
}

// handle returns the responses to one message.
func (s *scripted) handle(b []byte) [][]byte {
	m, err := parseMessage(b)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, m)
	s.count[m.Method]++
	var out [][]byte
	for _, line := range s.answer(s.count[m.Method], m) {
		status, extra, _ := strings.Cut(line, "\r\n")
		r := &Message{}
		if _, err := fmt.Sscanf(status, "%d", &r.Code); err != nil {
			panic(err)
		}
		_, r.Reason, _ = strings.Cut(status, " ")
		for _, name := range []string{"Via", "From", "Call-ID", "CSeq"} {
			r.add(name, m.Header(name))
		}
		r.add("To", m.Header("To")+";tag=srv")
		if extra != "" {
			for h := range strings.SplitSeq(extra, "\r\n") {
				name, value, _ := strings.Cut(h, ": ")
				r.add(name, value)
			}
		}
		out = append(out, r.marshal())
	}
	return out
}

// methods are those of the requests so far, once nothing is under way any more.
func (s *scripted) methods() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, m := range s.requests {
		out = append(out, m.Method)
	}
	return strings.Join(out, " ")
}

// scriptedBubble runs f with a phone and its scripted server.
func scriptedBubble(t *testing.T, answer func(n int, m *Message) []string, f func(p *Phone, s *scripted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New()
		pc, err := nw.ListenPacket(bobAddr)
		if err != nil {
			t.Fatal(err)
		}
		s := &scripted{t: t, answer: answer, count: map[string]int{}}
		go func() { // until pc is closed
			buf := make([]byte, 65536)
			for {
				n, from, err := pc.ReadFrom(buf)
				if err != nil {
					return
				}
				for _, r := range s.handle(buf[:n]) {
					_, _ = pc.WriteTo(r, from)
				}
			}
		}()
		p, err := Open(t.Context(), Config{
			User: "+33170001201", Password: "secret", Name: "Alice", Domain: "paris.test", Local: aliceAddr, Server: bobAddr, Sockets: Memory(nw),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = p.Close(), pc.Close() })
		f(p, s)
	})
}

const demand = `401 Unauthorized` + "\r\n" + `WWW-Authenticate: Digest realm="paris.test", nonce="n1", algorithm=MD5, qop="auth"`

// proven checks the digest of a request.
func proven(t *testing.T, m *Message, password string) *digest.Credentials {
	t.Helper()
	cred, err := digest.ParseCredentials(m.Header("Authorization"))
	if err != nil {
		t.Errorf("credentials %q: %v", m.Header("Authorization"), err)
		return &digest.Credentials{}
	}
	chal := &digest.Challenge{Realm: cred.Realm, Nonce: cred.Nonce, Algorithm: "MD5", QOP: []string{"auth"}}
	want, err := digest.Digest(chal, digest.Options{
		Method: m.Method, URI: cred.URI, Username: cred.Username, Password: password, Count: cred.Nc, Cnonce: cred.Cnonce,
	})
	if err != nil || want.Response != cred.Response {
		t.Errorf("response %s is wrong: %v", cred.Response, err)
	}
	return cred
}

func TestRegisterWithDigest(t *testing.T) {
	answer := func(_ int, m *Message) []string {
		if m.Header("Authorization") == "" {
			return []string{demand}
		}
		return []string{"200 OK\r\nContact: " + strings.Replace(m.Header("Contact"), "expires=3600", "expires=120", 1)}
	}
	scriptedBubble(t, answer, func(p *Phone, s *scripted) {
		t := s.t
		granted, err := p.Register(t.Context(), time.Hour)
		if err != nil || granted != 2*time.Minute {
			t.Fatalf("granted %s: %v", granted, err)
		}
		if err := p.Unregister(t.Context()); err != nil {
			t.Error(err)
		}
		if got := s.methods(); got != "REGISTER REGISTER REGISTER" {
			t.Fatalf("sent %s", got)
		}
		first, second, third := s.requests[0], s.requests[1], s.requests[2]
		if first.URI != "sip:paris.test" || first.Header("Contact") != `"Alice" <sip:+33170001201@10.0.0.1:5060>;expires=3600` {
			t.Errorf("first request\n%s", first)
		}
		if c := proven(t, second, "secret"); c.Nc != 1 || c.Username != "+33170001201" {
			t.Errorf("second request %s", c)
		}
		if c := proven(t, third, "secret"); c.Nc != 2 { // the nonce is used again without a new challenge
			t.Errorf("third request %s", c)
		}
		a, _ := first.cseq()
		b, _ := third.cseq()
		if b != a+2 || first.Header("Call-ID") != third.Header("Call-ID") || branchOf(first) == branchOf(second) {
			t.Errorf("CSeq %d then %d", a, b)
		}
		if order := headerOrder(first); order != "Via From To Call-ID CSeq Max-Forwards Contact User-Agent Allow Supported" {
			t.Errorf("order %s", order)
		}
	})
}

func headerOrder(m *Message) string {
	var names []string
	for _, h := range m.Headers {
		if h.Name != "Content-Length" {
			names = append(names, h.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	scriptedBubble(t, func(int, *Message) []string { return []string{demand} }, func(p *Phone, s *scripted) {
		t := s.t
		if _, err := p.Register(t.Context(), time.Hour); StatusOf(err) != 401 {
			t.Errorf("got %v", err)
		}
		if got := s.methods(); got != "REGISTER REGISTER" {
			t.Errorf("sent %s", got)
		}
	})
}

func TestStaleNonceIsTriedAgain(t *testing.T) {
	answer := func(n int, m *Message) []string {
		switch n {
		case 1:
			return []string{demand}
		case 2:
			return []string{strings.Replace(demand, `nonce="n1"`, `nonce="n2", stale=true`, 1)}
		}
		return []string{"200 OK\r\nContact: " + m.Header("Contact")}
	}
	scriptedBubble(t, answer, func(p *Phone, s *scripted) {
		t := s.t
		if _, err := p.Register(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
		if c := proven(t, s.requests[2], "secret"); c.Nonce != "n2" || c.Nc != 1 {
			t.Errorf("third request %s", c)
		}
	})
}

func TestProxyChallengeOfAnInvite(t *testing.T) {
	answer := func(n int, m *Message) []string {
		switch {
		case m.Method == "INVITE" && n == 1:
			return []string{"100 Trying", strings.NewReplacer("401 Unauthorized", "407 Proxy Authentication Required", "WWW", "Proxy").Replace(demand)}
		case m.Method == "INVITE":
			return []string{"100 Trying", "404 Not Found"}
		}
		return nil
	}
	scriptedBubble(t, answer, func(p *Phone, s *scripted) {
		t := s.t
		if _, err := p.Invite(t.Context(), "100", InviteOptions{}); StatusOf(err) != 404 {
			t.Errorf("got %v", err)
		}
		if got := s.methods(); got != "INVITE ACK INVITE ACK" {
			t.Fatalf("sent %s", got)
		}
		if branchOf(s.requests[0]) != branchOf(s.requests[1]) || branchOf(s.requests[1]) == branchOf(s.requests[2]) {
			t.Error("an ACK belongs to its INVITE's branch")
		}
		if s.requests[2].Header("Proxy-Authorization") == "" || s.requests[0].URI != "sip:100@paris.test" {
			t.Errorf("second INVITE\n%s", s.requests[2])
		}
	})
}

// TestCancelWaitsForAProvisional: before any response nothing is cancelled, and CANCEL is repeated until the 487 comes.
func TestCancelWaitsForAProvisional(t *testing.T) {
	answer := func(n int, m *Message) []string {
		switch {
		case m.Method == "INVITE" && n == 3: // sent at 0, 0.5 and 1.5 s
			return []string{"180 Ringing"}
		case m.Method == "CANCEL" && n == 2:
			return []string{"200 OK"}
		}
		return nil
	}
	scriptedBubble(t, answer, func(p *Phone, s *scripted) {
		t := s.t
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := p.Invite(ctx, "100", InviteOptions{})
		if err == nil || StatusOf(err) != 0 {
			t.Errorf("got %v", err)
		}
		if got := s.methods(); !strings.HasPrefix(got, "INVITE INVITE INVITE CANCEL CANCEL") {
			t.Errorf("sent %s", got)
		}
		if d := time.Since(start); d != 33*time.Second { // the final response never comes
			t.Errorf("gave up after %s", d)
		}
	})
}

func TestOptionsOutsideACall(t *testing.T) {
	scriptedBubble(t, func(int, *Message) []string { return []string{"200 OK"} }, func(p *Phone, s *scripted) {
		t := s.t
		if r, err := p.Options(t.Context(), "sip:paris.test"); err != nil || r.Code != 200 {
			t.Errorf("%v %v", r, err)
		}
	})
}

// TestStreamTransports registers over TCP and TLS on the in-memory network.
func TestStreamTransports(t *testing.T) {
	cert, roots := certificate(t, "paris.test")
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nw := memnet.New()
				ln, err := nw.Listen(bobAddr)
				if err != nil {
					t.Fatal(err)
				}
				if transport == "tls" {
					ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
				}
				s := &scripted{count: map[string]int{}, answer: func(_ int, m *Message) []string {
					return []string{"200 OK\r\nContact: " + m.Header("Contact")}
				}}
				served := make(chan struct{})
				go func() { // until the phone hangs up the connection
					defer close(served)
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					defer conn.Close()
					l := &streamLink{conn: conn}
					_ = readLoop(l, func(b []byte) {
						for _, r := range s.handle(b) {
							_ = l.send(r, netip.AddrPort{})
						}
					})
				}()
				p, err := Open(t.Context(), Config{
					User: "alice", Domain: "paris.test", Transport: transport, TLS: &tls.Config{RootCAs: roots, Time: func() time.Time { return certTime }},
					Local: netip.AddrPortFrom(aliceAddr.Addr(), 0), Server: bobAddr, Sockets: Memory(nw),
				})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Register(t.Context(), time.Hour); err != nil {
					t.Error(err)
				}
				want := fmt.Sprintf("<sip:alice@%s;transport=%s>;expires=3600", p.LocalAddr(), transport)
				if got := s.requests[0].Header("Contact"); got != want {
					t.Errorf("contact %s, want %s", got, want)
				}
				_ = p.Close()
				<-served
				_ = ln.Close()
			})
		})
	}
}

// readLoop is streamLink.run without addresses.
func readLoop(l *streamLink, f func([]byte)) error {
	return l.run(func(b []byte, _ netip.AddrPort) { f(b) })
}

var certTime = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// certificate makes one for the name, and the pool that trusts it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: certTime.Add(-time.Hour), NotAfter: certTime.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestOpenRefusesNonsense(t *testing.T) {
	for name, c := range map[string]Config{
		"no server":         {},
		"unknown transport": {Server: bobAddr, Transport: "pigeon"},
		"address not ours":  {Server: bobAddr, Local: netip.MustParseAddrPort("192.0.2.1:5060")},
	} {
		if p, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
			_ = p.Close()
		}
	}
}

// TestPacedCallOnLoopback runs two phones on real sockets under one pacer.
func TestPacedCallOnLoopback(t *testing.T) {
	pacer := NewPacer()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = pacer.Run(ctx) })
	defer running.Wait()
	defer cancel()
	loopback := netip.MustParseAddrPort("127.0.0.1:0")
	invites := make(chan *Incoming, 1)
	bob, err := Open(ctx, Config{User: "bob", Local: loopback, Server: loopbackPort(1), Pacer: pacer, OnInvite: func(in *Incoming) { invites <- in }})
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	alice, err := Open(ctx, Config{User: "alice", Local: loopback, Server: bob.LocalAddr(), Pacer: pacer})
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	far := make(chan *Call, 1)
	go func() { // ends with the answer
		c, err := (<-invites).Answer(ctx, InviteOptions{})
		if err != nil {
			t.Error(err)
		}
		far <- c
	}()
	near, err := alice.Invite(ctx, "bob", InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := <-far
	near.Tone(1000)
	bounded, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	if err := other.WaitTone(bounded, 1000, -22); err != nil {
		t.Error(err)
	}
	if err := near.SendDigits(bounded, "12", DigitOptions{}); err != nil {
		t.Error(err)
	}
	s, err := near.Listen(bounded, 200*time.Millisecond)
	if err != nil || len(s) != 1600 || s.Loudness() > -60 {
		t.Errorf("listened to %d samples of %.0f dB: %v", len(s), s.Loudness(), err)
	}
	if h := pacer.Health(); h.Ticks == 0 || h.Drops != 0 {
		t.Errorf("health %+v", h)
	}
	if st := other.Stats(); st.Lost != 0 || st.Events == 0 {
		t.Errorf("stats %+v", st)
	}
	if err := near.Bye(bounded); err != nil {
		t.Error(err)
	}
	<-other.Done()
}

func loopbackPort(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}
