package sip

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/icholy/digest"

	"passerelle/internal/memnet"
	"passerelle/sip/siptest"
)

// site is a server with an authenticator and a registrar for alice and bob.
func site(t *testing.T, cfg ServerConfig, h Handler) (*world, *Registrar) {
	t.Helper()
	lines := newSiteLines(
		Line{Username: "alice", Password: "pA", Realm: "site.test", AOR: "alice@site.test", AORs: []AOR{"alice@site.test"}},
		Line{Username: "bob", Password: "pB", Realm: "site.test", AOR: "bob@site.test", AORs: []AOR{"bob@site.test"}},
	)
	auth := NewAuthenticator(AuthConfig{}, lines)
	reg := NewRegistrar(RegistrarConfig{}, nil)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- reg.Run(ctx) }() // ends with stop
	w := newWorldOf(t, cfg, auth, reg, lines, h)
	t.Cleanup(func() {
		w.stop()
		stop()
		<-ran
	})
	return w, reg
}

// registerText builds a REGISTER of a phone; challenge may be nil.
func registerText(t *testing.T, p *siptest.Peer, user, password string, seq int, challenge *digest.Challenge, extra ...string) string {
	t.Helper()
	uri := "sip:site.test"
	text := fmt.Sprintf("REGISTER %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bK-%s-%d\nMax-Forwards: 70\nFrom: <sip:%s@site.test>;tag=r%s\n"+
		"To: <sip:%s@site.test>\nCall-ID: reg-%s-%s\nCSeq: %d REGISTER\nContact: <sip:%s@%s;transport=%s>;expires=600\n",
		uri, p.Transport, p.Addr, user, seq, user, user, user, user, p.Addr, seq, user, p.Addr, strings.ToLower(p.Transport))
	if challenge != nil {
		cred, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: uri, Username: user, Password: password, Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		text += "Authorization: " + cred.String() + "\n"
	}
	return text + strings.Join(extra, "\n")
}

// registered registers a phone.
func registered(t *testing.T, p *siptest.Peer, user, password string) siptest.Message {
	t.Helper()
	p.Send(registerText(t, p, user, password, 1, nil))
	ch, err := digest.ParseChallenge(p.Want(401, "REGISTER").Header("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	p.Send(registerText(t, p, user, password, 2, ch))
	return p.Want(200, "REGISTER")
}

func TestRegisterOverUDPAndTCP(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		synctest.Test(t, func(t *testing.T) {
			w, reg := site(t, ServerConfig{}, answering)
			var p *siptest.Peer
			if transport == "UDP" {
				p = siptest.NewPeer(t, w.Network, "10.0.0.20:5062", serverAddr)
			} else {
				p = siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
			}
			ok := registered(t, p, "alice", "pA")
			if !strings.Contains(ok.Header("Contact"), "expires=600") {
				t.Errorf("Contact %q", ok.Header("Contact"))
			}
			b := reg.Bindings("alice@site.test")
			if len(b) != 1 || b[0].Source.Transport != transport || b[0].Source.Remote != p.Addr {
				t.Fatalf("bindings %+v", b)
			}
			p.Send(registerText(t, p, "alice", "wrong", 3, &digest.Challenge{Realm: "site.test", Nonce: "x", Algorithm: "MD5", QOP: []string{"auth"}}))
			p.Want(401, "REGISTER")
		})
	}
}

// TestRegisteredConnectionCallsUnchallenged: the connection a phone registered on proves it; by UDP it is challenged.
func TestRegisteredConnectionCallsUnchallenged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		who := make(chan Identity, 4)
		w, _ := site(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			who <- leg.Invite().Identity
			return answering(ctx, leg)
		}))
		phone := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		registered(t, phone, "alice", "pA")
		call := phone.NewCall("sip:8000@site.test")
		call.From = "<sip:alice@site.test>"
		call.Answered(siptest.Offer)
		if id := <-who; id != (Identity{Username: "alice"}) {
			t.Errorf("identity %+v", id)
		}
		call.Request("BYE")
		call.Want(200, "BYE")

		// Somebody else's name on the same connection proves nothing.
		call = phone.NewCall("sip:8000@site.test")
		call.From = "<sip:bob@site.test>"
		call.Request("INVITE", siptest.Offer)
		call.RefusalACK(call.Want(401, "INVITE"))

		udp := siptest.NewPeer(t, w.Network, "10.0.0.21:5060", serverAddr)
		registered(t, udp, "bob", "pB")
		call = udp.NewCall("sip:8000@site.test")
		call.From = "<sip:bob@site.test>"
		call.Request("INVITE", siptest.Offer)
		call.RefusalACK(call.Want(401, "INVITE"))
		call.Quiet(time.Minute)
	})
}

// TestPhoneAtTrunkAddress: a phone that registered from the address of a trunk is that phone, not the trunk.
func TestPhoneAtTrunkAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		who := make(chan Identity, 4)
		lines := trunkAndLines{newSiteLines(Line{Username: "alice", Password: "pA", Realm: "site.test", AOR: "alice@site.test", AORs: []AOR{"alice@site.test"}})}
		auth, reg := NewAuthenticator(AuthConfig{}, lines), NewRegistrar(RegistrarConfig{}, nil)
		w := newWorldOf(t, ServerConfig{}, auth, reg, lines, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			who <- leg.Invite().Identity
			return answering(ctx, leg)
		}))
		phone := siptest.NewPeer(t, w.Network, "10.0.0.2:6000", serverAddr)
		registered(t, phone, "alice", "pA")
		call := phone.NewCall("sip:8000@site.test")
		call.From = "<sip:alice@site.test>"
		call.Request("INVITE", siptest.Offer)
		refused := call.Want(401, "INVITE")
		call.RefusalACK(refused)
		ch, err := digest.ParseChallenge(refused.Header("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		cred, err := digest.Digest(ch, digest.Options{Method: "INVITE", URI: call.URI, Username: "alice", Password: "pA", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		call.Answered("Authorization: "+cred.String(), siptest.Offer)
		if id := <-who; id != (Identity{Username: "alice"}) {
			t.Errorf("identity %+v", id)
		}
		call.Request("BYE")
		call.Want(200, "BYE")

		call = w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		if id := <-who; id != (Identity{Trunk: "carrier"}) {
			t.Errorf("identity %+v", id)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

type trunkAndLines struct{ siteLines }

func (trunkAndLines) Trunk(src netip.AddrPort) (string, bool) { return trunkLines{}.Trunk(src) }

// TestRightTCPPhone: requests go to the phone's own connection. Stock sipgo sends them to the phone that connected last.
func TestRightTCPPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 2)
		w, _ := site(t, ServerConfig{}, lent(legs))
		alice := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		bob := siptest.Dial(t, w.Network, "10.0.0.21:0", serverAddr)
		registered(t, alice, "alice", "pA")
		registered(t, bob, "bob", "pB")
		call := alice.NewCall("sip:8000@site.test")
		call.From = "<sip:alice@site.test>"
		call.Answered(siptest.Offer)
		leg := <-legs
		synctest.Wait()
		late := siptest.Dial(t, w.Network, "10.0.0.22:0", serverAddr)
		go func() { _ = leg.Hangup(context.Background(), Reason{}) }() // ends with the answer to BYE
		alice.Answer(alice.WantRequest("BYE"), "200 OK", "")
		bob.Quiet(time.Second)
		late.Quiet(time.Second)
		wantLegs(t, w, 0)
	})
}

// TestConnectionGone: a leg whose connection is closed reaches nobody, and nobody else; a new connection of the peer is
// taken over with its next request.
func TestConnectionGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 2)
		w, reg := site(t, ServerConfig{}, lent(legs))
		phone := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		registered(t, phone, "alice", "pA")
		call := phone.NewCall("sip:8000@site.test")
		call.From = "<sip:alice@site.test>"
		call.Answered(siptest.Offer)
		leg := <-legs
		synctest.Wait()
		phone.Close()
		synctest.Wait()
		if b := reg.Bindings("alice@site.test"); len(b) != 0 {
			t.Errorf("reachable bindings %+v", b)
		}
		if err := leg.Probe(context.Background()); err == nil {
			t.Error("a probe without connection succeeds")
		}
		again := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		call.Peer = again
		call.Request("OPTIONS")
		call.Want(200, "OPTIONS")
		go func() { _ = leg.Hangup(context.Background(), Reason{}) }() // ends with the answer to BYE
		again.Answer(again.WantRequest("BYE"), "200 OK", "")
		wantLegs(t, w, 0)
	})
}

func TestStreamFraming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		p := siptest.Dial(t, w.Network, "10.0.0.9:0", serverAddr)
		p.SendRaw("\r\n\r\n")
		if m := p.Next(); m.Raw != "\r\n" {
			t.Errorf("pong %q", m.Raw)
		}
		options := func(i int) string {
			return siptest.Text(fmt.Sprintf("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK%d\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: o%d\nCSeq: 1 OPTIONS\n", i, i))
		}
		p.SendRaw("\r\n" + options(1) + options(2))
		for range 2 {
			p.Want(200, "OPTIONS")
		}
		for _, c := range options(3) { // a byte at a time
			p.SendRaw(string(c))
		}
		p.Want(200, "OPTIONS")
		p.SendRaw("\r\n") // a lone CRLF, minutes ago, is no message that has begun
		time.Sleep(10 * time.Minute)
		p.SendRaw(options(4))
		p.Want(200, "OPTIONS")
		p.SendRaw(strings.Replace(options(5), "Content-Length: 0\r\n", "", 1))
		p.Want(400, "OPTIONS")
		if !p.Ended(time.Second) {
			t.Error("a stream without Content-Length goes on")
		}
	})
}

func TestStreamLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		send string
		most time.Duration
	}{
		{"silent", "", streamFirstTime},
		{"half a message", "OPTIONS sip:x SIP/2.0\r\nVia: SIP", streamFirstTime},
		{"endless header", "OPTIONS sip:x SIP/2.0\r\nX: " + strings.Repeat("x", maxHead), time.Second},
		{"huge body", "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK1\r\nContent-Length: 99999999\r\n\r\n", 2 * time.Second},
		{"garbage", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ServerConfig{}, answering)
				p := siptest.Dial(t, w.Network, "10.0.0.9:0", serverAddr)
				start := time.Now()
				if c.send != "" {
					p.SendRaw(c.send)
				}
				if !p.Ended(2 * c.most) {
					t.Fatal("still open")
				}
				if d := time.Since(start); d > c.most {
					t.Errorf("closed after %v, want %v", d, c.most)
				}
			})
		})
	}
}

// TestSlowReaderLosesItsConnectionOnly: a peer that does not read fills its queue and is closed, while another is served.
func TestSlowReaderLosesItsConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		stream, err := w.Dial(netip.MustParseAddrPort("10.0.0.2:0"), netip.MustParseAddrPort(serverAddr)) // a trunk: not limited
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = stream.Close() }()
		good := siptest.Dial(t, w.Network, "10.0.0.8:0", serverAddr)
		for i := range 3000 {
			_, _ = io.WriteString(stream, siptest.Text(fmt.Sprintf("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.9;branch=z9hG4bK%d\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: o%d\nCSeq: 1 OPTIONS\nSubject: %s\n", i, i, strings.Repeat("x", 300))))
			if i%500 == 0 {
				start := time.Now()
				good.SendRaw(siptest.Text(fmt.Sprintf("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/TCP 10.0.0.8;branch=z9hG4bKg%d\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: g%d\nCSeq: 1 OPTIONS\n", i, i)))
				if m := good.Want(200, "OPTIONS"); m.At != start {
					t.Errorf("the good one waited %v", m.At.Sub(start))
				}
			}
			if flowsOf(w.srv) == 1 {
				return // closed
			}
			synctest.Wait()
		}
		t.Errorf("%d flows, the slow one is open", flowsOf(w.srv))
	})
}

// flowsOf counts connections.
func flowsOf(s *Server) int {
	s.flows.mu.Lock()
	defer s.flows.mu.Unlock()
	return len(s.flows.byID) - 1 // one is the UDP socket
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"site.test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

func TestCallOverTLS(t *testing.T) {
	config := selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		w, l := listening(t)
		w.start(t, ServerConfig{TLS: []net.Listener{l}, TLSConfig: config})
		idle, err := w.Dial(netip.MustParseAddrPort("10.0.0.2:0"), netip.MustParseAddrPort("10.0.0.1:5061"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = idle.Close() }() // in its handshake for ever; it must hold up nobody
		raw, err := w.Dial(netip.MustParseAddrPort("10.0.0.2:0"), netip.MustParseAddrPort("10.0.0.1:5061"))
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
		p := siptest.Over(t, w.Network, c, "TLS")
		call := p.NewCall("sip:8000@site.test")
		ok := call.Answered(siptest.Offer)
		if !strings.Contains(ok.Header("Contact"), "@10.0.0.1:5061;transport=tls>") {
			t.Errorf("Contact %q", ok.Header("Contact"))
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

// listening opens 10.0.0.1:5061 on a network of its own.
func listening(t *testing.T) (*world, net.Listener) {
	t.Helper()
	w := &world{Network: memnet.New()}
	l, err := w.Listen(netip.MustParseAddrPort("10.0.0.1:5061"))
	if err != nil {
		t.Fatal(err)
	}
	return w, l
}

func (w *world) start(t *testing.T, cfg ServerConfig) {
	t.Helper()
	w.srv = NewServer(cfg, nil, nil, trunkLines{}, answering)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Run(ctx) }() // ends with cancel
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// wsClient is a WebSocket as siptest.Peer wants a connection: each write is a masked text message.
type wsClient struct {
	net.Conn
	r   *bufio.Reader
	got []byte
}

func (c *wsClient) Write(b []byte) (int, error) {
	f := ws.MaskFrame(ws.NewTextFrame(b))
	return len(b), ws.WriteFrame(c.Conn, f)
}

func (c *wsClient) Read(b []byte) (int, error) {
	if len(c.got) == 0 {
		f, err := ws.ReadFrame(c.r)
		if err != nil {
			return 0, err
		}
		c.got = f.Payload
	}
	n := copy(b, c.got)
	c.got = c.got[n:]
	return n, nil
}

func TestCallOverWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := listening(t)
		w.start(t, ServerConfig{WS: []net.Listener{l}})
		dial := func() net.Conn {
			c, err := w.Dial(netip.MustParseAddrPort("10.0.0.2:0"), netip.MustParseAddrPort("10.0.0.1:5061"))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		idle := dial() // on stock sipgo it stops all others at the upgrade
		defer func() { _ = idle.Close() }()
		c := dial()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: site.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n")
		r := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		p := siptest.Over(t, w.Network, &wsClient{Conn: c, r: r}, "WS")
		call := p.NewCall("sip:8000@site.test")
		ok := call.Answered(siptest.Offer)
		if !strings.Contains(ok.Header("Contact"), ";transport=ws>") {
			t.Errorf("Contact %q", ok.Header("Contact"))
		}
		call.Request("BYE")
		call.Want(200, "BYE")
		if !ended(idle, streamFirstTime+time.Second) {
			t.Error("the idle one is open")
		}
	})
}

func ended(c net.Conn, limit time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(limit))
	_, err := c.Read(make([]byte, 1))
	ne, ok := err.(net.Error)
	return err != nil && (!ok || !ne.Timeout())
}
