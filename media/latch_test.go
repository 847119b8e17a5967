package media

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"passerelle/internal/memnet"
)

// A phone behind any kind of NAT, with any address in its description, hears and is heard without a setting.
func TestNATs(t *testing.T) {
	phone := netip.MustParseAddrPort("10.0.0.5:16384")
	outside := netip.MustParseAddr("203.0.113.9")
	for kind := memnet.FullCone; kind <= memnet.Symmetric; kind++ {
		for name, sdp := range map[string]netip.AddrPort{
			"private":    phone,
			"public":     netip.AddrPortFrom(outside, 20000), // what a STUN server saw
			"wrong port": netip.AddrPortFrom(outside, 9999),
		} {
			t.Run(fmt.Sprintf("%v, SDP %s", kind, name), func(t *testing.T) {
				n := memnet.New()
				nat := memnet.NewNAT(n, kind, netip.MustParsePrefix("10.0.0.0/24"), outside)
				ports := memPorts(t, n, 2)
				in := newMemLeg(t, n, ports, phone.String(), PCMU, 700)
				out := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMA, 1100)
				stun, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.99:3478"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := in.conn.WriteToUDPAddrPort([]byte("binding"), stun.LocalAddrPort()); err != nil {
					t.Fatal(err)
				}
				in.offer(sdp)
				b := newMemBridge(t, MixerConfig{}, in, out)
				b.run(1100 * time.Millisecond) // both directions within the first tenth of a second
				b.wantHeard()
				in.forget()
				out.forget()
				nat.Forget() // the NAT restarts: another mapping, and the old one is dead
				b.run(disconnectAfter + 100*time.Millisecond)
				b.run(time.Second)
				b.wantHeard()
			})
		}
	}
}

// Packets from elsewhere do not move a peer that is there, and are not heard.
func TestStrangerIsNotHeard(t *testing.T) {
	n := memnet.New()
	ports := memPorts(t, n, 2)
	a := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
	b := newMemLeg(t, n, ports, "198.51.100.21:4000", PCMU, 1100)
	bridge := newMemBridge(t, MixerConfig{}, a, b)
	stranger, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.66:6666"))
	if err != nil {
		t.Fatal(err)
	}
	evil := &memLeg{t: t, conn: stranger, s: a.s, law: PCMU, tone: 2000, amp: toneAmp, ptime: 20, ssrc: 666}
	for range 100 {
		bridge.step(func(l *memLeg) { l.talk(); evil.talk(); evil.talk() })
	}
	bridge.wantHeard()
	if db := b.level(evil.tone, time.Second); db > -40 {
		t.Errorf("a stranger is heard at %.1f dB", db)
	}
	evil.hear()
	if len(evil.packets) > 0 {
		t.Errorf("a stranger received %d packets", len(evil.packets))
	}
}

// A new description is believed at once, and the socket follows.
func TestPeerMovesByDescription(t *testing.T) {
	n := memnet.New()
	ports := memPorts(t, n, 2)
	a := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
	b := newMemLeg(t, n, ports, "198.51.100.21:4000", PCMU, 1100)
	bridge := newMemBridge(t, MixerConfig{}, a, b)
	bridge.run(time.Second)
	moved, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.22:5000"))
	if err != nil {
		t.Fatal(err)
	}
	a.conn = moved
	a.offer(moved.LocalAddrPort())
	a.forget()
	b.forget()
	bridge.run(1100 * time.Millisecond)
	bridge.wantHeard()
	if silent := 55*160 - len(a.got); silent > 160 {
		t.Errorf("%d samples missing after the move", silent)
	}
}

func TestLatchFollowsOnlyOneStreamInOrder(t *testing.T) {
	home, other := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("192.0.2.2:2000")
	now := time.Now()
	var l latch
	l.signal(home)
	packet := func(src netip.AddrPort, ssrc uint32, seq uint16) (ok, moved bool) {
		now = now.Add(20 * time.Millisecond)
		return l.accept(src, &rtpPacket{ssrc: ssrc, seq: seq}, now)
	}
	if ok, moved := packet(home, 1, 10); !ok || moved {
		t.Fatal("the signalled peer is not accepted")
	}
	for _, p := range []struct {
		ssrc uint32
		seq  uint16
	}{{5, 1}, {5, 2}, {6, 3}, {6, 3}, {6, 200}, {7, 201}, {7, 100}, {7, 102}} {
		if ok, _ := packet(other, p.ssrc, p.seq); ok {
			t.Fatalf("followed at %+v", p)
		}
	}
	if ok, moved := packet(other, 7, 103); !ok || !moved || l.peer != other {
		t.Fatal("not followed after three packets in order")
	}
}
