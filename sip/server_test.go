package sip

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"passerelle/internal/memnet"
	"passerelle/sip/siptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	serverAddr = "10.0.0.1:5060"
	trunkAddr  = "10.0.0.2:5060"
)

// trunkLines knows one trunk and no lines.
type trunkLines struct{}

func (trunkLines) Line(string) (Line, bool)       { return Line{}, false }
func (trunkLines) AOR(string, string) (AOR, bool) { return "", false }
func (trunkLines) Realm(string, string) string    { return "site.test" }
func (trunkLines) Trunk(src netip.AddrPort) (string, bool) {
	return "carrier", src.Addr() == netip.MustParseAddrPort(trunkAddr).Addr()
}

// world is a server on a network in memory.
type world struct {
	*memnet.Network
	srv  *Server
	stop func()
}

// newWorld starts a server at serverAddr, UDP and TCP, and stops it when the test ends.
func newWorld(t *testing.T, cfg ServerConfig, h Handler) *world {
	t.Helper()
	return newWorldOf(t, cfg, nil, nil, trunkLines{}, h)
}

func newWorldOf(t *testing.T, cfg ServerConfig, auth *Authenticator, reg *Registrar, lines Lines, h Handler, events ...EventPackage) *world {
	t.Helper()
	n := memnet.New()
	pc, err := n.ListenPacket(netip.MustParseAddrPort(serverAddr))
	if err != nil {
		t.Fatal(err)
	}
	l, err := n.Listen(netip.MustParseAddrPort(serverAddr))
	if err != nil {
		t.Fatal(err)
	}
	cfg.UDP = append(cfg.UDP, pc)
	cfg.TCP = append(cfg.TCP, l)
	w := &world{Network: n, srv: NewServer(cfg, auth, reg, lines, h)}
	for _, e := range events {
		w.srv.Handle(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Run(ctx) }() // ends with cancel, waited for by stop
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(w.stop)
	return w
}

// trunk is a peer that the server trusts.
func (w *world) trunk(t *testing.T) *siptest.Peer {
	t.Helper()
	return siptest.NewPeer(t, w.Network, trunkAddr, serverAddr)
}

// answering answers each call with sdp and holds it until it ends.
var answering = HandlerFunc(func(ctx context.Context, leg *Leg) error {
	if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
})

func wantLegs(t *testing.T, w *world, n int) {
	t.Helper()
	synctest.Wait()
	if got := w.srv.Legs(); got != n {
		t.Fatalf("%d legs, want %d", got, n)
	}
}

var _ net.PacketConn = (*memnet.PacketConn)(nil)

func TestAnswerAndBYE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		call := w.trunk(t).NewCall("sip:8000@site.test")
		ok := call.Answered(siptest.Offer)
		if ok.Body() != "v=0\r\n" || ok.Header("Content-Type") != "application/sdp" {
			t.Errorf("200 carries %q", ok.Body())
		}
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
		wantLegs(t, w, 0)
		call.Quiet(time.Minute)
	})
}

func TestNoACKEndsInBYE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		start := time.Now()
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		call.Want(100, "INVITE")
		var at []time.Duration
		for {
			m := call.Next()
			if m.Code() == 200 {
				at = append(at, m.At.Sub(start))
				continue
			}
			if m.Method() != "BYE" {
				t.Fatalf("got %s", m.StartLine())
			}
			if d := m.At.Sub(start); d != 32*time.Second {
				t.Errorf("BYE after %v, want 32s", d)
			}
			call.Answer(m, "200 OK", "")
			break
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond}
		for i, d := range want {
			if at[i] != d {
				t.Errorf("200 number %d at %v, want %v", i+1, at[i], d)
			}
		}
		if len(at) != 11 { // 7.5 s, then each 4 s up to 31.5 s
			t.Errorf("%d answers, want 11", len(at))
		}
		wantLegs(t, w, 0)
	})
}
