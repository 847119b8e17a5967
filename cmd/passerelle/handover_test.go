package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// tagOf is the tag of a From or To value.
func tagOf(v string) string {
	_, tag, _ := strings.Cut(v, ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

// semiAttended is the stage before a transfer: Alice has Bruno on hold, and Camille's phone rings for her.
type semiAttended struct {
	bruno, camille *ringing
	his, her       *softphone.Call
	second         <-chan outcome
	in             *softphone.Incoming // at Camille's
	hangUp         func()              // Alice gives her second call up
	dialog         string              // of the second call, as Alice knows it
}

// refer asks for the transfer, by either phone of the first call.
func (s *semiAttended) refer(w *world, by *softphone.Call) error {
	return by.Refer(w.t.Context(), "sip:203@paris.acme.test?Replaces="+url.QueryEscape(s.dialog))
}

func (w *world) semiAttended(o softphone.InviteOptions) *semiAttended {
	w.t.Helper()
	s := &semiAttended{bruno: w.registered("+33170001202", "pB-91aa37"), camille: w.registered("+33170001203", "pC-0be5d2")}
	alice := w.registered("alice-app", "sA-44c1d0")
	call := w.dial(w.t.Context(), s.bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
	s.her = w.take(alice.rings(w))
	s.his = w.up(call)
	if err := s.her.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
		w.t.Fatal(err)
	}
	o.OnProvisional = func(m *softphone.Message) {
		if m.Code > 100 {
			s.dialog = fmt.Sprintf("%s;to-tag=%s;from-tag=%s", m.Header("Call-ID"), tagOf(m.Header("To")), tagOf(m.Header("From")))
		}
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	s.hangUp = cancel
	s.second = w.dial(ctx, alice.Phone, "sip:203@paris.acme.test", o)
	s.in = s.camille.rings(w)
	s.in.Ring(180)
	time.Sleep(time.Second)
	synctest.Wait()
	return s
}

// TestTransferBeforeAnswer joins two parties when the second one has not answered yet: whether who transfers stays to see it, gives
// the second call up, or leaves both.
func TestTransferBeforeAnswer(t *testing.T) {
	late := softphone.InviteOptions{DelayedOffer: true}
	for _, tt := range []struct {
		name   string
		leaves func(w *world, s *semiAttended)
		offer  softphone.InviteOptions
		direct bool
	}{
		{"who transfers stays", func(*world, *semiAttended) {}, softphone.InviteOptions{}, false},
		{"gives the second call up", func(_ *world, s *semiAttended) { s.hangUp() }, softphone.InviteOptions{}, false},
		{"leaves both", func(w *world, s *semiAttended) { s.hangUp(); w.bye(s.her) }, softphone.InviteOptions{}, false},
		{"media from phone to phone", func(*world, *semiAttended) {}, softphone.InviteOptions{}, true},
		{"second call without offer", func(*world, *semiAttended) {}, late, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].DirectMedia = tt.direct
			inWorldOf(t, e, func(w *world) {
				s := w.semiAttended(tt.offer)
				if err := s.refer(w, s.her); err != nil {
					t.Fatal(err)
				}
				w.told(s.her, "180 Ringing")
				tt.leaves(w, s)
				time.Sleep(2 * time.Second)
				select {
				case <-s.in.Cancelled():
					t.Fatal("the phone rings no longer")
				default:
				}
				c := w.take(s.in)
				w.gone(s.her, 2*time.Second)
				if tt.name == "who transfers stays" {
					w.told(s.her, "200 OK")
				}
				if got := w.status(s.second); got != 487 && got != 0 {
					t.Errorf("the second call got %s, want 487", statusError(got))
				}
				time.Sleep(2 * time.Second)
				w.meet(s.his, c)
				w.sees(s.his, camilleID)
				w.sees(c, brunoID)
				if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := c.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(s.his, c)
				w.bye(c)
				w.gone(s.his, time.Second)
			})
		})
	}
}

// TestTransferBeforeAnswerFails leaves the first call as it was when the second one is not answered, and ends it when nobody is
// left in it.
func TestTransferBeforeAnswerFails(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(w *world, s *semiAttended)
		told   string
	}{
		{"busy", func(_ *world, s *semiAttended) { s.in.Refuse(486) }, "486 Busy Here"},
		{"no answer", func(*world, *semiAttended) { time.Sleep(time.Minute) }, "480 Temporarily Unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := w.semiAttended(softphone.InviteOptions{})
				if err := s.refer(w, s.her); err != nil {
					t.Fatal(err)
				}
				w.told(s.her, "180 Ringing")
				tt.happen(w, s)
				w.told(s.her, tt.told)
				if got := w.status(s.second); got < 480 {
					t.Errorf("the second call got %s", statusError(got))
				}
				if err := s.her.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(s.her, s.his)
				w.bye(s.her)
				w.gone(s.his, time.Second)
			})
		})
	}
	t.Run("who was to be transferred hangs up", func(t *testing.T) {
		inWorld(t, func(w *world) {
			s := w.semiAttended(softphone.InviteOptions{})
			if err := s.refer(w, s.her); err != nil {
				t.Fatal(err)
			}
			w.told(s.her, "180 Ringing")
			w.bye(s.his)
			w.gone(s.her, time.Second)
			w.cancelled(s.in)
			if got := w.status(s.second); got < 480 {
				t.Errorf("the second call got %s", statusError(got))
			}
		})
	})
}

// TestTransferBeforeAnswerOfAnother refuses to hand over what rings for somebody else.
func TestTransferBeforeAnswerOfAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.semiAttended(softphone.InviteOptions{})
		if err := s.refer(w, s.his); err != nil {
			t.Fatal(err)
		}
		w.told(s.his, "403 Forbidden")
		s.hangUp()
		w.cancelled(s.in)
		<-s.second
		w.bye(s.his)
		w.gone(s.her, time.Second)
	})
}

// TestTransferRightAfterAnswer refers to a call in the moment in which it is answered.
func TestTransferRightAfterAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.semiAttended(softphone.InviteOptions{})
		c := w.take(s.in)
		if err := s.refer(w, s.her); err != nil {
			t.Fatal(err)
		}
		w.told(s.her, "200 OK")
		if o := <-s.second; o.err == nil { // else the REFER was the quicker one
			w.gone(o.call, 2*time.Second)
		}
		w.gone(s.her, 2*time.Second)
		time.Sleep(time.Second)
		w.meet(s.his, c)
		w.bye(c)
		w.gone(s.his, time.Second)
	})
}

// TestTransferBeforeAnswerKeepsLimits counts the call to the outside against who made it, until it ends.
func TestTransferBeforeAnswerKeepsLimits(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[0].Limits = directory.Limits{SimultaneousExternal: 1}
	e.Sites[0].Users[2].Forwards.Always = ""
	inWorldOf(t, e, func(w *world) {
		carrier, alice, camille := w.carrier(), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		her := w.take(alice.rings(w))
		his := w.up(call)
		var dialog string
		second := w.dial(w.t.Context(), alice.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) {
			dialog = fmt.Sprintf("%s;to-tag=%s;from-tag=%s", m.Header("Call-ID"), tagOf(m.Header("To")), tagOf(m.Header("From")))
		}})
		in := carrier.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := her.Refer(w.t.Context(), "sip:0612345678@paris.acme.test?Replaces="+url.QueryEscape(dialog)); err != nil {
			t.Fatal(err)
		}
		w.told(her, "180 Ringing")
		out := w.take(in)
		w.status(second)
		w.gone(her, 2*time.Second)
		if use := w.house.limits.Fraud.Use(w.live.Current().Sites()[0].Users[0]); use.Up != 1 {
			t.Errorf("%d calls outside up, want 1", use.Up)
		}
		time.Sleep(time.Second)
		w.meet(his, out)
		w.bye(out)
		w.gone(his, time.Second)
		time.Sleep(time.Second)
		if use := w.house.limits.Fraud.Use(w.live.Current().Sites()[0].Users[0]); use.Up != 0 {
			t.Errorf("%d calls outside up after the end", use.Up)
		}
	})
}
