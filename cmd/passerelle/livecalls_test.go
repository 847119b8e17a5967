package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/call"
	"passerelle/softphone"
)

// liveCalls tells of each call that is up: the legs by direction, line or number, state and codec.
func (w *world) liveCalls() []string {
	w.t.Helper()
	synctest.Wait()
	all := []string{}
	for _, c := range w.house.root.LiveCalls() {
		legs := []string{}
		for _, l := range c.Legs {
			legs = append(legs, strings.TrimSpace(fmt.Sprintf("%s %s%s %s %s", l.Direction, l.Name, l.Outside, l.State(), l.Codec)))
		}
		all = append(all, strings.Join(legs, ", "))
	}
	return all
}

// showsCalls fails unless the calls that are up are told like that.
func (w *world) showsCalls(want ...string) {
	w.t.Helper()
	if got := w.liveCalls(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("live calls:\n%q, want\n%q", got, want)
	}
}

// TestLiveCalls follows calls of lines, by a trunk, and to the gateway number.
func TestLiveCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		w.showsCalls()
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		made := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMA}})
		in := camille.rings(w)
		w.showsCalls("in Alice Martin trying, out Camille Roy trying")
		in.Ring(180)
		w.showsCalls("in Alice Martin ringing, out Camille Roy ringing")
		c := w.take(in)
		a := w.up(made)
		time.Sleep(time.Second)
		w.showsCalls("in Alice Martin up PCMA, out Camille Roy up PCMA")
		if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.showsCalls("in Alice Martin up PCMA, out Camille Roy held PCMA")
		seat := w.enter(w.trunk(), aliceSpace)
		w.participants(1)
		time.Sleep(time.Second)
		w.showsCalls("in Alice Martin up PCMA, out Camille Roy held PCMA", "in +33612345678 up PCMU")
		if live := w.house.root.LiveCalls()[1].Legs[0]; live.Space == "" || live.Route != "gateway" || live.Trunk == "" || live.Number != "+33170001000" {
			t.Errorf("to the gateway: %+v", live)
		}
		w.bye(a)
		w.gone(c, time.Second)
		w.bye(seat)
		w.settled()
		w.showsCalls()
	})
}

// TestEndCall ends calls that ring, that are up, and that were put together by a transfer; one for help is not ended.
func TestEndCall(t *testing.T) {
	reason := "Ended by the administrator"
	end := func(w *world, n int) error {
		w.t.Helper()
		calls := w.house.root.LiveCalls()
		if len(calls) <= n {
			w.t.Fatalf("%d calls live", len(calls))
		}
		return w.house.root.EndCall(w.t.Context(), calls[n].ID)
	}
	t.Run("rings", func(t *testing.T) {
		inWorld(t, func(w *world) {
			alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
			made := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			in := camille.rings(w)
			in.Ring(180)
			if err := end(w, 0); err != nil {
				t.Error(err)
			}
			w.cancelled(in)
			if got := w.status(made); got != 480 {
				t.Errorf("the caller is told %d", got)
			}
			w.showsCalls()
		})
	})
	t.Run("up", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
			if err := end(w, 0); err != nil {
				t.Error(err)
			}
			if got := w.gone(a, time.Second); !strings.Contains(got, reason) {
				t.Error("the caller is told", got)
			}
			w.gone(c, time.Second)
			w.showsCalls()
		})
	})
	t.Run("in a space", func(t *testing.T) {
		inWorld(t, func(w *world) {
			a := w.enter(w.alice(), aliceSpace)
			time.Sleep(time.Second)
			b := w.enter(w.camille(), aliceSpace)
			w.participants(2)
			time.Sleep(time.Second)
			if err := end(w, 0); err != nil {
				t.Error(err)
			}
			if got := w.gone(a, time.Second); !strings.Contains(got, reason) {
				t.Error("the participant is told", got)
			}
			w.participants(1)
			w.bye(b)
		})
	})
	t.Run("transferred", func(t *testing.T) {
		inWorld(t, func(w *world) {
			bruno := w.registered("+33170001202", "pB-91aa37")
			a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
			time.Sleep(time.Second)
			made := w.dial(w.t.Context(), w.phone("+33170001203", "pC-0be5d2"), "sip:202@paris.acme.test", softphone.InviteOptions{})
			b := w.take(bruno.rings(w))
			second := w.up(made)
			time.Sleep(time.Second)
			w.showsCalls("in Alice Martin up PCMU, out Camille Roy up PCMU", "in Camille Roy up PCMU, out Bruno Keller up PCMU")
			if err := c.Consult(w.t.Context(), second); err != nil {
				t.Fatal(err)
			}
			w.told(c, "200 OK")
			w.gone(second, time.Second)
			w.gone(c, time.Second)
			time.Sleep(time.Second)
			w.meet(a, b)
			w.showsCalls("in Alice Martin up PCMU, out Bruno Keller up PCMU")
			if err := end(w, 0); err != nil {
				t.Error(err)
			}
			w.gone(a, time.Second)
			w.gone(b, time.Second)
		})
	})
	t.Run("for help", func(t *testing.T) {
		inWorld(t, func(w *world) {
			carrier := w.carrier()
			made := w.dial(w.t.Context(), w.camille(), "sip:112@paris.acme.test", softphone.InviteOptions{})
			help := w.take(carrier.rings(w))
			c := w.up(made)
			if err := end(w, 0); !errors.Is(err, call.ErrCallForHelp) {
				t.Error("a call for help is ended:", err)
			}
			if err := w.house.root.EndCall(w.t.Context(), "none"); !errors.Is(err, call.ErrNoCall) {
				t.Error(err)
			}
			w.meet(c, help)
			w.bye(c)
			w.gone(help, time.Second)
		})
	})
}
