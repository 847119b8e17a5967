package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// TestPickupByCode is RFC 5359 §2.12 by a code: a colleague answers what rings elsewhere.
func TestPickupByCode(t *testing.T) {
	for name, tt := range map[string]struct {
		offer  softphone.InviteOptions // of the caller
		direct bool
	}{
		"relayed": {}, "late offer": {offer: softphone.InviteOptions{DelayedOffer: true}}, "media from phone to phone": {direct: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].DirectMedia = tt.direct
			inWorldOf(t, e, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", tt.offer)
				in := bruno.rings(w)
				in.Ring(180)
				time.Sleep(2 * time.Second)
				c := w.up(w.dial(w.t.Context(), camille.Phone, "sip:*97202@paris.acme.test", softphone.InviteOptions{}))
				a := w.up(call)
				w.cancelled(in)
				w.meet(a, c)
				if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := a.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(a, c)
				w.bye(c)
				w.gone(a, time.Second)
				bruno.silent(w, time.Second)
			})
		})
	}
}

// TestPickupOfTransfer picks up what a blind transfer lets ring.
func TestPickupOfTransfer(t *testing.T) {
	inWorld(t, func(w *world) {
		bruno := w.registered("+33170001202", "pB-91aa37")
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		if err := c.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		in := bruno.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		p := w.up(w.dial(w.t.Context(), w.phone("+33170001201", "pA-6d1f0c"), "sip:*97202@paris.acme.test", softphone.InviteOptions{}))
		w.cancelled(in)
		w.told(c, "200 OK")
		w.gone(c, 2*time.Second)
		time.Sleep(time.Second)
		w.meet(a, p)
		w.bye(a)
		w.gone(p, time.Second)
	})
}

// TestPickupRefused leaves the call as it is.
func TestPickupRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		pick := func(p *softphone.Phone, uri string, o softphone.InviteOptions) int {
			t.Helper()
			return w.status(w.dial(w.t.Context(), p, uri, o))
		}
		if got := pick(camille.Phone, "sip:*97202@paris.acme.test", softphone.InviteOptions{}); got != 480 {
			t.Errorf("nothing rings: got %s, want 480", statusError(got))
		}
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := bruno.rings(w)
		in.Ring(180)
		stranger := w.phone("+15145550201", "pD-5c2e9b", func(c *softphone.Config) { c.Domain = "montreal.acme.test" })
		if got := pick(stranger, "sip:*97+33170001202@montreal.acme.test", softphone.InviteOptions{}); got != 403 {
			t.Errorf("a line of another site: got %s, want 403", statusError(got))
		}
		if got := pick(camille.Phone, "sip:*97202@paris.acme.test", softphone.InviteOptions{DelayedOffer: true}); got != 488 {
			t.Errorf("without an offer: got %s, want 488", statusError(got))
		}
		c := w.take(in)
		w.meet(w.up(call), c)
		if got := pick(camille.Phone, "sip:*97202@paris.acme.test", softphone.InviteOptions{}); got != 480 {
			t.Errorf("answered: got %s, want 480", statusError(got))
		}
		w.bye(c)
	})
}

// TestPickupByMonitor lets a line of another site pick up at a line that it monitors.
func TestPickupByMonitor(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[1].Users[0].Monitored = []string{"+33170001202"}
	inWorldOf(t, e, func(w *world) {
		alice, bruno := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37")
		d := e.Sites[1].Users[0].Phone
		other := w.phone(d.Username, d.Password.Reveal(), func(c *softphone.Config) { c.Domain = e.Sites[1].Domain })
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := bruno.rings(w)
		in.Ring(180)
		c := w.up(w.dial(w.t.Context(), other, "sip:*97+33170001202@"+e.Sites[1].Domain, softphone.InviteOptions{}))
		w.cancelled(in)
		w.meet(w.up(call), c)
		w.bye(c)
	})
}

// TestPickupByReplaces is RFC 5359 §2.12 as phones do it: the lamp names the dialog that rings, an INVITE with Replaces takes it.
func TestPickupByReplaces(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		s, _ := w.subscribed(camille.Phone, watching("202"))
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := bruno.rings(w)
		w.shows(s, "trying")
		in.Ring(180)
		body := string(w.shows(s, "early").Body)
		value := func(name string) string {
			t.Helper()
			m := regexp.MustCompile(name + `="([^"]+)"`).FindStringSubmatch(body)
			if m == nil {
				t.Fatalf("no %s in\n%s", name, body)
			}
			return m[1]
		}
		if value("call-id") != in.Request().Header("Call-ID") || !strings.Contains(in.Request().Header("From"), value("remote-tag")) {
			t.Errorf("the lamp names another dialog\n%s", body)
		}
		replaces := fmt.Sprintf("%s;to-tag=%s;from-tag=%s;early-only", value("call-id"), value("local-tag"), value("remote-tag"))
		take := softphone.InviteOptions{Headers: []softphone.Header{{Name: "Replaces", Value: replaces}}}
		dana := w.phone("+15145550201", "pD-5c2e9b", func(c *softphone.Config) { c.Domain = "montreal.acme.test" })
		if got := w.status(w.dial(w.t.Context(), dana, "sip:+33170001202@paris.acme.test", take)); got != 403 {
			t.Errorf("a line of another site: got %s, want 403", statusError(got))
		}
		c := w.up(w.dial(w.t.Context(), camille.Phone, "sip:202@paris.acme.test", take))
		a := w.up(call)
		w.cancelled(in)
		w.meet(a, c)
		w.lit(s, "terminated cancelled")
		if got := w.status(w.dial(w.t.Context(), bruno.Phone, "sip:202@paris.acme.test", take)); got != 481 {
			t.Errorf("what rang is over: got %s, want 481", statusError(got))
		}
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestGroupPickup answers by one code what has rung longest in the line's group, and nothing of other groups.
func TestGroupPickup(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].PickupGroup, e.Sites[0].Users[2].PickupGroup = "accueil", "accueil"
	inWorldOf(t, e, func(w *world) {
		alice, bruno, carrier := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.carrier()
		camille := w.registered("+33170001203", "pC-0be5d2")
		if got := w.refused(camille.Phone, "sip:*98@paris.acme.test", softphone.InviteOptions{}); got != 480 {
			t.Errorf("nothing rings: %s, want 480", statusError(got))
		}
		other := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001201@192.0.2.10", softphone.InviteOptions{})
		atAlice := alice.rings(w)
		if got := w.refused(camille.Phone, "sip:*98@paris.acme.test", softphone.InviteOptions{}); got != 480 {
			t.Errorf("something rings outside the group: %s, want 480", statusError(got))
		}
		if got := w.refused(alice.Phone, "sip:*98@paris.acme.test", softphone.InviteOptions{}); got != 404 {
			t.Errorf("a line without a group: %s, want 404", statusError(got))
		}
		first := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		atBruno := bruno.rings(w)
		atBruno.Ring(180)
		time.Sleep(time.Second)
		second := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001203@192.0.2.10", softphone.InviteOptions{})
		atCamille := camille.rings(w)
		atCamille.Ring(180)
		time.Sleep(time.Second)
		c := w.up(w.dial(w.t.Context(), camille.Phone, "sip:*98@paris.acme.test", softphone.InviteOptions{}))
		a := w.up(first)
		w.cancelled(atBruno)
		w.meet(a, c)
		b := w.up(w.dial(w.t.Context(), bruno.Phone, "sip:*98@paris.acme.test", softphone.InviteOptions{}))
		outside := w.up(second)
		w.cancelled(atCamille)
		w.meet(b, outside)
		atAlice.Refuse(486)
		<-other
		w.bye(a, b)
		w.gone(c, time.Second)
		w.gone(outside, time.Second)
	})
}
