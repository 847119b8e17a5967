package main

import (
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// registeredAs is registered with a name of its own for the phone: one with a MAC address is known again elsewhere.
func (w *world) registeredAs(user, password, agent string) *ringing {
	w.t.Helper()
	r := &ringing{calls: make(chan *softphone.Incoming, 8)}
	r.Phone = w.phone(user, password, func(c *softphone.Config) {
		c.UserAgent = agent
		c.OnInvite = func(in *softphone.Incoming) { r.calls <- in }
	})
	if _, err := r.Register(w.t.Context(), time.Hour); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// TestPhoneMovesWithoutUnregistering rings a phone that came back at another address at once; where it was before does not count.
func TestPhoneMovesWithoutUnregistering(t *testing.T) {
	for name, agent := range map[string]string{"known by its MAC address": "Cisco-CP-8851-3PCC/11.3.7_00a0c9ffff01", "without one": "softphone"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice := w.registered("alice-app", "sA-44c1d0")
				w.registeredAs("+33170001203", "pC-0be5d2", agent).Vanish()
				camille := w.registeredAs("+33170001203", "pC-0be5d2", agent)
				for range 3 {
					start := time.Now()
					call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
					in := camille.rings(w)
					if took := time.Since(start); took > time.Second {
						t.Errorf("rings after %v", took)
					}
					c := w.take(in)
					w.meet(w.up(call), c)
					w.bye(c)
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// TestGonePhoneHoldsUpLittle fails a call soon when one of a line's phones is busy and the other one is gone, sooner once it is
// known to be gone.
func TestGonePhoneHoldsUpLittle(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.registered("alice-app", "sA-44c1d0")
		w.registeredAs("+33170001203", "pC-0be5d2", "gone").Vanish()
		camille := w.registeredAs("+33170001203", "pC-0be5d2", "there")
		for _, most := range []time.Duration{8 * time.Second, 2 * time.Second} {
			start := time.Now()
			call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			camille.rings(w).Refuse(486)
			if got := w.status(call); got != 486 {
				t.Errorf("got %s, want 486", statusError(got))
			}
			if took := time.Since(start); took > most+time.Second {
				t.Errorf("refused after %v, want %v at most", took, most)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestGonePhoneIsNotReachable forwards the calls of a line whose only phone is gone as not reachable, and tells so where it does not
// forward.
func TestGonePhoneIsNotReachable(t *testing.T) {
	for name, forwards := range map[string]directory.Forwards{
		"forwarded": {NotReachable: "202", NoAnswer: directory.NoAnswer{Target: "201", Seconds: 20}}, "not": {},
	} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].Users[2].Forwards = forwards
			inWorldOf(t, e, func(w *world) {
				alice, bruno := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37")
				w.registeredAs("+33170001203", "pC-0be5d2", "gone").Vanish()
				start := time.Now()
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				if name == "not" {
					if got := w.status(call); got != 480 || time.Since(start) > 9*time.Second {
						t.Errorf("got %s after %v, want 480", statusError(got), time.Since(start))
					}
					return
				}
				time.Sleep(5 * time.Second)
				c := w.take(bruno.rings(w))
				w.bye(w.up(call))
				w.gone(c, time.Second)
			})
		})
	}
}
