package main

import (
	"testing"
	"time"

	"passerelle/softphone"
)

// TestTransferTable takes each kind of transfer through each end that it may have: the outcome is told as it is, and whoever is
// left is with whom it should be.
func TestTransferTable(t *testing.T) {
	type stage struct {
		w               *world
		alice           *ringing
		bruno           *ringing
		asker, referee  *softphone.Call
		second, consult *softphone.Call // of the asker and of Bruno, of an attended transfer
	}
	ask := func(s *stage) error {
		if s.second != nil {
			return s.asker.Consult(s.w.t.Context(), s.second)
		}
		return s.asker.Refer(s.w.t.Context(), "sip:202@paris.acme.test")
	}
	talk := func(s *stage, target *softphone.Call) {
		s.w.gone(s.asker, 3*time.Second)
		if s.second != nil {
			s.w.gone(s.second, 3*time.Second)
		}
		time.Sleep(time.Second)
		s.w.meet(s.referee, target)
		s.w.bye(target)
		s.w.gone(s.referee, time.Second)
	}
	asBefore := func(s *stage) {
		if err := s.asker.Resume(s.w.t.Context()); err != nil {
			s.w.t.Fatal(err)
		}
		s.w.meet(s.asker, s.referee)
		s.w.bye(s.asker)
		s.w.gone(s.referee, time.Second)
	}
	for _, tt := range []struct {
		name     string
		attended bool
		run      func(s *stage)
	}{
		{"blind, answered", false, func(s *stage) {
			b := s.w.take(s.bruno.rings(s.w))
			s.w.told(s.asker, "200 OK")
			talk(s, b)
		}},
		{"blind, busy", false, func(s *stage) {
			s.bruno.rings(s.w).Refuse(486)
			s.w.told(s.asker, "486 Busy Here")
			asBefore(s)
		}},
		{"blind, not answered", false, func(s *stage) {
			in := s.bruno.rings(s.w)
			in.Ring(180)
			s.w.told(s.asker, "180 Ringing")
			time.Sleep(time.Minute)
			s.w.told(s.asker, "480 Temporarily Unavailable")
			s.w.cancelled(in)
			asBefore(s)
		}},
		{"blind, who asked leaves", false, func(s *stage) {
			in := s.bruno.rings(s.w)
			s.w.bye(s.asker)
			time.Sleep(5 * time.Second)
			talk(s, s.w.take(in))
		}},
		{"blind, who was to be transferred leaves", false, func(s *stage) {
			in := s.bruno.rings(s.w)
			in.Ring(180)
			time.Sleep(time.Second)
			s.w.bye(s.referee)
			s.w.told(s.asker, "487 Request Terminated")
			s.w.gone(s.asker, 2*time.Second)
			s.w.cancelled(in)
		}},
		{"blind, the target leaves at once", false, func(s *stage) {
			b := s.w.take(s.bruno.rings(s.w))
			s.w.told(s.asker, "200 OK")
			s.w.bye(b)
			s.w.gone(s.referee, 2*time.Second)
			s.w.gone(s.asker, 2*time.Second)
		}},
		{"attended, answered", true, func(s *stage) {
			s.w.told(s.asker, "200 OK")
			talk(s, s.consult)
		}},
		{"attended, who asked leaves both", true, func(s *stage) {
			s.w.bye(s.asker) // its second leg is the server's to end
			talk(s, s.consult)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := &stage{w: w, alice: w.registered("alice-app", "sA-44c1d0"), bruno: w.registered("+33170001202", "pB-91aa37")}
				camille := w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				s.asker = w.take(s.alice.rings(w))
				s.referee = w.up(call)
				if err := s.asker.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if tt.attended {
					call = w.dial(w.t.Context(), s.alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
					s.consult = w.take(s.bruno.rings(w))
					s.second = w.up(call)
					if err := s.second.Hold(w.t.Context(), softphone.HoldInactive); err != nil {
						t.Fatal(err)
					}
				}
				if err := ask(s); err != nil {
					t.Fatal(err)
				}
				tt.run(s)
			})
		})
	}
	t.Run("attended, the target has left", func(t *testing.T) {
		inWorld(t, func(w *world) {
			alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
			call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
			asker := w.take(alice.rings(w))
			referee := w.up(call)
			call = w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
			target := w.take(bruno.rings(w))
			second := w.up(call)
			w.bye(target)
			w.gone(second, time.Second)
			time.Sleep(time.Minute)
			if err := asker.Consult(w.t.Context(), second); err != nil {
				t.Fatal(err)
			}
			w.told(asker, "481 Call/Transaction Does Not Exist")
			w.meet(asker, referee)
			w.bye(asker)
			w.gone(referee, time.Second)
		})
	})
}
