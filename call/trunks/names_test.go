package trunks

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
)

// TestFind finds mailboxes by name: once for as long as it holds, and by what was known while no name server answers.
func TestFind(t *testing.T) {
	o := newOutside()
	watch(t, o, func(*directory.Trunk) {}, func(t *testing.T, _ *directory.Trunk, all *Trunks) {
		find := func(want string) {
			t.Helper()
			start := time.Now()
			hops, err := all.Find(t.Context(), directory.UDP, "vm.acme.test")
			got := ""
			if err == nil && len(hops) > 0 {
				got = hops[0].String()
			}
			if got != want || time.Since(start) > nameWait {
				t.Errorf("got %q, %v after %v; want %q", got, err, time.Since(start), want)
			}
			synctest.Wait()
		}
		find("")
		o.set(func() { o.hosts["vm.acme.test"] = []netip.Addr{netip.MustParseAddr("192.0.2.9")} })
		find("UDP 192.0.2.9:5060")
		o.set(func() { o.hosts["vm.acme.test"] = []netip.Addr{netip.MustParseAddr("192.0.2.10")} })
		find("UDP 192.0.2.9:5060") // it holds
		time.Sleep(o.ttl + time.Second)
		find("UDP 192.0.2.9:5060") // and is looked up meanwhile
		find("UDP 192.0.2.10:5060")
		o.set(func() { o.black = true })
		time.Sleep(o.ttl + time.Second)
		find("UDP 192.0.2.10:5060")
		time.Sleep(nameWait)
		find("UDP 192.0.2.10:5060")
		if hops, err := all.Find(t.Context(), directory.TCP, "192.0.2.11:5070"); err != nil || hops[0].String() != "TCP 192.0.2.11:5070" {
			t.Errorf("an address: %v, %v", hops, err)
		}
		if hops, err := all.Find(t.Context(), directory.UDP, "unknown.acme.test"); err == nil {
			t.Errorf("a name that nobody knows: %v", hops)
		}
	})
}
