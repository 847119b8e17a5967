package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/softphone"
)

// TestReferAddsParty: a phone in a space asks it to call somebody (RFC 4579 §5.5), on the account of its own line.
func TestReferAddsParty(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[2].CallingPlan = directory.CallingPlan{Internal: true}
	inWorldOf(t, e, func(w *world) {
		bruno, carrier := w.registered("+33170001202", "pB-91aa37"), w.carrier()
		a := w.enter(w.alice(), aliceSpace)
		if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		in := bruno.rings(w)
		in.Ring(180)
		w.told(a, "180 Ringing")
		b := w.take(in)
		w.told(a, "200 OK")
		w.participants(2)
		time.Sleep(time.Second)
		w.meet(a, b)

		if err := a.Refer(w.t.Context(), "sip:0612345678@192.0.2.10"); err != nil {
			t.Fatal(err)
		}
		c := w.take(carrier.rings(w))
		w.types(c, "1", softphone.DigitOptions{})
		w.participants(3)
		w.meet(a, b, c)

		camille := w.enter(w.camille(), aliceSpace)
		if err := camille.Refer(w.t.Context(), "sip:0612345678@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(camille, "403 Forbidden")
		if err := c.Refer(w.t.Context(), "sip:202@paris.acme.test"); softphone.StatusOf(err) != 403 {
			t.Errorf("a guest outside has the space call somebody: %v", err)
		}
		carrier.silent(w, time.Second)
		w.bye(a, b, c, camille)
	})
}

// TestReferInFullSpace hands the seat of who asks over, or leaves it.
func TestReferInFullSpace(t *testing.T) {
	for _, want := range []string{"200 OK", "486 Busy Here"} {
		t.Run(want, func(t *testing.T) {
			inWorld(t, func(w *world) {
				carrier, bruno := w.carrier(), w.registered("+33170001202", "pB-91aa37")
				all := w.crowd(carrier.Phone, 14)
				a := w.enter(w.alice(), aliceSpace)
				w.participants(15)
				time.Sleep(time.Second)
				stop := w.seatsAlways(15)
				if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
					t.Fatal(err)
				}
				in := bruno.rings(w)
				in.Ring(180)
				time.Sleep(time.Second)
				w.meet(all[0], a)
				if want != "200 OK" {
					in.Refuse(486)
					w.told(a, want)
					stop()
					w.meet(all[0], a)
					w.bye(a)
					w.bye(all...)
					return
				}
				b := w.take(in)
				w.told(a, want)
				w.gone(a, 2*time.Second)
				time.Sleep(2 * time.Second)
				stop()
				w.meet(all[0], b)
				w.bye(b)
				w.bye(all...)
			})
		})
	}
}

// TestRemovedWhileHandedOver ends the bridge while a seat is being handed over.
func TestRemovedWhileHandedOver(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier, bruno := w.carrier(), w.registered("+33170001202", "pB-91aa37")
		all := w.crowd(carrier.Phone, 14)
		a := w.enter(w.alice(), aliceSpace)
		w.participants(15)
		time.Sleep(time.Second)
		if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		in := bruno.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		if err := w.house.gateway.EndBridge(w.t.Context(), w.aliceRef()); err != nil {
			t.Fatal(err)
		}
		for _, c := range append(all, a) {
			w.gone(c, time.Second)
		}
		late := w.take(in) // who answers all the same is turned away
		if reason := w.gone(late, time.Second); !strings.Contains(reason, "Removed from the space") {
			t.Errorf("Reason %q, want that of a removal", reason)
		}
		w.participants(0)
		if o := w.house.gateway.Outcalls(w.aliceRef()); len(o) != 0 {
			t.Errorf("calls of the space: %+v", []gateway.OutcallInfo(o))
		}
	})
}

// TestBridgeEndsBeforeSomebodySits ends a bridge whose only participant has been answered just now and does not sit yet.
func TestBridgeEndsBeforeSomebodySits(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.enter(w.alice(), aliceSpace)
		if err := w.house.gateway.EndBridge(w.t.Context(), w.aliceRef()); err != nil {
			t.Fatal(err)
		}
		if reason := w.gone(c, time.Second); !strings.Contains(reason, "cause=200") {
			t.Errorf("Reason %q, want that of a removal", reason)
		}
		w.participants(0)
	})
}
