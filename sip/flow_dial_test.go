package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/internal/memnet"
	"passerelle/sip/siptest"
)

// carrier is a trunk that listens for connections; the server dials from its own address.
type carrier struct {
	*world
	t *testing.T
	l net.Listener
}

// dialling makes connections of a server on a network in memory.
func dialling(n **memnet.Network) func(context.Context, netip.AddrPort) (net.Conn, error) {
	return func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
		return (*n).Dial(netip.AddrPortFrom(netip.MustParseAddrPort(serverAddr).Addr(), 0), to)
	}
}

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	var n *memnet.Network
	w := newWorld(t, ServerConfig{Dial: dialling(&n)}, answering)
	n = w.Network
	c := &carrier{world: w, t: t}
	c.listen()
	synctest.Wait()
	return c
}

func (c *carrier) listen() {
	c.t.Helper()
	l, err := c.Listen(netip.MustParseAddrPort(trunkAddr))
	if err != nil {
		c.t.Fatal(err)
	}
	c.l = l
	c.t.Cleanup(func() { _ = l.Close() })
}

// accept takes the next connection of the server.
func (c *carrier) accept() *siptest.Peer {
	c.t.Helper()
	conn, err := c.l.Accept()
	if err != nil {
		c.t.Fatal(err)
	}
	return siptest.Over(c.t, c.Network, conn, "TCP")
}

var tcpHop = Hop{Transport: "TCP", Addr: netip.MustParseAddrPort(trunkAddr)}

func (c *carrier) dial(target Target) *Leg {
	c.t.Helper()
	leg, err := c.srv.Dial(context.Background(), Outgoing{Target: target, Trunk: "carrier", From: "sip:+33170001000@site.test", Offer: []byte("offer")})
	if err != nil {
		c.t.Fatal(err)
	}
	return leg
}

// up answers a call.
func (c *carrier) up(p *siptest.Peer, leg *Leg) (invite siptest.Message) {
	c.t.Helper()
	invite = p.WantRequest("INVITE")
	p.Answer(invite, "200 OK", "callee", "Contact: <sip:there@"+trunkAddr+";transport=tcp>", answerBody)
	p.WantRequest("ACK")
	if _, err := leg.Answered(context.Background()); err != nil {
		c.t.Fatal(err)
	}
	return invite
}

func TestCallsShareAConnectionOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		first := c.dial(tcpHop.Target("sip:+33170009999@" + trunkAddr))
		p := c.accept()
		invite := c.up(p, first)
		if via := invite.Header("Via"); !strings.HasPrefix(via, "SIP/2.0/TCP "+serverAddr+";") {
			t.Errorf("Via %q, want TCP and our listener", via)
		}
		if contact := invite.URI("Contact"); !strings.HasSuffix(contact, "@"+serverAddr+";transport=tcp") {
			t.Errorf("Contact %q", contact)
		}
		second := c.dial(tcpHop.Target("sip:+33170009998@" + trunkAddr))
		c.up(p, second)
		done := hangup(first)
		p.Answer(p.WantRequest("BYE"), "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
		done = hangup(second)
		p.Answer(p.WantRequest("BYE"), "200 OK", "")
		<-done
		wantLegs(t, c.world, 0)
	})
}

// TestBYEByANewConnection is a peer that closed the connection of a call: the BYE connects anew.
func TestBYEByANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		leg := c.dial(tcpHop.Target("sip:+33170009999@" + trunkAddr))
		p := c.accept()
		c.up(p, leg)
		p.Close()
		synctest.Wait()
		done := hangup(leg)
		p = c.accept()
		bye := p.WantRequest("BYE")
		p.Answer(bye, "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantLegs(t, c.world, 0)
	})
}

// TestRequestOnAConnectionOfOurs is answered on it, and the trunk that sends it is known.
func TestRequestOnAConnectionOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		leg := c.dial(tcpHop.Target("sip:+33170009999@" + trunkAddr))
		p := c.accept()
		invite := c.up(p, leg)
		call := p.NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		wantLegs(t, c.world, 2)
		call.Request("BYE")
		call.Want(200, "BYE")
		p.Send("BYE " + invite.URI("Contact") + " SIP/2.0\nVia: SIP/2.0/TCP " + trunkAddr + ";branch=z9hG4bKb\nFrom: " + invite.Header("To") +
			";tag=callee\nTo: " + invite.Header("From") + "\nCall-ID: " + leg.CallID() + "\nCSeq: 1 BYE\n")
		p.Want(200, "BYE")
		wantLegs(t, c.world, 0)
	})
}

// TestTrunkClosedItsConnection is a trunk that called us and closed the connection: the BYE goes to where its Contact says.
func TestTrunkClosedItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		p := siptest.Dial(t, c.Network, "10.0.0.2:0", serverAddr)
		call := p.NewCall("sip:8000@site.test")
		call.Send(strings.Replace(call.Text("INVITE", siptest.Offer), "<sip:caller@"+p.Addr.String()+">\nContent", "<sip:there@"+trunkAddr+";transport=tcp>\nContent", 1))
		call.Want(200, "INVITE")
		call.Request("ACK")
		wantLegs(t, c.world, 1)
		p.Close()
		synctest.Wait()
		ended := make(chan struct{})
		go func() { c.stop(); close(ended) }() // hangs up
		p = c.accept()
		p.Answer(p.WantRequest("BYE"), "200 OK", "")
		<-ended
	})
}

func TestNobodyToConnectTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		_ = c.l.Close()
		start := time.Now()
		_, err := c.srv.Dial(context.Background(), Outgoing{Target: tcpHop.Target("sip:x@" + trunkAddr), From: "sip:a@site.test"})
		if code, _ := StatusOf(err); code != 503 || time.Since(start) > 0 {
			t.Errorf("%v after %v, want 503 at once", err, time.Since(start))
		}
		wantLegs(t, c.world, 0)
	})
}

// TestIdleConnectionOfOurs is closed after ten minutes, and made anew for what comes then.
func TestIdleConnectionOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCarrier(t)
		leg := c.dial(tcpHop.Target("sip:+33170009999@" + trunkAddr))
		p := c.accept()
		c.up(p, leg)
		if p.Ended(dialIdleTime - time.Second) {
			t.Fatal("closed early")
		}
		if !p.Ended(2 * time.Second) {
			t.Fatal("still open")
		}
		done := hangup(leg)
		p = c.accept()
		p.Answer(p.WantRequest("BYE"), "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestConnectionThatNeverComes bounds the waiting: by the caller, and by the dialler itself.
func TestConnectionThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{Dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, answering)
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		o := Outgoing{Target: tcpHop.Target("sip:x@" + trunkAddr), From: "sip:a@site.test"}
		if _, err := w.srv.Dial(ctx, o); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if _, err := w.srv.Dial(context.Background(), o); err == nil || time.Since(start) != dialTime {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		w.srv.out.to(w.srv, tcpHop).up() // under way when the server ends
	})
}

func TestLargeINVITEByTCP(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes int
		tcp   bool // the trunk listens
		want  string
		count float64 // of large messages by UDP
		asks  string  // what the trunk's Contact asks for
	}{
		{"small", 400, true, "UDP", 0, ""},
		{"large", 1400, true, "TCP", 0, ""},
		{"very large", 4000, true, "TCP", 0, ""},
		{"large, no TCP", 1400, false, "UDP", 1, ""},
		{"large, and TCP from then on", 1400, true, "TCP", 0, ";transport=tcp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCarrier(t)
				if !tt.tcp {
					_ = c.l.Close()
				}
				p := c.trunk(t)
				target := TrunkTarget("sip:+33170009999@"+trunkAddr, netip.MustParseAddrPort(trunkAddr))
				target.LargeByTCP = true
				leg, err := c.srv.Dial(context.Background(), Outgoing{Target: target, Trunk: "carrier", From: "sip:a@site.test", Offer: []byte(strings.Repeat("o", tt.bytes))})
				if err != nil {
					t.Fatal(err)
				}
				at := p
				if tt.want == "TCP" {
					at = c.accept()
				}
				invite := at.WantRequest("INVITE")
				if via := invite.Header("Via"); !strings.HasPrefix(via, "SIP/2.0/"+tt.want+" ") {
					t.Errorf("Via %q, want %s", via, tt.want)
				}
				if len(invite.Body()) != tt.bytes {
					t.Errorf("%d bytes came, want %d", len(invite.Body()), tt.bytes)
				}
				at.Answer(invite, "200 OK", "callee", "Contact: <sip:there@"+trunkAddr+tt.asks+">", answerBody)
				if tt.asks == "" {
					at = p // small ones go by UDP as before
				}
				at.WantRequest("ACK")
				done := hangup(leg)
				at.Answer(at.WantRequest("BYE"), "200 OK", "")
				<-done
				if got := testutil.ToFloat64(c.srv.metrics.oversize.WithLabelValues("request")); got != tt.count {
					t.Errorf("%v large messages by UDP counted, want %v", got, tt.count)
				}
			})
		})
	}
}

// TestTLSOfATrunkIsProven is a hop whose certificate is for site.test.
func TestTLSOfATrunkIsProven(t *testing.T) {
	config := selfSigned(t)
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	for _, tt := range []struct {
		name    string
		hop     string
		trusted bool
	}{
		{"right name", "Site.test", true},
		{"wrong name", "other.test", false},
		{"no name", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n *memnet.Network
				w := newWorld(t, ServerConfig{Dial: dialling(&n), DialTLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, answering)
				n = w.Network
				l, err := n.Listen(netip.MustParseAddrPort(trunkAddr))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = l.Close() }()
				synctest.Wait()
				peer := make(chan net.Conn, 1)
				go func() { // ends with the one connection
					c, err := l.Accept()
					if err != nil {
						return
					}
					s := tls.Server(c, config)
					if s.Handshake() != nil {
						_ = c.Close()
					}
					peer <- s
				}()
				hop := Hop{Transport: "TLS", Addr: netip.MustParseAddrPort(trunkAddr), Name: tt.hop}
				leg, err := w.srv.Dial(context.Background(), Outgoing{Target: hop.Target("sip:x@site.test"), From: "sip:a@site.test", Offer: []byte("offer")})
				if !tt.trusted {
					if code, _ := StatusOf(err); code != 503 || !strings.Contains(err.Error(), "certificate") {
						t.Errorf("%v, want 503 for the certificate", err)
					}
					<-peer
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				p := siptest.Over(t, n, <-peer, "TLS")
				invite := p.WantRequest("INVITE")
				if via := invite.Header("Via"); !strings.HasPrefix(via, "SIP/2.0/TLS 10.0.0.1:5061;") {
					t.Errorf("Via %q", via)
				}
				p.Answer(invite, "486 Busy Here", "x")
				p.WantRequest("ACK")
				<-leg.Done()
			})
		})
	}
}
