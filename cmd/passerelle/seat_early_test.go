package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// TestTransferToLineThatForwardsToGateway: whoever is transferred to a line that forwards its calls to the gateway comes to the
// attendant, whether the line forwards at once or what rang for the asker already.
func TestTransferToLineThatForwardsToGateway(t *testing.T) {
	t.Run("blind", func(t *testing.T) {
		for _, leaves := range []bool{false, true} {
			e := sitefile.Demo()
			e.Sites[0].Users[2].Forwards.Always = "+33170001000"
			inWorldOf(t, e, func(w *world) {
				bruno, alice := w.registered("+33170001202", "pB-91aa37"), w.registered("alice-app", "sA-44c1d0")
				call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				her := w.take(alice.rings(w))
				his := w.up(call)
				if err := her.Refer(w.t.Context(), "sip:203@paris.acme.test"); err != nil {
					t.Fatal(err)
				}
				if leaves {
					w.bye(her)
				} else {
					w.told(her, "200 OK")
					w.gone(her, 2*time.Second)
				}
				w.types(his, aliceSpace+"#", softphone.DigitOptions{})
				w.participants(1)
				w.bye(his)
			})
		}
	})
	t.Run("before the answer", func(t *testing.T) {
		e := sitefile.Demo()
		e.Sites[0].Users[2].Forwards.Busy = "+33170001000"
		inWorldOf(t, e, func(w *world) {
			s := w.semiAttended(softphone.InviteOptions{})
			if err := s.refer(w, s.her); err != nil {
				t.Fatal(err)
			}
			w.told(s.her, "180 Ringing")
			s.in.Refuse(486)
			w.told(s.her, "200 OK")
			w.gone(s.her, 2*time.Second)
			if got := w.status(s.second); got < 400 {
				t.Errorf("the asker's second call ends with %s", statusError(got))
			}
			w.types(s.his, aliceSpace+"#", softphone.DigitOptions{})
			w.participants(1)
			w.bye(s.his)
		})
	})
}

// TestSemiAttendedOutOfSeat: somebody in a full space calls a colleague and hands the seat over while it rings there. The seat is kept
// until the answer, and stays with its owner when there is none.
func TestSemiAttendedOutOfSeat(t *testing.T) {
	for _, tt := range []struct {
		name     string
		leaves   bool // who asks hangs up both its calls
		answered bool
	}{{"answered", false, true}, {"who asks has left", true, true}, {"busy", false, false}, {"busy, who asks has left", true, false}} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				carrier, alice, camille := w.carrier(), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				all := w.crowd(carrier.Phone, 14)
				seat := w.enter(alice.Phone, aliceSpace)
				w.participants(15)
				time.Sleep(time.Second)
				var dialog string
				ctx, giveUp := context.WithCancel(w.t.Context())
				defer giveUp()
				second := w.dial(ctx, alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) {
					if m.Code > 100 {
						dialog = fmt.Sprintf("%s;to-tag=%s;from-tag=%s", m.Header("Call-ID"), tagOf(m.Header("To")), tagOf(m.Header("From")))
					}
				}})
				in := camille.rings(w)
				in.Ring(180)
				time.Sleep(time.Second)
				synctest.Wait()
				stop := w.seatsAlways(15)
				if err := seat.Refer(w.t.Context(), "sip:203@paris.acme.test?Replaces="+url.QueryEscape(dialog)); err != nil {
					t.Fatal(err)
				}
				w.told(seat, "180 Ringing")
				if tt.leaves {
					giveUp()
					w.bye(seat)
				}
				time.Sleep(20 * time.Second)
				if !tt.answered {
					stop()
					in.Refuse(486)
					if tt.leaves {
						w.participants(14)
					} else {
						w.told(seat, "486 Busy Here")
						time.Sleep(time.Second)
						w.meet(all[0], seat)
						w.bye(seat)
					}
					<-second
					w.bye(all...)
					return
				}
				c := w.take(in)
				if !tt.leaves {
					w.told(seat, "200 OK")
					w.gone(seat, 2*time.Second)
				}
				<-second
				time.Sleep(2 * time.Second)
				stop()
				w.meet(all[0], c)
				w.bye(c)
				w.participants(14)
				w.bye(all...)
			})
		})
	}
}

// TestRemovedWhileTheSeatWaits removes somebody whose seat waits for a colleague's answer: the colleague is turned away and hears why.
func TestRemovedWhileTheSeatWaits(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		other := w.enter(w.registered("+33170001202", "pB-91aa37").Phone, aliceSpace)
		seat := w.enter(alice.Phone, aliceSpace)
		w.participants(2)
		time.Sleep(time.Second)
		var dialog string
		second := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) {
			if m.Code > 100 {
				dialog = fmt.Sprintf("%s;to-tag=%s;from-tag=%s", m.Header("Call-ID"), tagOf(m.Header("To")), tagOf(m.Header("From")))
			}
		}})
		in := camille.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := seat.Refer(w.t.Context(), "sip:203@paris.acme.test?Replaces="+url.QueryEscape(dialog)); err != nil {
			t.Fatal(err)
		}
		w.told(seat, "180 Ringing")
		for _, b := range w.house.gateway.Bridges() {
			for _, p := range b.Participants {
				if p.CallID == seat.CallID() {
					if err := w.house.gateway.Remove(w.t.Context(), b.Space, p.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		w.gone(seat, time.Second)
		late := w.take(in)
		<-second
		if reason := w.gone(late, 2*time.Second); !strings.Contains(reason, "Removed from the space") {
			t.Errorf("Reason %q, want that of a removal", reason)
		}
		w.participants(1)
		w.bye(other)
	})
}
