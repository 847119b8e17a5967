package trunks

import (
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

func twoAddresses(tr *directory.Trunk) {
	tr.Address, tr.BackupAddresses = "192.0.2.1", []string{"192.0.2.2"}
}

// TestFailover puts an address that answers no more behind one that does, within a probe, and back again.
func TestFailover(t *testing.T) {
	o := newOutside()
	o.code[first], o.code[second] = 200, 404 // any answer will do
	watch(t, o, twoAddresses, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		wantCondition(t, all, Up)
		wantHops(t, all, tr, "192.0.2.1:5060", "192.0.2.2:5060")
		o.set(func() { delete(o.code, first) })
		time.Sleep(35 * time.Second) // a probe each 30 s, 4 s for its answer
		wantHops(t, all, tr, "192.0.2.2:5060", "192.0.2.1:5060")
		s := wantCondition(t, all, Up)
		if s.Ways[1].Condition != Down || s.Ways[1].Cause != Silent || s.Ways[1].Why != "no answer within 4s" || s.Ways[1].Since.IsZero() {
			t.Errorf("the dead way: %+v", s.Ways[1])
		}
		o.set(func() { o.code[second] = 503 })
		time.Sleep(time.Minute)
		s = wantCondition(t, all, Down)
		if all.Up(tr) || s.Cause != Silent || s.Why != "no answer within 4s" || s.Ways[1].Cause != Refused || s.Ways[1].Why != "503 Service Unavailable" {
			t.Errorf("up %v, why %q", all.Up(tr), s.Why)
		}
		o.set(func() { o.code[first] = 200 })
		time.Sleep(31 * time.Second)
		wantHops(t, all, tr, "192.0.2.1:5060", "192.0.2.2:5060")
		wantCondition(t, all, Up)
	})
}

// TestUnknownIsUp lets calls try a trunk that was not asked yet.
func TestUnknownIsUp(t *testing.T) {
	o := newOutside()
	watch(t, o, twoAddresses, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		wantCondition(t, all, Unknown)
		if !all.Up(tr) {
			t.Error("down before the first answer was due")
		}
		time.Sleep(5 * time.Second)
		wantCondition(t, all, Down)
		if all.Up(tr) {
			t.Error("up")
		}
	})
}

// TestBackOff asks a dead address no more often than a live one, and a failed call at once.
func TestBackOff(t *testing.T) {
	o := newOutside()
	o.code[first] = 503
	watch(t, o, func(tr *directory.Trunk) { tr.Address = "192.0.2.1" }, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		time.Sleep(time.Hour)
		if n := o.count("192.0.2.1:5060"); n < 120 || n > 140 {
			t.Errorf("%d requests in an hour, want one in 27 to 30 s", n)
		}
		o.set(func() { o.code[first] = 200 })
		time.Sleep(time.Minute)
		wantCondition(t, all, Up)
		n := o.count("192.0.2.1:5060")
		all.Failed(tr, sip.Hop{Transport: "UDP", Addr: first}, &sip.StatusError{Code: 486})
		synctest.Wait()
		if got := o.count("192.0.2.1:5060"); got != n {
			t.Errorf("asked for a callee who is busy")
		}
		all.Failed(tr, sip.Hop{Transport: "UDP", Addr: first}, errCall)
		synctest.Wait()
		if got := o.count("192.0.2.1:5060"); got != n+1 {
			t.Errorf("asked %d times, want once at once", got-n)
		}
		wantCondition(t, all, Up)
	})
}

// TestCallsTell that a way is down before the next probe would.
func TestCallsTell(t *testing.T) {
	for _, never := range []bool{false, true} {
		o := newOutside()
		o.code[first], o.code[second] = 200, 200
		watch(t, o, func(tr *directory.Trunk) { twoAddresses(tr); tr.NoProbe = never }, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
			o.set(func() { delete(o.code, first) })
			all.Failed(tr, sip.Hop{Transport: "UDP", Addr: first}, errCall)
			wantHops(t, all, tr, "192.0.2.2:5060", "192.0.2.1:5060")
			if never {
				if n := o.count("192.0.2.1:5060"); n != 0 {
					t.Errorf("asked %d times, want never", n)
				}
				time.Sleep(2 * restTime)
				wantHops(t, all, tr, "192.0.2.1:5060", "192.0.2.2:5060")
			}
		})
	}
}

// TestDirectoryChanges ends and begins keepers, and lets those stay whose trunk is the same.
func TestDirectoryChanges(t *testing.T) {
	o := newOutside()
	o.code[first], o.code[second] = 200, 200
	watch(t, o, func(tr *directory.Trunk) { tr.Address = "192.0.2.1" }, func(t *testing.T, tr *directory.Trunk, all *Trunks) {
		wantCondition(t, all, Up)
		same, _ := oneTrunk(t, func(tr *directory.Trunk) { tr.Address = "192.0.2.1" })
		all.cfg.Directory.Swap(same.Current())
		all.Changed()
		synctest.Wait()
		if n := o.count("192.0.2.1:5060"); n != 1 {
			t.Errorf("asked %d times, want once: nothing has changed", n)
		}
		other, now := oneTrunk(t, func(tr *directory.Trunk) { tr.Address = "192.0.2.2" })
		all.cfg.Directory.Swap(other.Current())
		all.Changed()
		wantHops(t, all, now, "192.0.2.2:5060")
		wantCondition(t, all, Up)
		before := o.count("192.0.2.1:5060")
		time.Sleep(5 * time.Minute)
		if n := o.count("192.0.2.1:5060"); n != before {
			t.Error("the former address is still asked")
		}
	})
}
