package main

import (
	"fmt"
	"testing"
	"time"

	"passerelle/softphone"
)

// TestDirectionTable takes the sixteen pairs of directions of an offer and its answer (RFC 3264 §6.1) through a call: each side hears
// the other when the one sends and the other receives, music when the other holds, and else nothing. Then both resume, with another
// codec.
func TestDirectionTable(t *testing.T) {
	all := []softphone.Direction{softphone.SendRecv, softphone.SendOnly, softphone.RecvOnly, softphone.Inactive}
	sends := func(d softphone.Direction) bool { return d == softphone.SendRecv || d == softphone.SendOnly }
	receives := func(d softphone.Direction) bool { return d == softphone.SendRecv || d == softphone.RecvOnly }
	for _, offer := range all {
		for _, answer := range all {
			t.Run(fmt.Sprintf("%v to %v", offer, answer), func(t *testing.T) {
				inWorld(t, func(w *world) {
					a, c := w.pair(softphone.InviteOptions{Direction: offer}, softphone.InviteOptions{Direction: answer})
					a.Tone(500)
					c.Tone(800)
					time.Sleep(2 * time.Second)
					hear := func(who string, c *softphone.Call, hertz float64, listens, sends, holds bool) {
						t.Helper()
						heard := c.Heard(time.Second)
						tone, loud := heard.Level(hertz) > -32, heard.Loudness() > -45
						if tone != (listens && sends && !holds) || loud != (listens && (sends || holds)) {
							t.Errorf("%s hears %.0f dB, the other of it at %.0f dB", who, heard.Loudness(), heard.Level(hertz))
						}
					}
					// Who sends to somebody who would send as well, and does not listen, holds.
					hear("the caller", a, 800, receives(offer), sends(answer), !receives(answer) && sends(offer))
					hear("the callee", c, 500, receives(answer), sends(offer), !receives(offer))
					for _, phone := range []*softphone.Call{a, c} {
						if err := phone.Resume(w.t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					w.meet(a, c)
					if err := c.Reinvite(w.t.Context(), softphone.PCMA); err != nil {
						t.Fatal(err)
					}
					w.meet(a, c)
					w.bye(c)
					w.gone(a, time.Second)
				})
			})
		}
	}
}
