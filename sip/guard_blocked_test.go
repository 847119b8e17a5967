package sip

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuardTellsWhomItBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 10, Burst: 100, Bans: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		admitted(g, "198.51.100.7:5060", 100) // all heard
		began := time.Now()
		admitted(g, "203.0.113.9:5060", 150)
		for range 11 {
			g.Malformed(netip.MustParseAddrPort("[2001:db8::7]:5060"))
		}
		admitted(g, "[2001:db8::8]:5060", 3)
		all := g.Blocked()
		if len(all) != 3 {
			t.Fatalf("%+v", all)
		}
		if b := all[0]; b.Source.String() != "192.0.2.0/24" || b.Cause != BlockBanned || !b.Until.IsZero() {
			t.Errorf("%+v", b)
		}
		if b := all[1]; b.Source.String() != "203.0.113.9/32" || b.Cause != BlockFlooding || b.Refused != 50 || !b.Since.Equal(began) || !b.Until.Equal(began.Add(time.Minute)) {
			t.Errorf("%+v", b)
		}
		if b := all[2]; b.Source.String() != "2001:db8::/64" || b.Cause != BlockMalformed || b.Refused != 3 {
			t.Errorf("%+v", b)
		}
		time.Sleep(61 * time.Second)
		if all = g.Blocked(); len(all) != 1 {
			t.Errorf("a minute later: %+v", all)
		}
	})
}

func TestGuardForgives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 10, Burst: 100, Bans: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		admitted(g, "203.0.113.9:5060", 150)
		if !g.Forgive(netip.MustParsePrefix("203.0.113.9/32")) || !g.Forgive(netip.MustParsePrefix("192.0.2.0/24")) {
			t.Error("nothing was lifted")
		}
		if g.Forgive(netip.MustParsePrefix("203.0.113.9/32")) || len(g.Blocked()) != 0 {
			t.Errorf("still blocked: %+v", g.Blocked())
		}
		if got := admitted(g, "203.0.113.9:5060", 100); got != 100 {
			t.Error("admitted", got)
		}
		if got := admitted(g, "192.0.2.7:5060", 10); got != 10 {
			t.Error("admitted", got)
		}
	})
}

func TestGuardAlwaysHearsWhoIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuard(GuardConfig{Rate: 10, Burst: 100, Bans: []netip.Prefix{netip.MustParsePrefix("203.0.0.0/16")}})
		g.Allow([]netip.Prefix{netip.MustParsePrefix("203.0.113.9/24"), netip.MustParsePrefix("2001:db8::/32")})
		for range 50 {
			g.Malformed(netip.MustParseAddrPort("203.0.113.9:5060"))
		}
		if got := admitted(g, "203.0.113.9:5060", 1000) + admitted(g, "[2001:db8:7::1]:5060", 1000) + admitted(g, "[::ffff:203.0.113.77]:5060", 1000); got != 3000 {
			t.Error("admitted", got)
		}
		g.Allow(nil)
		if got := admitted(g, "203.0.113.9:5060", 10); got != 0 {
			t.Error("still allowed:", got)
		}
	})
}

func TestWrongCredentialsAreToldAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wrongs
		a := Authenticator{}
		one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for range 5 {
			w.add(one, "phone-1", time.Now())
			time.Sleep(time.Second)
		}
		w.add(two, "phone-2", time.Now()) // once is a mistake
		a.wrongs.byKey = w.byKey
		all := a.Wrongs()
		if len(all) != 1 || all[0].Username != "phone-1" || all[0].Tries != 5 || all[0].Last.Sub(all[0].First) != 4*time.Second {
			t.Fatalf("%+v", all)
		}
		a.wrongs.proven(one, "phone-1")
		if all = a.Wrongs(); len(all) != 0 {
			t.Errorf("%+v", all)
		}
		for i := range 2 * maxWrongs {
			for range 3 {
				a.wrongs.add(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), "phone-1", time.Now())
			}
			time.Sleep(time.Millisecond)
		}
		if n := len(a.Wrongs()); n > maxWrongs || n < maxWrongs/2 {
			t.Error(n, "are remembered")
		}
		time.Sleep(wrongMemory + time.Second)
		if n := len(a.Wrongs()); n != 0 {
			t.Error(n, "are told for ever")
		}
	})
}
