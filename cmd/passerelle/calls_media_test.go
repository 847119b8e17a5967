package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// pair joins alice, who calls, and camille.
func (w *world) pair(a, c softphone.InviteOptions) (*softphone.Call, *softphone.Call) {
	w.t.Helper()
	alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
	call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", a)
	in := camille.rings(w)
	callee, err := in.Answer(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.up(call), callee
}

// TestLawsAreTranscoded joins a phone that knows A-law only with one that knows µ-law only.
func TestLawsAreTranscoded(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMU}}, softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMA}})
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestCallerWithoutOffer calls as some exchanges do: the phone's offer comes in the 200, the caller's answer in the ACK
// (RFC 3261 §13.2.1).
func TestCallerWithoutOffer(t *testing.T) {
	for name, direct := range map[string]bool{"through us": false, "from phone to phone": true} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].DirectMedia = direct
			inWorldOf(t, e, func(w *world) {
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{DelayedOffer: true, Codecs: []softphone.Codec{softphone.PCMA}})
				in := camille.rings(w)
				if body := in.Request().Body; len(body) != 0 {
					t.Errorf("the phone is made an offer that the caller has not made: %s", body)
				}
				in.Ring(180)
				c := w.take(in)
				a := w.up(call)
				if n := w.ports.InUse(); direct && n != 0 {
					t.Errorf("%d ports in use, want none", n)
				}
				w.meet(a, c)
				for _, holder := range []*softphone.Call{a, c} {
					if err := holder.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					if err := holder.Resume(w.t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.meet(a, c)
				w.bye(c)
				w.gone(a, time.Second)
			})
		})
	}
}

// TestCallerWithoutOfferToTrunk makes an offer of ours to a carrier: not all of them answer calls without one.
func TestCallerWithoutOfferToTrunk(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{DelayedOffer: true})
		in := carrier.rings(w)
		if len(in.Request().Body) == 0 {
			t.Error("the carrier is made no offer")
		}
		out := w.take(in)
		w.meet(w.up(call), out)
		w.bye(out)
	})
}

// TestHoldMusic lets the held side hear music as long as it is held, and each other again after.
func TestHoldMusic(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		w.meet(a, c)
		a.Mute()
		if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if level := c.Heard(2 * time.Second).Loudness(); level < -45 {
			t.Errorf("the held side hears %.0f dB, want music", level)
		}
		if err := a.Resume(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestVanishedPeerEndsCall ends a call of which one phone lost power, and leaves one alone whose phones are silent.
func TestVanishedPeerEndsCall(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{NeverRTP: true}, softphone.InviteOptions{NeverRTP: true})
		time.Sleep(10 * time.Minute)
		select {
		case <-a.Done():
			t.Fatal("silence ended the call")
		default:
		}
		c.Vanish()
		w.gone(a, 3*time.Minute)
	})
}

// TestProgressIsTold passes each new provisional status on.
func TestProgressIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.registered("alice-app", "sA-44c1d0")
		desk := w.registered("+33170001203", "pC-0be5d2")
		var early []int
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{
			OnProvisional: func(m *softphone.Message) { early = append(early, m.Code) },
		})
		in := desk.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		in.Ring(183)
		time.Sleep(time.Second)
		c := w.take(in)
		a := w.up(call)
		w.meet(a, c)
		if !slices.Contains(early, 180) || !slices.Contains(early, 183) {
			t.Errorf("provisional answers %v, want 180 and 183", early)
		}
		w.bye(a)
	})
}

// TestBothLegsAreAccounted has one record per leg, joined, with what became of the media.
func TestBothLegsAreAccounted(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		time.Sleep(10 * time.Second)
		w.bye(c)
		w.gone(a, time.Second)
		w.settled()
		all, err := w.journal.Latest(10, nil)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d records, %v; want 2", len(all), err)
		}
		in, out := all[0], all[1]
		if in.Direction == cdr.Out {
			in, out = out, in
		}
		if in.Call != out.Call || in.ID == out.ID {
			t.Errorf("the legs are not joined: %+v and %+v", in, out)
		}
		if in.User != "+33170001201" || out.User != "+33170001203" || out.Device != "+33170001203" || out.Number != "+33170001201" {
			t.Errorf("who called whom: %+v, %+v", in, out)
		}
		if in.Ended != cdr.Server || out.Ended != cdr.Peer {
			t.Errorf("ended by %s and %s, want server and peer", in.Ended, out.Ended)
		}
		for _, r := range all {
			if r.Code != 200 || r.Answer.IsZero() || r.Codec == "" || r.Received == nil || r.Received.Packets < 400 || r.Received.MOS < 4 {
				t.Errorf("%s leg: %+v, received %+v", r.Direction, r, r.Received)
			}
		}
	})
}

// TestDeclinedForkIsAccounted tells a cancelled fork from the one that took the call.
func TestDeclinedForkIsAccounted(t *testing.T) {
	inWorld(t, func(w *world) {
		desk, app, camille := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		one, two := desk.rings(w), app.rings(w)
		one.Ring(180)
		c := w.take(two)
		w.bye(w.up(call))
		w.gone(c, time.Second)
		w.settled()
		all, err := w.journal.Latest(10, nil)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d records, %v; want 3", len(all), err)
		}
		codes := map[string]int{}
		for _, r := range all {
			if r.Call != all[0].Call {
				t.Errorf("a record of another call: %+v", r)
			}
			codes[r.Device] = r.Code
		}
		if codes["+33170001201"] != 487 || codes["alice-app"] != 200 {
			t.Errorf("codes %v, want 487 for the desk phone and 200 for the application", codes)
		}
	})
}

// TestHopsAreCounted passes a call on with one hop less (RFC 3261 §16.6 step 3).
func TestHopsAreCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		alice := w.registered("alice-app", "sA-44c1d0")
		camille := w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		in := camille.rings(w)
		if got := in.Request().Header("Max-Forwards"); got != "69" {
			t.Errorf("Max-Forwards %s goes on, want one less than came", got)
		}
		in.Refuse(486)
		w.status(call)
	})
}

// TestFraudLimitsHold refuses more calls to the outside than a line may have, and lets go of those that ended.
func TestFraudLimitsHold(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[2].Limits.SimultaneousExternal = 1
	e.Sites[0].Users[2].Limits.PerMinute = 0
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		camille := w.registered("+33170001203", "pC-0be5d2")
		for range 2 {
			call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
			c := w.take(carrier.rings(w))
			a := w.up(call)
			if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:0612345679@paris.acme.test", softphone.InviteOptions{})); got != 403 {
				t.Errorf("the second call got %s, want 403", statusError(got))
			}
			w.bye(a)
			w.gone(c, time.Second)
			time.Sleep(time.Second)
		}
	})
}

// TestTrunkChannels refuses a call when all channels of the trunk are in use, calls for help excepted.
func TestTrunkChannels(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Trunks[0].Channels = 1
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		camille := w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		w.take(carrier.rings(w))
		a := w.up(call)
		if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:0612345679@paris.acme.test", softphone.InviteOptions{})); got != 503 {
			t.Errorf("got %s, want 503", statusError(got))
		}
		help := w.dial(w.t.Context(), camille.Phone, "sip:112@paris.acme.test", softphone.InviteOptions{})
		w.take(carrier.rings(w))
		w.bye(w.up(help), a)
	})
}

// TestPhoneForwardsByItself follows the 302 of a phone once its line has answered it.
func TestPhoneForwardsByItself(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		for _, uri := range []string{"sip:203@paris.acme.test", "sip:203@192.0.2.10", "sip:203@192.0.2.10:5060;transport=udp"} {
			call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
			bruno.rings(w).Redirect(uri)
			in := camille.rings(w)
			if d := in.Request().Header("Diversion"); !strings.Contains(d, "+33170001202@paris.acme.test") {
				t.Errorf("Diversion %q", d)
			}
			c := w.take(in)
			w.bye(w.up(call))
			w.gone(c, time.Second)
		}
	})
}

// carrier opens the demo's carrier so that it can be rung.
func (w *world) carrier() *ringing {
	carrier := &ringing{calls: make(chan *softphone.Incoming, 8)}
	carrier.Phone = w.phone("+33612345678", "", func(c *softphone.Config) {
		c.Local, c.Domain = trunkAddr, "carrier.test"
		c.OnInvite = func(in *softphone.Incoming) { carrier.calls <- in }
	})
	return carrier
}
