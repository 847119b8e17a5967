package account

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestBlockedAreToldAndForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &Accounts{limits: newLimiter()}
		began := time.Now()
		for i := range triesOfSource {
			a.limits.take(time.Now(), limit{"source 192.0.2.1", triesOfSource})
			if i < triesOfBoth {
				a.limits.take(time.Now(), limit{"both 192.0.2.1 x@acme.test", triesOfBoth})
			}
			if i < triesOfBoth-1 {
				a.limits.take(time.Now(), limit{"both 192.0.2.1 y@acme.test", triesOfBoth}) // one left
			}
			if i < codeTries {
				a.limits.take(time.Now(), limit{"code user-7", codeTries})
			}
			time.Sleep(time.Second)
		}
		all := a.Blocked()
		if len(all) != 3 {
			t.Fatalf("%+v", all)
		}
		if b := all[0]; b.Source != "192.0.2.1" || b.Email != "x@acme.test" || b.Tries != triesOfBoth || !b.Since.Equal(began) || !b.Until.Equal(began.Add(tryWindow)) {
			t.Errorf("%+v", b)
		}
		if b := all[1]; b.Account != "user-7" || b.Source != "" {
			t.Errorf("%+v", b)
		}
		if b := all[2]; b.Source != "192.0.2.1" || b.Email != "" || b.Setup {
			t.Errorf("%+v", b)
		}
		if !a.Forgive(all[0].Key) || a.Forgive(all[0].Key) || len(a.Blocked()) != 2 {
			t.Errorf("%+v", a.Blocked())
		}
		time.Sleep(tryWindow)
		if all = a.Blocked(); len(all) != 0 {
			t.Errorf("for ever: %+v", all)
		}
	})
}

// TestAllowedSourcesKeepTheLimitsOfAccounts leaves out the limit of the source, and no other.
func TestAllowedSourcesKeepTheLimitsOfAccounts(t *testing.T) {
	a := &Accounts{}
	limits := func(source string) []limit {
		return []limit{{"both " + source + " x", triesOfBoth}, {"source " + source, triesOfSource}, {"address x", triesOfAddress}}
	}
	for _, c := range []struct {
		source string
		want   int
	}{{"192.0.2.1", 2}, {"192.0.3.1", 3}, {"2001:db8:1:2::/64", 2}, {"2001:db9::/64", 3}, {"local", 3}} {
		a.Allow(nil)
		if got := a.unblocked(c.source, limits(c.source)); len(got) != 3 {
			t.Errorf("%s: %v without any allowed", c.source, got)
		}
		a.Allow([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")})
		if got := a.unblocked(c.source, limits(c.source)); len(got) != c.want || got[0].key != "both "+c.source+" x" {
			t.Errorf("%s: %v", c.source, got)
		}
	}
}
