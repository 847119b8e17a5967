package main

import (
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/softphone"
)

// TestCallWaiting rings a line that is in a call, unless its call waiting is off: then it is busy, and forwards as such.
func TestCallWaiting(t *testing.T) {
	off := false
	for name, tt := range map[string]struct {
		set   func(*directory.User)
		rings bool
		code  int
	}{
		"on":                     {func(*directory.User) {}, true, 0},
		"off":                    {func(u *directory.User) { u.CallWaiting = &off }, false, 486},
		"off, busy is forwarded": {func(u *directory.User) { u.CallWaiting, u.Forwards.Busy = &off, "202" }, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			tt.set(e.Sites[0].Users[2])
			inWorldOf(t, e, func(w *world) {
				bruno := w.registered("+33170001202", "pB-91aa37")
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				first := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c := w.take(camille.rings(w))
				a := w.up(first)
				second := w.dial(w.t.Context(), w.trunk(), "sip:+33170001203@192.0.2.10", softphone.InviteOptions{})
				switch {
				case tt.rings:
					camille.rings(w).Refuse(603)
					if got := w.status(second); got != 603 {
						t.Errorf("got %s, want 603", statusError(got))
					}
				case tt.code != 0:
					if got := w.status(second); got != tt.code {
						t.Errorf("got %s, want %s", statusError(got), statusError(tt.code))
					}
				default:
					w.bye(w.take(bruno.rings(w)))
					w.gone(w.up(second), time.Second)
				}
				w.bye(a)
				w.gone(c, time.Second)
				time.Sleep(time.Second)
				again := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c = w.take(camille.rings(w)) // idle, it rings in any case
				w.bye(w.up(again))
				w.gone(c, time.Second)
			})
		})
	}
}

// TestAnonymousCallersAreRejected refuses a caller who withholds its number, whichever way (RFC 5079 §4).
func TestAnonymousCallersAreRejected(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[2].RejectAnonymous = true
	e.Sites[0].Users[1].CLIR = true
	inWorldOf(t, e, func(w *world) {
		bruno := w.registered("+33170001202", "pB-91aa37")
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		for name, call := range map[string]<-chan outcome{
			"a code":    w.dial(w.t.Context(), alice.Phone, "sip:*31203@paris.acme.test", softphone.InviteOptions{}),
			"a setting": w.dial(w.t.Context(), bruno.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{}),
			"a trunk":   w.dial(w.t.Context(), w.trunk(), "sip:+33170001203@192.0.2.10", softphone.InviteOptions{From: "sip:anonymous@anonymous.invalid"}),
		} {
			if got := w.status(call); got != 433 {
				t.Errorf("%s: got %s, want 433", name, statusError(got))
			}
		}
		camille.silent(w, time.Second)
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		w.bye(w.take(camille.rings(w)))
		w.gone(w.up(call), time.Second)
	})
}

// TestSpaceCallIsNoCallOfItsOwner: somebody outside whom a space calls does not make its owner busy.
func TestSpaceCallIsNoCallOfItsOwner(t *testing.T) {
	off, e := false, sitefile.Demo()
	e.Sites[0].Users[0].CallWaiting = &off
	inWorldOf(t, e, func(w *world) {
		carrier, alice := w.carrier(), w.registered("alice-app", "sA-44c1d0")
		o := w.spaceCalls("0612345678")
		in := carrier.rings(w)
		in.Ring(180)
		call := w.dial(w.t.Context(), w.camille(), "sip:201@paris.acme.test", softphone.InviteOptions{})
		alice.rings(w).Refuse(603)
		if got := w.status(call); got != 603 {
			t.Errorf("got %s", statusError(got))
		}
		in.Refuse(486)
		w.outcall(o.ID, gateway.OutcallFailed)
	})
}
