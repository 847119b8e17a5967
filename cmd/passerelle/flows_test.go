package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/softphone"
)

// TestPhoneMovesItsMedia is RFC 3665 §3.7: a phone says by re-INVITE that its media is elsewhere now, and hears its peer there.
func TestPhoneMovesItsMedia(t *testing.T) {
	for _, moves := range []string{"caller", "callee"} {
		t.Run(moves, func(t *testing.T) {
			inWorld(t, func(w *world) {
				ear := w.ear()
				there := false
				o := softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMU}, EditSDP: func(sdp string) string {
					if there {
						return ear.here(sdp)
					}
					return sdp
				}}
				var a, c *softphone.Call
				mover, stays := &a, &c
				if moves == "caller" {
					a, c = w.pair(o, softphone.InviteOptions{})
				} else {
					a, c = w.pair(softphone.InviteOptions{}, o)
					mover, stays = &c, &a
				}
				w.meet(a, c)
				(*mover).PauseRTP(true) // its packets would still come from where it was
				(*stays).Tone(700)
				time.Sleep(3 * time.Second) // until the server follows a word rather than packets
				there = true
				if err := (*mover).Reinvite(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Second)
				ear.close()
				heard := make(softphone.Sound, 0, len(ear.samples))
				for _, x := range ear.samples {
					heard = append(heard, int16(x*32000))
				}
				if len(heard) < 2*softphone.SampleRate || heard[len(heard)-softphone.SampleRate:].Level(700) < -30 {
					t.Errorf("%d samples come to where the phone is now", len(heard))
				}
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}

// TestConsultation is RFC 5359 §2.2: a call on hold, a second one to ask something, and back to the first.
func TestConsultation(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		first := w.take(alice.rings(w))
		b := w.up(call)
		w.meet(first, b)
		for range 2 {
			if err := first.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
				t.Fatal(err)
			}
			call = w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			c := w.take(camille.rings(w))
			second := w.up(call)
			w.meet(second, c)
			if level := b.Heard(time.Second).Loudness(); level < -45 {
				t.Errorf("who is held hears %.0f dB", level)
			}
			w.bye(c)
			w.gone(second, time.Second)
			if err := first.Resume(w.t.Context()); err != nil {
				t.Fatal(err)
			}
			w.meet(first, b)
		}
		w.bye(b)
		w.gone(first, time.Second)
	})
}

// TestCodecChangesInCall passes a change of codec on in both directions, by re-INVITE and by UPDATE, also together with a hold.
func TestCodecChangesInCall(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		for i, codec := range []softphone.Codec{softphone.PCMA, softphone.PCMU, softphone.PCMA} {
			changer := []*softphone.Call{a, c}[i%2]
			if err := changer.Reinvite(w.t.Context(), codec); err != nil {
				t.Fatal(err)
			}
			w.meet(a, c)
			if err := changer.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
				t.Fatal(err)
			}
			if err := changer.Reinvite(w.t.Context(), softphone.PCMU, softphone.PCMA); err != nil {
				t.Fatal(err)
			}
			if err := changer.Resume(w.t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := changer.Update(w.t.Context()); err != nil {
				t.Fatal(err)
			}
			w.meet(a, c)
		}
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestVideoIsOffered passes a line of video to the other phone, which refuses it by port 0, and keeps the number of lines for ever
// (RFC 3264 §8).
func TestVideoIsOffered(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{Video: true})
		in := camille.rings(w)
		if sdp := string(in.Request().Body); !strings.Contains(sdp, "m=video ") || strings.Contains(sdp, "m=video 0 ") || !strings.Contains(sdp, "H264") {
			t.Errorf("the phone is offered\n%s", sdp)
		}
		c := w.take(in)
		a := w.up(call)
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
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestBusyLine is RFC 3665 §3.9.
func TestBusyLine(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		for _, code := range []int{486, 600, 603} {
			call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			camille.rings(w).Refuse(code)
			if got := w.status(call); got != code {
				t.Errorf("got %s, want %s", statusError(got), statusError(code))
			}
		}
	})
}

// TestSessionTimersOfBothSides keeps each leg's session timer by itself: whoever refreshes, nothing of it reaches the other phone.
func TestSessionTimersOfBothSides(t *testing.T) {
	for _, refresher := range []string{"uac", "uas", ""} {
		t.Run("refresher "+refresher, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, c := w.pair(softphone.InviteOptions{SessionExpires: 90 * time.Second, Refresher: refresher}, softphone.InviteOptions{})
				w.meet(a, c)
				a.PauseRTP(true)
				c.PauseRTP(true)
				time.Sleep(15 * time.Minute)
				a.PauseRTP(false)
				c.PauseRTP(false)
				if n := c.Requests("INVITE"); n != 0 {
					t.Errorf("%d re-INVITEs came to the other phone", n)
				}
				w.meet(a, c)
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
	t.Run("nobody refreshes", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a, c := w.pair(softphone.InviteOptions{SessionExpires: 90 * time.Second, Refresher: "uac", NoRefresh: true}, softphone.InviteOptions{})
			start := time.Now()
			w.gone(c, 2*time.Minute)
			if up := time.Since(start); up < time.Minute {
				t.Errorf("ended after %v", up)
			}
			w.gone(a, time.Second)
		})
	})
}

// TestConnectionOfPhoneIsUsed calls a phone behind a NAT on the connection that it registered by, half an hour later, and hangs up
// on it: nobody can connect to such a phone.
func TestConnectionOfPhoneIsUsed(t *testing.T) {
	for _, first := range []string{"phone", "peer"} {
		t.Run("the "+first+" hangs up", func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice := w.registered("alice-app", "sA-44c1d0")
				camille := &ringing{calls: make(chan *softphone.Incoming, 8)}
				camille.Phone = w.phone("+33170001203", "pC-0be5d2", func(c *softphone.Config) {
					c.Transport = "tcp"
					c.OnInvite = func(in *softphone.Incoming) { camille.calls <- in }
				})
				if _, err := camille.Register(w.t.Context(), time.Hour); err != nil {
					t.Fatal(err)
				}
				time.Sleep(30 * time.Minute)
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c := w.take(camille.rings(w))
				a := w.up(call)
				w.meet(a, c)
				if first == "phone" {
					w.bye(c)
					w.gone(a, time.Second)
				} else {
					w.bye(a)
					w.gone(c, time.Second)
				}
			})
		})
	}
}
