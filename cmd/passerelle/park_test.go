package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// parks parks the other side of a call by one of the two ways that phones have: a transfer to the code, or the code dialled
// while the call is on hold.
func (w *world) parks(by *softphone.Phone, c *softphone.Call, code, way string) {
	w.t.Helper()
	if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
		w.t.Fatal(err)
	}
	if way == "transfer" {
		if err := c.Refer(w.t.Context(), "sip:"+code+"@paris.acme.test"); err != nil {
			w.t.Fatal(err)
		}
		w.told(c, "200 OK")
	} else {
		done := w.up(w.dial(w.t.Context(), by, "sip:"+code+"@paris.acme.test", softphone.InviteOptions{}))
		time.Sleep(500 * time.Millisecond) // the tone is over by then, and not long ago
		if level := done.Heard(500 * time.Millisecond).Loudness(); level < -50 {
			w.t.Errorf("%s is confirmed at %.0f dB, want a tone", code, level)
		}
		w.gone(done, 5*time.Second)
	}
	w.gone(c, 5*time.Second)
}

// entertained proves that a call hears music.
func (w *world) entertained(c *softphone.Call) {
	w.t.Helper()
	time.Sleep(3 * time.Second)
	if level := c.Heard(2 * time.Second).Loudness(); level < -40 {
		w.t.Errorf("the parked call hears %.0f dB, want music", level)
	}
}

// TestParkAndFetch is RFC 5359 §2.13 by codes: a call waits at a line, with music, and a colleague fetches it.
func TestParkAndFetch(t *testing.T) {
	for name, tt := range map[string]struct {
		way, park, fetch string
		direct           bool
		caller           softphone.InviteOptions
		fetcher          softphone.InviteOptions
	}{
		"transferred to the code":     {way: "transfer", park: "*68202", fetch: "*88202"},
		"transferred to the own line": {way: "transfer", park: "*68", fetch: "*88203"},
		"code dialled":                {way: "code", park: "*68202", fetch: "*88"}, // by the line itself
		"media from phone to phone":   {way: "transfer", park: "*68202", fetch: "*88202", direct: true},
		"video, and fetched by late offer": {
			way: "code", park: "*68202", fetch: "*88202", caller: softphone.InviteOptions{Video: true}, fetcher: softphone.InviteOptions{DelayedOffer: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].DirectMedia = tt.direct
			inWorldOf(t, e, func(w *world) {
				bruno, watcher := w.registered("+33170001202", "pB-91aa37"), w.phone("+33170001201", "pA-6d1f0c")
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", tt.caller)
				c := w.take(camille.rings(w))
				a := w.up(call)
				at := "202"
				if tt.park == "*68" {
					at = "203"
				}
				watch, _ := w.subscribed(watcher, watching(at))
				w.parks(camille.Phone, c, tt.park, tt.way)
				w.entertained(a)
				body := ""
				for !strings.Contains(body, "+sip.rendering") { // the end of the call that was parked may be told before
					body = string(w.notified(watch).Body)
				}
				b := w.up(w.dial(w.t.Context(), bruno.Phone, "sip:"+tt.fetch+"@paris.acme.test", tt.fetcher))
				w.meet(a, b)
				for !strings.Contains(lamp(w.notified(watch)), "terminated remote-bye") { // with it the fetching phone's own call may be told
				}
				w.bye(a)
				w.gone(b, time.Second)
				if got := w.status(w.dial(w.t.Context(), bruno.Phone, "sip:"+tt.fetch+"@paris.acme.test", softphone.InviteOptions{})); got != 480 {
					t.Errorf("nothing is parked any more: got %s, want 480", statusError(got))
				}
			})
		})
	}
}

// TestParkedCallComesBack rings at who parked the call, again and again until somebody answers.
func TestParkedCallComesBack(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].ParkSeconds = 30
	inWorldOf(t, e, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		a := w.up(call)
		w.parks(camille.Phone, c, "*68202", "transfer")
		camille.silent(w, 27*time.Second)
		in := camille.rings(w)
		if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, "+33170001201") {
			t.Errorf("the phone shows %q, want who is parked", pai)
		}
		in.Refuse(486)
		camille.silent(w, 28*time.Second)
		w.entertained(a)
		in = camille.rings(w)
		in.Ring(180)
		time.Sleep(5 * time.Second)
		c = w.take(in)
		w.meet(a, c)
		w.bye(c)
		w.gone(a, time.Second)
	})
}

// TestParkedCallIsFetchedWhileItRingsBack stops ringing at who parked it.
func TestParkedCallIsFetchedWhileItRingsBack(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].ParkSeconds = 30
	inWorldOf(t, e, func(w *world) {
		bruno, alice, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		a := w.up(call)
		w.parks(camille.Phone, c, "*68", "transfer")
		camille.silent(w, 27*time.Second)
		in := camille.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		b := w.up(w.dial(w.t.Context(), bruno.Phone, "sip:*88203@paris.acme.test", softphone.InviteOptions{}))
		w.cancelled(in)
		w.meet(a, b)
		w.bye(b)
		w.gone(a, time.Second)
	})
}

// TestParkedCallerHangsUp leaves nothing behind, at rest and while the call rings back.
func TestParkedCallerHangsUp(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "at rest": 10 * time.Second, "ringing back": 33 * time.Second} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].ParkSeconds = 30
			inWorldOf(t, e, func(w *world) {
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c := w.take(camille.rings(w))
				a := w.up(call)
				w.parks(camille.Phone, c, "*68", "transfer")
				time.Sleep(after)
				var in *softphone.Incoming
				if after > 30*time.Second {
					in = camille.rings(w)
					in.Ring(180)
					time.Sleep(time.Second)
				}
				w.bye(a)
				if in != nil {
					w.cancelled(in)
				}
				time.Sleep(time.Second)
				if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:*88@paris.acme.test", softphone.InviteOptions{})); got != 480 {
					t.Errorf("got %s, want 480", statusError(got))
				}
			})
		})
	}
}

// TestParkRefused leaves the call as it is.
func TestParkRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		dial := func(p *softphone.Phone, uri string) int {
			t.Helper()
			return w.status(w.dial(w.t.Context(), p, uri, softphone.InviteOptions{}))
		}
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		dana := w.phone("+15145550201", "pD-5c2e9b", func(c *softphone.Config) { c.Domain = "montreal.acme.test" })
		if got := dial(dana, "sip:*68+33170001202@montreal.acme.test"); got != 403 {
			t.Errorf("parking at another site: got %s, want 403", statusError(got))
		}
		if got := dial(dana, "sip:*68@montreal.acme.test"); got != 480 {
			t.Errorf("no call to park: got %s, want 480", statusError(got))
		}
		bruno := w.registered("+33170001202", "pB-91aa37")
		other := w.dial(w.t.Context(), dana, "sip:+33170001202@montreal.acme.test", softphone.InviteOptions{})
		b := w.take(bruno.rings(w))
		d := w.up(other)
		if err := b.Refer(w.t.Context(), "sip:*68@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(b, "200 OK")
		if err := c.Refer(w.t.Context(), "sip:*68202@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(c, "486 Busy Here")
		if err := c.Refer(w.t.Context(), "sip:*78@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(c, "501 Not Implemented")
		w.meet(a, c)
		if got := dial(dana, "sip:*88+33170001202@montreal.acme.test"); got != 403 {
			t.Errorf("fetching at another site: got %s, want 403", statusError(got))
		}
		w.bye(a, d)
	})
}

// TestUnparkFails parks the call again when who fetches it cannot take it.
func TestUnparkFails(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		bruno := w.registered("+33170001202", "pB-91aa37")
		if err := c.Refer(w.t.Context(), "sip:*68@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(c, "200 OK")
		w.gone(c, 5*time.Second)
		broken := softphone.InviteOptions{EditSDP: func(s string) string { return strings.Replace(s, "RTP/AVP", "RTP/XXX", 1) }}
		if got := w.status(w.dial(w.t.Context(), bruno.Phone, "sip:*88203@paris.acme.test", broken)); got != 488 {
			t.Errorf("got %s, want 488", statusError(got))
		}
		w.entertained(a)
		b := w.up(w.dial(w.t.Context(), bruno.Phone, "sip:*88203@paris.acme.test", softphone.InviteOptions{}))
		w.meet(a, b)
		w.bye(b)
		w.gone(a, time.Second)
		records, err := w.journal.Latest(10, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.User == "+33170001201" && (r.Direction != cdr.In || r.Answer.IsZero() || r.End.IsZero()) {
				t.Errorf("the parked leg's record %+v", r)
			}
		}
	})
}

// TestParkedPeerVanishes does not ring for a peer that has gone without a word.
func TestParkedPeerVanishes(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		w.up(call)
		w.parks(camille.Phone, c, "*68", "transfer")
		if err := alice.Close(); err != nil {
			t.Fatal(err)
		}
		camille.silent(w, 3*time.Minute)
		if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:*88@paris.acme.test", softphone.InviteOptions{})); got != 480 {
			t.Errorf("got %s, want 480", statusError(got))
		}
	})
}
