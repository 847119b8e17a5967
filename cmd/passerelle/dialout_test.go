package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/media/prompts"
	"passerelle/sip"
	"passerelle/softphone"
)

// aliceRef is the ref of Alice's space.
func (w *world) aliceRef() string {
	u, _ := w.live.Current().UserByNumber("+33170001201")
	return directory.SpaceRef(u.Ref)
}

// spaceCalls has Alice's space call somebody.
func (w *world) spaceCalls(to string) gateway.OutcallInfo {
	w.t.Helper()
	o, err := w.house.gateway.Call(w.t.Context(), w.aliceRef(), to)
	if err != nil {
		w.t.Fatalf("call %q out of the space: %v", to, err)
	}
	return o
}

// outcall waits until a call of Alice's space is in a state.
func (w *world) outcall(id string, want gateway.OutcallState) gateway.OutcallInfo {
	w.t.Helper()
	var got gateway.OutcallInfo
	for range 4800 {
		for _, o := range w.house.gateway.Outcalls(w.aliceRef()) {
			if o.ID == id {
				got = o
			}
		}
		if got.State == want {
			return got
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("the call is %+v, want %s\n%s", got, want, w.log.String())
	return got
}

// TestSpaceCallsItsOwner is the button of "My Space": the owner's phones ring with the gateway's number, and who answers is in.
func TestSpaceCallsItsOwner(t *testing.T) {
	inWorld(t, func(w *world) {
		desk, app := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0")
		b := w.enter(w.camille(), aliceSpace)
		o := w.spaceCalls("")
		in, other := desk.rings(w), app.rings(w)
		for _, name := range []string{"From", "P-Asserted-Identity"} {
			if v := in.Request().Header(name); !strings.Contains(v, "<sip:+33170001000@paris.acme.test>") || !strings.Contains(v, "Alice Martin") {
				t.Errorf("%s: %s", name, v)
			}
		}
		in.Ring(180)
		other.Ring(180)
		w.outcall(o.ID, gateway.OutcallRinging)
		a := w.take(in)
		w.cancelled(other)
		w.outcall(o.ID, gateway.OutcallIn)
		w.participants(2)
		w.meet(a, b)
		if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		if err := a.Resume(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.meet(a, b)
		w.bye(a)
		w.outcall(o.ID, gateway.OutcallEnded)
		w.participants(1)
		w.bye(b)
	})
}

// TestSpaceCallsOutside reaches a person by the trunk with the gateway's number, who is in after pressing 1.
func TestSpaceCallsOutside(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Trunks[0].CallerID = directory.CallerIDSite
	e.Sites[0].Numbers = append([]directory.Number{"+33170001009"}, e.Sites[0].Numbers...)
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		b := w.enter(w.camille(), aliceSpace)
		o := w.spaceCalls("06 12 34 56 78")
		in := carrier.rings(w)
		if to := in.Request().URI; !strings.Contains(to, "+33612345678@") {
			t.Errorf("the carrier is asked for %s", to)
		}
		if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, "sip:+33170001000@") {
			t.Errorf("P-Asserted-Identity %q, want the gateway's number", pai)
		}
		in.Ring(183)
		w.outcall(o.ID, gateway.OutcallRinging)
		c := w.take(in)
		w.outcall(o.ID, gateway.OutcallConfirming)
		c.Tone(1000)
		time.Sleep(2500 * time.Millisecond)
		w.speaks(c, 2500*time.Millisecond, "fr", prompts.Confirm)
		if level := b.Heard(time.Second).Level(1000); level > -45 {
			t.Errorf("the space hears who has not confirmed at %.0f dB", level)
		}
		if err := c.SendDigits(w.t.Context(), "21", softphone.DigitOptions{}); err != nil {
			t.Fatal(err)
		}
		w.outcall(o.ID, gateway.OutcallIn)
		time.Sleep(time.Second)
		w.meet(b, c)
		if n := w.house.limits.Channels.Calls(w.live.Current().Sites()[0].Trunks[0]); n != 1 {
			t.Errorf("%d channels in use, want 1", n)
		}
		w.bye(c)
		w.outcall(o.ID, gateway.OutcallEnded)
		w.bye(b)
		w.settled()
		if n := w.house.limits.Channels.Calls(w.live.Current().Sites()[0].Trunks[0]); n != 0 {
			t.Errorf("%d channels left in use", n)
		}
		records, err := w.journal.Latest(10, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Trunk != "" && (r.User != "+33170001201" || r.Space != o.Space || r.Number != "+33170001000" || r.Answer.IsZero() || r.End.IsZero()) {
				t.Errorf("record of the call outside: %+v", r)
			}
		}
	})
}

// TestSpaceCallFails tells the true outcome of each way in which nobody comes, and keeps no seat.
func TestSpaceCallFails(t *testing.T) {
	for _, tt := range []struct {
		name, to string
		answer   func(w *world, in *softphone.Incoming)
		code     int
		within   time.Duration
	}{
		{"busy", "0612345678", func(_ *world, in *softphone.Incoming) { in.Refuse(486) }, 486, time.Second},
		{"declined", "0612345678", func(_ *world, in *softphone.Incoming) { in.Refuse(603) }, 603, time.Second},
		{"no answer", "0612345678", func(_ *world, in *softphone.Incoming) { in.Ring(180) }, 480, 185 * time.Second},
		{"voice mail", "0612345678", func(w *world, in *softphone.Incoming) { w.gone(w.take(in), 40*time.Second) }, 480, 40 * time.Second},
		{"nobody's phone", "203", nil, 480, time.Second},
		{"trunk down", "0612345678", nil, 408, 40 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var carrier *ringing
				if tt.answer != nil {
					carrier = w.carrier()
				}
				start := time.Now()
				o := w.spaceCalls(tt.to)
				if tt.answer != nil {
					tt.answer(w, carrier.rings(w))
				}
				got := w.outcall(o.ID, gateway.OutcallFailed)
				if got.Code != tt.code || got.Reason == "" {
					t.Errorf("told %d %q, want %d", got.Code, got.Reason, tt.code)
				}
				if took := time.Since(start); took > tt.within {
					t.Errorf("told after %v, want within %v", took, tt.within)
				}
				w.participants(0)
				if again, err := w.house.gateway.RetryOutcall(w.t.Context(), w.aliceRef(), o.ID); err != nil || again.ID == o.ID {
					t.Errorf("called again: %+v, %v", again, err)
				} else if err := w.house.gateway.EndOutcall(w.t.Context(), w.aliceRef(), again.ID); err != nil {
					t.Errorf("not cancelled: %v", err)
				}
			})
		})
	}
}

// TestSpaceCallRefused says at once why a call is not made, and makes none.
func TestSpaceCallRefused(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[0].Limits.PerMinute = 1
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		for to, want := range map[string]int{
			"0012125550123": 403, "112": 403, "100": 403, "sip:space-" + brunoSpace + "@paris.acme.test": 403, "voicemail": 403, "*21203": 404, "299": 404, "12": 484,
		} {
			_, err := w.house.gateway.Call(w.t.Context(), w.aliceRef(), to)
			if code, _ := sip.StatusOf(err); err == nil || code != want {
				t.Errorf("%s: %v, want %d", to, err, want)
			}
		}
		o := w.spaceCalls("0612345678")
		carrier.rings(w).Refuse(486)
		w.outcall(o.ID, gateway.OutcallFailed)
		if _, err := w.house.gateway.Call(w.t.Context(), w.aliceRef(), "0612345678"); err == nil || !strings.Contains(err.Error(), "per_minute") {
			t.Errorf("the second call of a minute: %v", err)
		}
		if _, err := w.house.gateway.Call(w.t.Context(), "space-999", ""); !errors.Is(err, gateway.ErrUnknownSpace) {
			t.Errorf("unknown space: %v", err)
		}
		dana, _ := w.live.Current().UserByNumber("+15145550201")
		if _, err := w.house.gateway.Call(w.t.Context(), directory.SpaceRef(dana.Ref), ""); !errors.Is(err, gateway.ErrUnassigned) {
			t.Errorf("site without a number: %v", err)
		}
		carrier.silent(w, time.Second)
	})
}

// TestSpaceCallCancelled takes a call back at each stage.
func TestSpaceCallCancelled(t *testing.T) {
	for _, stage := range []gateway.OutcallState{gateway.OutcallCalling, gateway.OutcallRinging, gateway.OutcallConfirming, gateway.OutcallIn} {
		t.Run(string(stage), func(t *testing.T) {
			inWorld(t, func(w *world) {
				carrier := w.carrier()
				o := w.spaceCalls("0612345678")
				in := carrier.rings(w)
				var c *softphone.Call
				if stage != gateway.OutcallCalling {
					in.Ring(180)
					w.outcall(o.ID, gateway.OutcallRinging)
				}
				if stage == gateway.OutcallConfirming || stage == gateway.OutcallIn {
					c = w.take(in)
					w.outcall(o.ID, gateway.OutcallConfirming)
				}
				if stage == gateway.OutcallIn {
					time.Sleep(time.Second)
					if err := c.SendDigits(w.t.Context(), "1", softphone.DigitOptions{}); err != nil {
						t.Fatal(err)
					}
					w.outcall(o.ID, gateway.OutcallIn)
				}
				ended := make(chan error, 1)
				go func() { ended <- w.house.gateway.EndOutcall(w.t.Context(), w.aliceRef(), o.ID) }()
				synctest.Wait()
				if stage == gateway.OutcallCalling {
					in.Ring(180) // no CANCEL leaves before a provisional answer (RFC 3261 §9.1)
				}
				if c == nil {
					w.cancelled(in)
				} else {
					w.gone(c, time.Second)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
				want := gateway.OutcallCancelled
				if stage == gateway.OutcallIn {
					want = gateway.OutcallEnded
				}
				w.outcall(o.ID, want)
				w.participants(0)
			})
		})
	}
}

// TestSpaceCallFollowsForwards rings where the line forwards to; outside, that asks for the key too.
func TestSpaceCallFollowsForwards(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[2].Forwards.Always = "0612345678"
	inWorldOf(t, e, func(w *world) {
		carrier := w.carrier()
		o := w.spaceCalls("203")
		c := w.take(carrier.rings(w))
		w.outcall(o.ID, gateway.OutcallConfirming)
		w.bye(c)
		if got := w.outcall(o.ID, gateway.OutcallFailed); got.Code != 480 {
			t.Errorf("hung up without a key: %d", got.Code)
		}
	})
}

// TestBridgeEndsWithItsCalls ends a bridge while somebody is called into it: nobody comes after the end.
func TestBridgeEndsWithItsCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		b := w.enter(w.alice(), aliceSpace)
		o := w.spaceCalls("203")
		in := camille.rings(w)
		in.Ring(180)
		w.outcall(o.ID, gateway.OutcallRinging)
		w.participants(2)
		ended := make(chan error, 1)
		go func() { ended <- w.house.gateway.EndBridge(w.t.Context(), w.aliceRef()) }()
		w.cancelled(in)
		w.gone(b, time.Second)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.outcall(o.ID, gateway.OutcallCancelled)
		w.participants(0)
	})
}
