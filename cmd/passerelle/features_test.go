package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/directory/audit"
	"passerelle/directory/sitefile"
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
		kept, err := w.config.Audit(t.Context(), audit.Query{Limit: 1})
		if err != nil || len(kept.Entries) != 1 {
			t.Fatal(kept, err)
		}
		if e := kept.Entries[0]; e.By.Via != audit.ViaPhone || e.By.Name != "Bruno Keller" || len(e.Changes) != 1 || e.Changes[0].Field != "forwards.always" || !e.Undoable() {
			t.Errorf("the journal has %+v", e)
		}
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

// TestPrivacyIsHonoured shows nothing of a caller who asks for it by Privacy, as carriers and the keys of phones do, and tells a
// trunk who it is all the same, in confidence.
func TestPrivacyIsHonoured(t *testing.T) {
	const mobile = "+33698765432"
	private := []softphone.Header{{Name: "P-Asserted-Identity", Value: `"Dupont" <sip:` + mobile + `@carrier.test>`}, {Name: "Privacy", Value: "id"}}
	nothing := func(t *testing.T, in *softphone.Incoming, secrets ...string) {
		t.Helper()
		for _, h := range in.Request().Headers {
			for _, secret := range secrets {
				if strings.Contains(h.Value, secret) && h.Name != "To" && h.Name != "Via" {
					t.Errorf("%s: %s tells who calls", h.Name, h.Value)
				}
			}
		}
	}
	inWorld(t, func(w *world) {
		trunk, camille := w.trunk(), w.registered("+33170001203", "pC-0be5d2")
		for name, o := range map[string]softphone.InviteOptions{
			"asserted, with Privacy": {Headers: private},
			"anonymous From":         {From: "sip:anonymous@anonymous.invalid", Headers: private[:1]},
			"Remote-Party-ID":        {Headers: []softphone.Header{{Name: "Remote-Party-ID", Value: "<sip:" + mobile + "@carrier.test>;privacy=full"}}},
		} {
			call := w.dial(w.t.Context(), trunk, "sip:+33170001203@192.0.2.10", o)
			in := camille.rings(w)
			nothing(t, in, mobile, "Dupont", "+33612345678")
			if pai := in.Request().Header("P-Asserted-Identity"); pai != "" {
				t.Errorf("%s: P-Asserted-Identity %s", name, pai)
			}
			in.Refuse(486)
			w.status(call)
		}
	})
	e := sitefile.Demo()
	e.Sites[0].Users[2].RejectAnonymous = true
	inWorldOf(t, e, func(w *world) {
		w.registered("+33170001203", "pC-0be5d2")
		if got := w.refused(w.trunk(), "sip:+33170001203@192.0.2.10", softphone.InviteOptions{Headers: private}); got != 433 {
			t.Errorf("a line that takes no anonymous calls: got %s, want 433", statusError(got))
		}
	})
	inWorld(t, func(w *world) {
		carrier, alice, camille := w.carrier(), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		hidden := softphone.InviteOptions{From: "sip:anonymous@anonymous.invalid", Headers: []softphone.Header{{Name: "Privacy", Value: "id"}}}
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", hidden)
		in := camille.rings(w)
		nothing(t, in, "1201", "Alice")
		in.Refuse(486)
		w.status(call)
		call = w.dial(w.t.Context(), alice.Phone, "sip:0612345678@paris.acme.test", hidden)
		out := carrier.rings(w)
		if from, pai := out.Request().Header("From"), out.Request().Header("P-Asserted-Identity"); strings.Contains(from, "1201") || !strings.Contains(pai, "+33170001201") {
			t.Errorf("the carrier is told From %s, P-Asserted-Identity %s", from, pai)
		}
		if p := out.Request().Header("Privacy"); p != "id" {
			t.Errorf("Privacy %q", p)
		}
		out.Refuse(486)
		w.status(call)
	})
}
