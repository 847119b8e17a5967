package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// TestDirectMedia lets phones of a site that wants it talk without the server.
func TestDirectMedia(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].DirectMedia = true
	inWorldOf(t, e, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		if n := w.ports.InUse(); n != 0 {
			t.Errorf("%d ports in use, want none", n)
		}
		w.meet(a, c)
		if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		if err := c.Resume(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// directSite is the demo with media from phone to phone.
func directSite() *directory.Enterprise {
	e := sitefile.Demo()
	e.Sites[0].DirectMedia = true
	return e
}

// TestDirectMediaStaysInside relays what a line of a site with direct media forwards to the outside.
func TestDirectMediaStaysInside(t *testing.T) {
	e := directSite()
	e.Sites[0].Users[1].Forwards.Busy = "0612345678"
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		alice, bruno := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37")
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		bruno.rings(w).Refuse(486)
		in := carrier.rings(w)
		if sdp := string(in.Request().Body); !strings.Contains(sdp, serverAddr.Addr().String()) || strings.Contains(sdp, "198.51.100.") {
			t.Errorf("the carrier is told of a phone's address:\n%s", sdp)
		}
		c := w.take(in)
		a := w.up(call)
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestDirectCallsAreJoined joins two calls with media from phone to phone: each phone is told of the other's media, once.
func TestDirectCallsAreJoined(t *testing.T) {
	inWorldOf(t, directSite(), func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		her := w.take(alice.rings(w))
		his := w.up(call)
		call = w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		second := w.up(call)
		if err := her.Consult(w.t.Context(), second); err != nil {
			t.Fatal(err)
		}
		w.told(her, "200 OK")
		w.gone(her, 2*time.Second)
		w.gone(second, 2*time.Second)
		time.Sleep(10 * time.Second)
		w.meet(his, c)
		if n := his.Requests("INVITE") + c.Requests("INVITE"); n > 3 {
			t.Errorf("%d offers until both knew", n)
		}
		if n := w.ports.InUse(); n != 0 {
			t.Errorf("%d ports in use, want none", n)
		}
		w.bye(c)
		w.gone(his, time.Second)
	})
}

// TestDirectCallIsTransferredOut relays a call from phone to phone once one of the two is with somebody outside, after a blind and
// an attended transfer.
func TestDirectCallIsTransferredOut(t *testing.T) {
	for _, attended := range []bool{false, true} {
		t.Run(map[bool]string{false: "blind", true: "attended"}[attended], func(t *testing.T) {
			inWorldOf(t, directSite(), func(w *world) {
				carrier, alice := w.carrier(), w.registered("+33170001201", "pA-6d1f0c")
				camille := w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c := w.take(camille.rings(w))
				a := w.up(call)
				w.meet(a, c)
				var out *softphone.Call
				if attended {
					second := w.dial(w.t.Context(), alice.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
					out = w.take(carrier.rings(w))
					other := w.up(second)
					w.meet(other, out)
					if err := a.Consult(w.t.Context(), other); err != nil {
						t.Fatal(err)
					}
					w.gone(other, 2*time.Second)
				} else {
					if err := a.Refer(w.t.Context(), "sip:0612345678@paris.acme.test"); err != nil {
						t.Fatal(err)
					}
					out = w.take(carrier.rings(w))
				}
				w.told(a, "200 OK")
				w.gone(a, 2*time.Second)
				time.Sleep(time.Second)
				w.meet(c, out)
				if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := c.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(c, out)
				w.bye(c)
				w.gone(out, time.Second)
			})
		})
	}
}
