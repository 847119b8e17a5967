package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// ringing is a phone that hands every incoming call to the test.
type ringing struct {
	*softphone.Phone
	calls chan *softphone.Incoming
}

// registered opens and registers a phone that can be rung.
func (w *world) registered(user, password string, edit ...func(*softphone.Config)) *ringing {
	w.t.Helper()
	r := &ringing{calls: make(chan *softphone.Incoming, 8)}
	r.Phone = w.phone(user, password, append(edit, func(c *softphone.Config) {
		c.OnInvite = func(in *softphone.Incoming) { r.calls <- in }
	})...)
	if _, err := r.Register(w.t.Context(), time.Hour); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// rings waits for a call to arrive.
func (r *ringing) rings(w *world) *softphone.Incoming {
	w.t.Helper()
	select {
	case in := <-r.calls:
		return in
	case <-time.After(5 * time.Second):
		w.t.Fatalf("the phone does not ring\n%s", w.log.String())
		return nil
	}
}

// silent proves that a phone does not ring.
func (r *ringing) silent(w *world, d time.Duration) {
	w.t.Helper()
	select {
	case <-r.calls:
		w.t.Error("the phone rings")
	case <-time.After(d):
	}
}

// dial calls on a goroutine of its own and tells the outcome.
type outcome struct {
	call *softphone.Call
	err  error
}

func (w *world) dial(ctx context.Context, p *softphone.Phone, uri string, o softphone.InviteOptions) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		c, err := p.Invite(ctx, uri, o)
		done <- outcome{c, err}
	}()
	return done
}

// up waits for a dialled call to be answered.
func (w *world) up(done <-chan outcome) *softphone.Call {
	w.t.Helper()
	o := <-done
	if o.err != nil {
		w.t.Fatalf("call: %v\n%s", o.err, w.log.String())
	}
	return o.call
}

// status is the status that refused a dialled call.
func (w *world) status(done <-chan outcome) int {
	w.t.Helper()
	o := <-done
	if o.err == nil {
		w.t.Error("the call was answered")
		return 200
	}
	return softphone.StatusOf(o.err)
}

// take answers an incoming call.
func (w *world) take(in *softphone.Incoming) *softphone.Call {
	w.t.Helper()
	c, err := in.Answer(w.t.Context(), softphone.InviteOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// cancelled waits until a phone stops ringing.
func (w *world) cancelled(in *softphone.Incoming) {
	w.t.Helper()
	select {
	case <-in.Cancelled():
	case <-time.After(2 * time.Second):
		w.t.Error("the phone still rings")
	}
}

// TestLineCallsLine is RFC 3665 §3.1 through us: ring, answer, talk, hang up, by either side.
func TestLineCallsLine(t *testing.T) {
	for _, first := range []string{"caller", "callee"} {
		t.Run(first+" hangs up", func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				var codes []int
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) { codes = append(codes, m.Code) }})
				in := camille.rings(w)
				if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, "<sip:+33170001201@paris.acme.test>") || !strings.Contains(pai, "Alice Martin") {
					t.Errorf("P-Asserted-Identity %q", pai)
				}
				in.Ring(180)
				time.Sleep(2 * time.Second)
				c := w.take(in)
				a := w.up(call)
				if len(codes) == 0 || codes[len(codes)-1] != 180 {
					t.Errorf("provisional answers %v, want a 180", codes)
				}
				w.meet(a, c)
				if first == "caller" {
					w.bye(a)
					w.gone(c, time.Second)
				} else {
					w.bye(c)
					w.gone(a, time.Second)
				}
			})
		})
	}
}

// TestForkingRingsAllDevices rings the desk phone and the softphone of one line; the first to answer has the call, the other
// is cancelled with a Reason that shows no missed call.
func TestForkingRingsAllDevices(t *testing.T) {
	inWorld(t, func(w *world) {
		desk, app, camille := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		one, two := desk.rings(w), app.rings(w)
		one.Ring(180)
		two.Ring(180)
		time.Sleep(time.Second)
		a := w.take(two)
		c := w.up(call)
		w.cancelled(one)
		w.meet(a, c)
		w.bye(c)
	})
}

func TestForkingWithOneBusy(t *testing.T) {
	inWorld(t, func(w *world) {
		desk, app, camille := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		desk.rings(w).Refuse(486)
		c := w.take(app.rings(w))
		w.bye(w.up(call))
		w.gone(c, time.Second)

		call = w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		desk.rings(w).Refuse(486)
		app.rings(w).Refuse(480)
		if got := w.status(call); got != 486 {
			t.Errorf("busy and unavailable came to %s, want 486", statusError(got))
		}
		// A 603 of one phone speaks for the line.
		call = w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		in := app.rings(w)
		in.Ring(180) // no CANCEL leaves before a provisional answer (RFC 3261 §9.1)
		desk.rings(w).Refuse(603)
		if got := w.status(call); got != 603 {
			t.Errorf("got %s, want 603", statusError(got))
		}
		w.cancelled(in)
	})
}

// TestMissedCallsAreShown: a phone that rings no longer shows a missed call, unless somebody has answered or declined elsewhere.
func TestMissedCallsAreShown(t *testing.T) {
	for name, tt := range map[string]struct {
		end func(w *world, giveUp func(), other *softphone.Incoming)
		why string
	}{
		"caller gives up":    {func(_ *world, giveUp func(), _ *softphone.Incoming) { giveUp() }, ""},
		"nobody answers":     {func(*world, func(), *softphone.Incoming) { time.Sleep(time.Minute) }, ""},
		"answered elsewhere": {func(w *world, _ func(), other *softphone.Incoming) { w.take(other) }, `SIP;cause=200;text="Call completed elsewhere"`},
		"declined elsewhere": {func(_ *world, _ func(), other *softphone.Incoming) { other.Refuse(603) }, `SIP;cause=603;text="Decline"`},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				desk, app, camille := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				ctx, giveUp := context.WithCancel(w.t.Context())
				defer giveUp()
				call := w.dial(ctx, camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				in, other := desk.rings(w), app.rings(w)
				in.Ring(180)
				other.Ring(180)
				time.Sleep(time.Second)
				tt.end(w, giveUp, other)
				w.cancelled(in)
				if got := in.WhyCancelled(); got != tt.why {
					t.Errorf("Reason %q, want %q", got, tt.why)
				}
				if o := <-call; o.err == nil {
					w.bye(o.call)
				}
			})
		})
	}
}

func TestCallerGivesUp(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		ctx, cancel := context.WithCancel(w.t.Context())
		call := w.dial(ctx, alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		in := camille.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		cancel()
		w.cancelled(in)
		if o := <-call; o.err == nil {
			t.Error("the call was answered")
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		start := time.Now()
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		in := camille.rings(w)
		in.Ring(180)
		if got := w.status(call); got != 480 {
			t.Errorf("got %s, want 480", statusError(got))
		}
		if took := time.Since(start); took < 59*time.Second || took > 62*time.Second {
			t.Errorf("given up after %v, want a minute", took)
		}
		w.cancelled(in)
	})
}

func TestLineWithoutPhoneIsUnavailable(t *testing.T) {
	inWorld(t, func(w *world) {
		if got := w.status(w.dial(w.t.Context(), w.alice(), "sip:203@paris.acme.test", softphone.InviteOptions{})); got != 480 {
			t.Errorf("got %s, want 480", statusError(got))
		}
	})
}

// TestForwards follows each kind of forwarding once, and a ring of them until it ends.
func TestForwards(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(u *directory.User)
		refuse int // by the first phone; 0: it is not rung, -1: it rings until given up
		reason string
	}{
		{"always", func(u *directory.User) { u.Forwards.Always = "203" }, 0, "unconditional"},
		{"busy", func(u *directory.User) { u.Forwards.Busy = "203" }, 486, "user-busy"},
		{"no answer", func(u *directory.User) { u.Forwards.NoAnswer = directory.NoAnswer{Target: "203", Seconds: 10} }, -1, "no-answer"},
		{"not reachable", func(u *directory.User) { u.Forwards.NotReachable = "203" }, 500, "unavailable"},
		{"do not disturb, forwarded when busy", func(u *directory.User) { u.DND = true; u.Forwards.Busy = "203" }, 0, "user-busy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			tt.set(e.Sites[0].Users[1])
			inWorldOf(t, e, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
				switch tt.refuse {
				case 0:
					defer bruno.silent(w, time.Second)
				case -1:
					bruno.rings(w).Ring(180)
					time.Sleep(8 * time.Second)
				default:
					bruno.rings(w).Refuse(tt.refuse)
				}
				in := camille.rings(w)
				if d := in.Request().Header("Diversion"); !strings.Contains(d, "+33170001202@paris.acme.test") || !strings.Contains(d, "reason="+tt.reason) {
					t.Errorf("Diversion %q, want reason %s", d, tt.reason)
				}
				c := w.take(in)
				w.meet(w.up(call), c)
				w.bye(c)
			})
		})
	}
	t.Run("in a ring", func(t *testing.T) {
		e := sitefile.Demo()
		e.Sites[0].Users[1].Forwards.Always, e.Sites[0].Users[2].Forwards.Always = "203", "202"
		inWorldOf(t, e, func(w *world) {
			if got := w.status(w.dial(w.t.Context(), w.alice(), "sip:202@paris.acme.test", softphone.InviteOptions{})); got < 400 {
				t.Errorf("got %s, want a refusal", statusError(got))
			}
		})
	})
}

// TestTrunkIn and out: the carrier calls a line by its number, a line calls a number outside.
func TestTrunk(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier := &ringing{calls: make(chan *softphone.Incoming, 8)}
		carrier.Phone = w.phone("+33612345678", "", func(c *softphone.Config) {
			c.Local, c.Domain = trunkAddr, "carrier.test"
			c.OnInvite = func(in *softphone.Incoming) { carrier.calls <- in }
		})
		camille := w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001203@192.0.2.10", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		a := w.up(call)
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)

		call = w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		in := carrier.rings(w)
		if to := in.Request().URI; !strings.Contains(to, "+33612345678@") {
			t.Errorf("the carrier is asked for %s", to)
		}
		if pai := in.Request().Header("P-Asserted-Identity"); !strings.Contains(pai, "+33170001203") {
			t.Errorf("P-Asserted-Identity %q", pai)
		}
		in.Ring(183)
		c = w.take(in)
		a = w.up(call)
		w.meet(a, c)
		w.bye(c)
		w.gone(a, time.Second)
	})
}

// TestEmergencyWorksForEveryLine calls 112 from a line whose plan allows nothing.
func TestEmergencyWorksForEveryLine(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[2].CallingPlan = directory.CallingPlan{}
	e.Sites[0].Users[2].CLIR = true
	inWorldOf(t, e, func(w *world) {
		carrier := &ringing{calls: make(chan *softphone.Incoming, 8)}
		carrier.Phone = w.phone("112", "", func(c *softphone.Config) {
			c.Local, c.Domain = trunkAddr, "carrier.test"
			c.OnInvite = func(in *softphone.Incoming) { carrier.calls <- in }
		})
		call := w.dial(w.t.Context(), w.camille(), "sip:112@paris.acme.test", softphone.InviteOptions{})
		in := carrier.rings(w)
		if from, pai := in.Request().Header("From"), in.Request().Header("P-Asserted-Identity"); !strings.Contains(from, "+33170001203") || !strings.Contains(pai, "+33170001203") {
			t.Errorf("From %q, P-Asserted-Identity %q: help must see the number of a line that withholds it elsewhere", from, pai)
		}
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
		if got := w.status(w.dial(w.t.Context(), w.camille(), "sip:0612345678@paris.acme.test", softphone.InviteOptions{})); got != 403 {
			t.Errorf("a national call outside the plan got %s, want 403", statusError(got))
		}
	})
}

// TestHoldBetweenLines holds and resumes from both sides in every form.
func TestHoldBetweenLines(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		a := w.up(call)
		for _, form := range []softphone.HoldForm{softphone.HoldSendOnly, softphone.HoldInactive, softphone.HoldZero} {
			for _, holder := range []*softphone.Call{a, c} {
				if err := holder.Hold(w.t.Context(), form); err != nil {
					t.Fatalf("hold: %v", err)
				}
				time.Sleep(10 * time.Second)
				if err := holder.Resume(w.t.Context()); err != nil {
					t.Fatalf("resume: %v", err)
				}
				w.meet(a, c)
			}
		}
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestBothHoldAtOnce lets both sides re-INVITE in the same instant, again and again: the call converges and stays.
func TestBothHoldAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		a := w.up(call)
		for range 1000 {
			done := make(chan error, 2)
			for _, side := range []*softphone.Call{a, c} {
				go func() {
					var err error
					for range 10 { // a phone that gets 491 tries again (RFC 3261 §14.1)
						if err = side.Reinvite(w.t.Context()); softphone.StatusOf(err) != 491 {
							break
						}
						time.Sleep(time.Second)
					}
					done <- err
				}()
			}
			if err := errors.Join(<-done, <-done); err != nil {
				t.Fatal(err)
			}
		}
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}
