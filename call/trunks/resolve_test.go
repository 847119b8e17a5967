package trunks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
)

// TestResolve is RFC 3263 §4.2 for a transport that is set.
func TestResolve(t *testing.T) {
	o := newOutside()
	a := func(s ...string) (all []netip.Addr) {
		for _, x := range s {
			all = append(all, netip.MustParseAddr(x))
		}
		return all
	}
	o.srv["_sip._udp.srv.test"] = []SRV{{"b.srv.test", 5070, 20, 0}, {"a.srv.test", 5080, 10, 0}}
	o.srv["_sip._tcp.srv.test"] = []SRV{{"a.srv.test", 5090, 10, 0}}
	o.srv["_sips._tcp.srv.test"] = []SRV{{"a.srv.test", 5091, 10, 0}}
	o.srv["_sip._udp.half.test"] = []SRV{{"nowhere.test", 5060, 1, 0}, {"b.srv.test", 5060, 2, 0}}
	o.srv["_sip._udp.none.test"] = []SRV{{"", 0, 0, 0}}
	o.hosts["a.srv.test"], o.hosts["b.srv.test"] = a("192.0.2.1", "2001:db8::1"), a("192.0.2.2")
	o.hosts["plain.test"], o.hosts["srv.test"] = a("192.0.2.9"), a("192.0.2.8")
	for _, tt := range []struct {
		address   string
		transport directory.Transport
		want      []string
		ttl       time.Duration
		err       error
	}{
		{"192.0.2.5", directory.UDP, []string{"UDP 192.0.2.5:5060"}, 0, nil},
		{"192.0.2.5", directory.TLS, []string{"TLS 192.0.2.5:5061"}, 0, nil},
		{"[2001:db8::5]:5062", directory.TCP, []string{"TCP [2001:db8::5]:5062"}, 0, nil},
		{"srv.test", directory.UDP, []string{"UDP 192.0.2.1:5080", "UDP [2001:db8::1]:5080", "UDP 192.0.2.2:5070"}, time.Minute, nil},
		{"srv.test", directory.TCP, []string{"TCP 192.0.2.1:5090", "TCP [2001:db8::1]:5090"}, time.Minute, nil},
		{"srv.test", directory.TLS, []string{"TLS 192.0.2.1:5091", "TLS [2001:db8::1]:5091"}, time.Minute, nil},
		{"srv.test:5065", directory.UDP, []string{"UDP 192.0.2.8:5065"}, time.Minute, nil}, // a port: no SRV
		{"plain.test", directory.UDP, []string{"UDP 192.0.2.9:5060"}, time.Minute, nil},
		{"half.test", directory.UDP, []string{"UDP 192.0.2.2:5060"}, leastTTL, nil},
		{"none.test", directory.UDP, nil, 0, ErrNoService},
		{"unknown.test", directory.UDP, nil, 0, ErrNoRecords},
	} {
		t.Run(fmt.Sprint(tt.address, " ", tt.transport), func(t *testing.T) {
			tr := directory.NewTrunk()
			tr.Address, tr.Transport = tt.address, tt.transport
			hops, ttl, err := resolve(t.Context(), o, tr, tt.address)
			var got []string
			for _, h := range hops {
				got = append(got, h.String())
				if want := map[bool]string{true: "srv.test"}[tt.transport == directory.TLS && tt.address == "srv.test"]; h.Name != want && tt.address == "srv.test" {
					t.Errorf("certificate of %q, want %q", h.Name, want)
				}
			}
			if !slices.Equal(got, tt.want) || ttl != tt.ttl && tt.err == nil || !errors.Is(err, tt.err) || tt.err == nil && err != nil {
				t.Errorf("%v for %v, %v; want %v for %v, %v", got, ttl, err, tt.want, tt.ttl, tt.err)
			}
		})
	}
}

// TestInOrder draws servers of one priority as often as their weight says, all of them each time.
func TestInOrder(t *testing.T) {
	servers := []SRV{{"z", 1, 2, 0}, {"heavy", 1, 1, 75}, {"light", 1, 1, 25}, {"zero", 1, 1, 0}}
	firsts := make(map[string]int)
	const rounds = 20000
	for range rounds {
		got := inOrder(servers)
		if len(got) != 4 || got[3].Target != "z" {
			t.Fatalf("%v", got)
		}
		firsts[got[0].Target]++
	}
	if share := float64(firsts["heavy"]) / rounds; math.Abs(share-0.75) > 0.03 {
		t.Errorf("the heavy one comes first in %.2f of all, want about 0.75: %v", share, firsts)
	}
	if firsts["light"] == 0 || firsts["zero"] > rounds/20 {
		t.Errorf("%v", firsts)
	}
}

// TestNamesAreLookedUpByTTL and what was found stays while DNS is silent.
func TestNamesAreLookedUpByTTL(t *testing.T) {
	o := newOutside()
	o.hosts["sip.carrier.test"] = []netip.Addr{first.Addr()}
	o.code[first], o.code[second] = 200, 200
	watch(t, o, func(tr *directory.Trunk) {
		tr.Address, tr.Auth, tr.Username, tr.Password = "sip.carrier.test", directory.AuthDigest, "acme", "secret"
	}, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		wantHops(t, all, tr, "192.0.2.1:5060")
		o.set(func() { o.hosts["sip.carrier.test"] = []netip.Addr{second.Addr()} })
		time.Sleep(50 * time.Second)
		wantHops(t, all, tr, "192.0.2.1:5060")
		time.Sleep(11 * time.Second)
		wantHops(t, all, tr, "192.0.2.2:5060")
		o.set(func() { o.black = true })
		time.Sleep(time.Hour)
		wantHops(t, all, tr, "192.0.2.2:5060")
		wantCondition(t, all, Up)
		o.set(func() { o.black, o.hosts["sip.carrier.test"] = false, []netip.Addr{first.Addr()} })
		time.Sleep(retryMost + resolveTime)
		wantHops(t, all, tr, "192.0.2.1:5060")
	})
}

// TestResolverIsBlackHoled answers what calls ask at once while DNS answers nothing.
func TestResolverIsBlackHoled(t *testing.T) {
	o := newOutside()
	o.black = true
	o.code[second] = 200
	watch(t, o, func(tr *directory.Trunk) {
		tr.Address, tr.BackupAddresses = "sip.carrier.test", []string{"192.0.2.2"}
		tr.Auth, tr.Username, tr.Password = directory.AuthDigest, "acme", "secret"
	}, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		for range 20 {
			start := time.Now()
			if !all.Up(tr) {
				t.Error("down, though its other address needs no name")
			}
			wantHops(t, all, tr, "192.0.2.2:5060")
			all.Failed(tr, all.Hops(tr)[0], context.DeadlineExceeded)
			all.Changed()
			if d := time.Since(start); d != 0 {
				t.Fatalf("a call waited %v", d)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		wantCondition(t, all, Up)
	})
	o = newOutside()
	o.black = true
	watch(t, o, func(tr *directory.Trunk) {
		tr.Address, tr.Auth, tr.Username, tr.Password = "sip.carrier.test", directory.AuthDigest, "acme", "secret"
	}, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		wantCondition(t, all, Unknown)
		time.Sleep(resolveTime)
		if s := wantCondition(t, all, Down); s.Why == "" {
			t.Error("down without a reason")
		}
		wantHops(t, all, tr)
	})
}
