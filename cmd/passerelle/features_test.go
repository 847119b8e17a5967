package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/softphone"
)

// TestCodesSetForwardsAndDND dials the codes as a phone does, hears the tone that confirms, and calls to see what they did.
func TestCodesSetForwardsAndDND(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		code := func(digits string) {
			t.Helper()
			c := w.up(w.dial(w.t.Context(), bruno.Phone, "sip:"+digits+"@paris.acme.test", softphone.InviteOptions{}))
			time.Sleep(500 * time.Millisecond) // the tone is over by then, and not long ago
			if level := c.Heard(500 * time.Millisecond).Loudness(); level < -50 {
				t.Errorf("%s is confirmed at %.0f dB, want a tone", digits, level)
			}
			w.gone(c, 5*time.Second)
		}
		answeredBy := func(r *ringing) {
			t.Helper()
			call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
			c := w.take(r.rings(w))
			w.bye(w.up(call))
			w.gone(c, time.Second)
		}
		code("*21203")
		answeredBy(camille)
		code("#21")
		answeredBy(bruno)
		code("*78")
		if got := w.status(w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})); got != 486 {
			t.Errorf("do not disturb: got %s, want 486", statusError(got))
		}
		code("*79")
		answeredBy(bruno)
		if got := w.status(w.dial(w.t.Context(), bruno.Phone, "sip:*21202@paris.acme.test", softphone.InviteOptions{})); got != 403 {
			t.Errorf("a forward to oneself: got %s, want 403", statusError(got))
		}
	})
}

// TestNumberIsWithheld hides the caller's number for one call by a code.
func TestNumberIsWithheld(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:*31203@paris.acme.test", softphone.InviteOptions{})
		in := camille.rings(w)
		for _, name := range []string{"From", "P-Asserted-Identity", "Contact"} {
			if v := in.Request().Header(name); strings.Contains(v, "1201") || strings.Contains(v, "Alice") {
				t.Errorf("%s: %s tells who calls", name, v)
			}
		}
		in.Refuse(486)
		w.status(call)
	})
}
