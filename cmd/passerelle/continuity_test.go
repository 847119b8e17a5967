package main

import (
	"testing"
	"time"

	"passerelle/softphone"
)

// steady fails the test unless what the phone has heard since its figures were reset is one stream: one SSRC, every sequence
// number, timestamps that go with the clock.
func (w *world) steady(who string, c *softphone.Call, longest time.Duration) {
	w.t.Helper()
	s := c.Stats()
	if s.Streams != 1 || s.Lost != 0 || s.Duplicates != 0 || s.Reordered != 0 {
		w.t.Errorf("%s hears %d streams, %d packets lost, %d twice, %d out of order", who, s.Streams, s.Lost, s.Duplicates, s.Reordered)
	}
	if s.Slip > 60*time.Millisecond {
		w.t.Errorf("%s: timestamps and clock go apart by %v", who, s.Slip)
	}
	if s.LongestGap > longest {
		w.t.Errorf("%s hears nothing for %v, %v at most is right", who, s.LongestGap, longest)
	}
	if s.Received < 200 {
		w.t.Errorf("%s has heard %d packets", who, s.Received)
	}
}

// TestOneStreamForEachPhone keeps one stream towards a phone through hold with music, resume, and a transfer of either kind: many
// phones fall silent when another one begins (one SSRC, no jump of sequence number or timestamp).
func TestOneStreamForEachPhone(t *testing.T) {
	for _, attended := range []bool{false, true} {
		t.Run(map[bool]string{false: "blind", true: "attended"}[attended], func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				a := w.take(alice.rings(w))
				c := w.up(call)
				w.meet(a, c)
				a.ResetStats()
				c.ResetStats()
				for range 3 {
					if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					if err := a.Resume(w.t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * time.Second)
				}
				w.steady("the held phone", c, 60*time.Millisecond)
				if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				var b *softphone.Call
				if attended {
					second := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
					b = w.take(bruno.rings(w))
					other := w.up(second)
					w.meet(other, b)
					b.ResetStats()
					if err := a.Consult(w.t.Context(), other); err != nil {
						t.Fatal(err)
					}
				} else {
					if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
						t.Fatal(err)
					}
					in := bruno.rings(w)
					in.Ring(180)
					time.Sleep(5 * time.Second)
					b = w.take(in)
				}
				w.gone(a, 2*time.Second)
				b.Tone(500)
				c.Tone(700)
				time.Sleep(5 * time.Second)
				w.steady("the transferred phone", c, 100*time.Millisecond)
				w.steady("the phone that it came to", b, 200*time.Millisecond)
				w.meet(b, c)
				w.bye(c)
				w.gone(b, time.Second)
			})
		})
	}
}

// TestSilenceIsNoEnd leaves calls up that are silent for good reason: on hold in every form, muted without a packet, or where one
// side only listens.
func TestSilenceIsNoEnd(t *testing.T) {
	hold := func(form softphone.HoldForm, both bool) func(w *world, a, c *softphone.Call) {
		return func(w *world, a, c *softphone.Call) {
			for _, holder := range []*softphone.Call{a, c} {
				if err := holder.Hold(w.t.Context(), form); err != nil {
					w.t.Fatal(err)
				}
				if !both {
					return
				}
			}
		}
	}
	for name, silence := range map[string]func(w *world, a, c *softphone.Call){
		"held": hold(softphone.HoldSendOnly, false), "held both ways": hold(softphone.HoldSendOnly, true),
		"inactive": hold(softphone.HoldInactive, true), "held by 0.0.0.0": hold(softphone.HoldZero, false),
		"muted without packets": func(_ *world, a, c *softphone.Call) { a.PauseRTP(true); c.PauseRTP(true) },
		"one side listens":      func(_ *world, a, _ *softphone.Call) { a.PauseRTP(true) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
				silence(w, a, c)
				time.Sleep(10 * time.Minute)
				for _, phone := range []*softphone.Call{a, c} {
					select {
					case <-phone.Done():
						t.Fatalf("the call was ended: %+v", phone.Ending())
					default:
					}
					phone.PauseRTP(false)
					if err := phone.Resume(w.t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.meet(a, c)
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}
