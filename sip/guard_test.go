package sip

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func admitted(g *Guard, addr string, n int) int {
	src, ok := netip.MustParseAddrPort(addr), 0
	for range n {
		if g.Admit(src, []byte("OPTIONS sip:a SIP/2.0\r\n\r\n")) {
			ok++
		}
	}
	return ok
}

func TestGuardLimitsStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 10, Burst: 100})
		if got := admitted(g, "203.0.113.9:5060", 1000); got != 100 {
			t.Errorf("%d of a burst admitted, want 100", got)
		}
		if got := admitted(g, "203.0.113.9:5061", 10); got != 0 {
			t.Errorf("%d from another port admitted, want 0", got)
		}
		if got := admitted(g, "[::ffff:203.0.113.9]:5060", 10); got != 0 {
			t.Errorf("%d from the same address in IPv6 admitted, want 0", got)
		}
		if got := admitted(g, "203.0.113.10:5060", 50); got != 50 {
			t.Errorf("%d of the neighbour admitted, want 50", got)
		}
		time.Sleep(5 * time.Second)
		if got := admitted(g, "203.0.113.9:5060", 1000); got != 50 {
			t.Errorf("%d admitted after 5 s, want 50", got)
		}
		if got := admitted(g, "[2001:db8::1]:5060", 70) + admitted(g, "[2001:db8::2]:5060", 70); got != 100 {
			t.Errorf("%d of one IPv6 /64 admitted, want 100", got)
		}
	})
}

func TestGuardTrustsWhoProvedItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 1, Burst: 10})
		g.Trust(netip.MustParseAddr("198.51.100.7"))
		if got := admitted(g, "198.51.100.7:1024", 5000); got != 5000 {
			t.Errorf("%d of 5000 of a site behind one address admitted", got)
		}
		for i := range 40 { // an hour and more with other traffic keeps it trusted
			time.Sleep(2 * time.Minute)
			admitted(g, netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 5060).String(), 1)
			for j := range 64 {
				admitted(g, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i), byte(j)}), 5060).String(), 1)
			}
		}
		if got := admitted(g, "198.51.100.7:1024", 1000); got != 1000 {
			t.Errorf("%d of 1000 admitted after 80 minutes", got)
		}
		time.Sleep(time.Hour)
		if got := admitted(g, "198.51.100.7:1024", 1000); got != 10 {
			t.Errorf("%d admitted when trust was over, want the burst of 10", got)
		}
	})
}

func TestGuardCharges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 10, Burst: 100})
		src := netip.MustParseAddrPort("203.0.113.9:5060")
		answers := 0
		for range 50 {
			if g.Malformed(src) {
				answers++
			}
		}
		if answers != 2 {
			t.Errorf("%d malformed messages answered at once, want 2", answers)
		}
		if got := admitted(g, "203.0.113.9:5060", 10); got != 0 {
			t.Errorf("%d admitted of a source that sent nonsense", got)
		}
		time.Sleep(11 * time.Second)
		if got := admitted(g, "203.0.113.9:5060", 100); got == 0 || got > 20 {
			t.Errorf("%d admitted after 11 s", got)
		}
		if !g.Malformed(src) {
			t.Error("no answer after 11 s")
		}
	})
}

func TestGuardBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Bans: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
		if got := admitted(g, "203.0.113.200:5060", 5) + admitted(g, "[::ffff:203.0.113.1]:5060", 5); got != 0 {
			t.Errorf("%d admitted of a banned range", got)
		}
		p := netip.MustParsePrefix("198.51.100.7/32")
		g.Ban(p, time.Minute)
		if admitted(g, "198.51.100.7:1", 1) != 0 || admitted(g, "198.51.100.8:1", 1) != 1 {
			t.Error("the ban misses its address, or hits another")
		}
		time.Sleep(time.Minute)
		if admitted(g, "198.51.100.7:1", 1) != 1 {
			t.Error("the ban did not end")
		}
		g.Ban(p, time.Minute)
		g.Ban(p, 0)
		if admitted(g, "198.51.100.7:1", 1) != 1 {
			t.Error("the ban was not lifted")
		}
	})
}

func TestGuardIsBounded(t *testing.T) {
	g := NewGuard(GuardConfig{MaxSources: 3200})
	for i := range 100_000 {
		g.Admit(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5060), nil)
	}
	if n := g.len(); n > 3300 {
		t.Errorf("%d sources remembered, want at most 3200 or so", n)
	}
}

func BenchmarkGuardAdmit(b *testing.B) {
	g := NewGuard(GuardConfig{})
	src := netip.MustParseAddrPort("198.51.100.7:5060")
	g.Trust(src.Addr())
	b.ReportAllocs()
	for b.Loop() {
		g.Admit(src, nil)
	}
}
