package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"passerelle/gateway"
	"passerelle/media/prompts"
	"passerelle/softphone"
)

// seatOf is the seat of somebody in the only live session.
func (w *world) seatOf(c *softphone.Call) gateway.ParticipantInfo {
	w.t.Helper()
	for _, p := range w.house.gateway.Bridges()[0].Participants {
		if p.CallID == c.CallID() {
			return p
		}
	}
	w.t.Fatal("no such seat")
	return gateway.ParticipantInfo{}
}

// TestMutedParticipant is told, is not heard, hears the others, and is heard again.
func TestMutedParticipant(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.alice()
		a, b := w.enter(p, aliceSpace), w.enter(p, aliceSpace)
		w.participants(2)
		w.meet(a, b)
		space, seat := w.house.gateway.Bridges()[0].Space, w.seatOf(a).ID
		heardAs := func(level float64, tone float64, c *softphone.Call) bool {
			return c.Heard(700*time.Millisecond).Level(tone) > level
		}
		a.Tone(1000)
		b.Tone(1600)
		if err := w.house.gateway.Mute(w.t.Context(), space, seat, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		w.speaks(a, 1500*time.Millisecond, "fr", prompts.Muted)
		if heardAs(-45, 1000, b) {
			t.Error("who is muted is heard")
		}
		time.Sleep(time.Second)
		if !heardAs(-32, 1600, a) {
			t.Error("who is muted does not hear the other one")
		}
		if s := w.seatOf(a); !s.Muted || !s.Talking {
			t.Errorf("muted: %+v", s)
		}
		if err := w.house.gateway.Mute(w.t.Context(), space, seat, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		w.speaks(a, 1500*time.Millisecond, "fr", prompts.Unmuted)
		time.Sleep(time.Second)
		w.meet(a, b)
		for err, got := range map[error]error{
			gateway.ErrNoParticipant: w.house.gateway.Mute(w.t.Context(), space, "0", true),
			gateway.ErrNoBridge:      w.house.gateway.Mute(w.t.Context(), "space-none", seat, true),
		} {
			if !errors.Is(got, err) {
				t.Errorf("got %v, want %v", got, err)
			}
		}
		w.bye(a, b)
	})
}

// TestMuteStaysWithTheSeat mutes a seat that is handed to another phone of its line.
func TestMuteStaysWithTheSeat(t *testing.T) {
	inWorld(t, func(w *world) {
		other, a := w.enter(w.camille(), aliceSpace), w.enter(w.alice(), aliceSpace)
		w.participants(2)
		time.Sleep(time.Second) // both sit
		space := w.house.gateway.Bridges()[0].Space
		seat := w.seatOf(a).ID
		if err := w.house.gateway.Mute(w.t.Context(), space, seat, true); err != nil {
			t.Fatal(err)
		}
		desk := w.invite(w.phone("+33170001201", "pA-6d1f0c"), gatewayURI, softphone.InviteOptions{Headers: []softphone.Header{{Name: "Replaces", Value: a.Replaces()}, {Name: "Require", Value: "replaces"}}})
		w.gone(a, 2*time.Second)
		desk.Tone(1000)
		time.Sleep(3 * time.Second)
		if level := other.Heard(2500 * time.Millisecond).Level(1000); level > -45 {
			t.Errorf("the new phone is heard at %.0f dB", level)
		}
		if s := w.seatOf(desk); s.ID != seat || !s.Muted {
			t.Errorf("the seat: %+v", s)
		}
		if err := w.house.gateway.Mute(w.t.Context(), space, seat, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		w.meet(other, desk)
		w.bye(other, desk)
	})
}

// TestLockedSpace keeps strangers out, by digits and by URI, with a word of why; the owner comes in and brings others; unlocked,
// everybody may come.
func TestLockedSpace(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.enter(w.camille(), aliceSpace)
		w.participants(1)
		space := w.house.gateway.Bridges()[0].Space
		lock := func(on bool) {
			t.Helper()
			if err := w.house.gateway.Lock(w.t.Context(), space, on); err != nil {
				t.Fatal(err)
			}
			if b := w.house.gateway.Bridges()[0]; b.Locked != on {
				t.Errorf("locked: %v, want %v", b.Locked, on)
			}
		}
		lock(true)
		bruno := w.registered("+33170001202", "pB-91aa37")
		if got := w.refused(bruno.Phone, gatewayURI+";space="+aliceSpace, softphone.InviteOptions{}); got != 480 {
			t.Errorf("by URI: %s, want 480", statusError(got))
		}
		c := w.invite(bruno.Phone, gatewayURI, softphone.InviteOptions{})
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		time.Sleep(1500 * time.Millisecond)
		w.speaks(c, 2*time.Second, "fr", prompts.Locked)
		if reason := w.gone(c, 30*time.Second); !strings.Contains(reason, "cause=480") || !strings.Contains(reason, "locked") {
			t.Errorf("by digits: Reason %q", reason)
		}
		w.participants(1)
		owner := w.enter(w.alice(), aliceSpace)
		w.participants(2)
		if _, err := w.alice().Refer(w.t.Context(), "sip:space-"+aliceSpace+"@paris.acme.test", "sip:202@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		b := w.take(bruno.rings(w))
		w.participants(3)
		if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err == nil {
			w.participants(3) // who is in may ask, and brings nobody
		}
		w.bye(b)
		lock(false)
		b = w.enter(bruno.Phone, aliceSpace)
		w.participants(3)
		time.Sleep(3 * time.Second)
		w.meet(a, owner, b)
		w.bye(a, owner, b)
		w.settled()
		if err := w.house.gateway.Lock(w.t.Context(), space, true); !errors.Is(err, gateway.ErrNoBridge) {
			t.Errorf("a session that is over: %v", err)
		}
	})
}
