package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

var natKinds = []memnet.NATKind{memnet.FullCone, memnet.AddressRestricted, memnet.PortRestricted, memnet.Symmetric}

// TestRelayNAT: a phone behind each kind of NAT, whatever its description names, secured or not, is heard and hears, and so
// do its reports find their way.
func TestRelayNAT(t *testing.T) {
	for _, kind := range natKinds {
		for _, named := range []struct {
			name string
			at   netip.AddrPort
		}{
			{"private address", netip.MustParseAddrPort("10.0.0.5:4000")},
			{"public address", netip.MustParseAddrPort("192.0.2.200:4000")},
			{"wrong port", netip.MustParseAddrPort("192.0.2.200:9")},
		} {
			for _, secure := range []bool{false, true} {
				name := kind.String() + ", " + named.name
				if secure {
					name += ", SRTP"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { throughNAT(t, kind, named.at, secure) })
				})
			}
		}
	}
}

func throughNAT(t *testing.T, kind memnet.NATKind, named netip.AddrPort, secure bool) {
	n := memnet.New()
	memnet.NewNAT(n, kind, netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("192.0.2.200"))
	r := newRelay(t, n, 8)
	a := newRelayPhone(t, n, r, "10.0.0.5:4000", PCMU, 500, SideConfig{Secure: OptionalSRTP})
	b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
	a.at = named
	if secure {
		a.offers = []srtpKey{newSRTPKey(1, aesCM80)}
	}
	connect(t, a, b)
	converse(2*time.Second, a, b)
	a.wantHears(b, true)
	b.wantHears(a, true)
	if lost := 100 - len(b.packets); lost > latchPackets {
		t.Errorf("%d packets were lost until the phone was found", lost)
	}
	a.report()
	converse(8*time.Second, a, b)
	if len(a.control) == 0 {
		t.Error("no report reaches the phone")
	}
	if a.side.State().Audio.LastRTCP.IsZero() {
		t.Error("the phone's report does not count")
	}
	if a.bad > 0 {
		t.Errorf("%d packets do not verify", a.bad)
	}
}

// TestRelayFollowsMove: a phone whose NAT forgets, or that changes its network, is followed after its silence.
func TestRelayFollowsMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		nat := memnet.NewNAT(n, memnet.PortRestricted, netip.MustParsePrefix("10.0.0.0/24"), netip.MustParseAddr("192.0.2.200"))
		r := newRelay(t, n, 8)
		a := newRelayPhone(t, n, r, "10.0.0.5:4000", PCMU, 500, SideConfig{})
		b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
		connect(t, a, b)
		converse(2*time.Second, a, b)
		nat.Forget()
		converse(4*time.Second, a, b)
		a.forget()
		b.forget()
		converse(time.Second, a, b)
		a.wantHears(b, true)
		b.wantHears(a, true)
	})
}

// TestRelayIgnoresStrangers: who sends from elsewhere while the peer talks is not followed and not heard.
func TestRelayIgnoresStrangers(t *testing.T) {
	relayed(t, func(t *testing.T, n *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		stranger, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.66:6000"))
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		for i := range 200 {
			p := make([]byte, rtpHeaderLen+160)
			putRTPHeader(p, false, 0, uint16(i), uint32(160*i), 99)
			if _, err := stranger.WriteToUDPAddrPort(p, a.server); err != nil {
				t.Fatal(err)
			}
			converse(frameTime, a, b)
		}
		if got := len(b.packets); got != 200 {
			t.Errorf("%d packets of 200 arrived", got)
		}
		for _, p := range b.packets {
			if p.payload[0] == 0 && p.payload[1] == 0 && p.payload[159] == 0 {
				t.Fatal("a stranger is heard")
			}
		}
		var x [1500]byte
		if _, _, ok := stranger.TryRead(x[:]); ok {
			t.Error("a stranger hears")
		}
	})
}

// report sends a sender report of the phone, secured when its media is.
func (p *relayPhone) report() {
	buf := make([]byte, 200)
	w := rtcpWriter{b: buf}
	w.sender(p.ssrc, time.Now(), p.ts, uint32(p.sent/160), uint32(p.sent), 0)
	w.cname(p.ssrc, "alice@phone.example")
	b := w.b[:w.n]
	if p.out != nil {
		b, _ = p.out.report(b)
	}
	if _, err := p.ctl.WriteToUDPAddrPort(b, netip.AddrPortFrom(p.server.Addr(), p.server.Port()+1)); err != nil {
		p.t.Fatal(err)
	}
}
