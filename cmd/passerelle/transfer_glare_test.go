package main

import (
	"fmt"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/softphone"
)

// insist repeats what a phone asks for until the server takes it, as RFC 3261 §14.1 wants it. Any
// goroutine may call it.
func (w *world) insist(ask func() error) {
	w.t.Helper()
	for range 10 {
		err := ask()
		switch softphone.StatusOf(err) {
		case 491, 500:
			time.Sleep(700 * time.Millisecond)
			continue
		}
		if err != nil {
			w.t.Error(err)
		}
		return
	}
	w.t.Error("never taken")
}

// TestHoldMeetsTransfer has the phones that a transfer joins hold and resume in every moment of it: what they ask and what the server
// tells them anew meet, and the call comes out right.
func TestHoldMeetsTransfer(t *testing.T) {
	for _, attended := range []bool{false, true} {
		for _, delay := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond, 200 * time.Millisecond, time.Second} {
			t.Run(fmt.Sprintf("attended %v, after %v", attended, delay), func(t *testing.T) {
				inWorld(t, func(w *world) {
					w.net.OnPacket(func(memnet.Packet) memnet.Verdict { return memnet.Verdict{Delay: 3 * time.Millisecond} })
					alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
					call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
					a := w.take(alice.rings(w))
					c := w.up(call)
					var b *softphone.Call
					if attended {
						call = w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
						b = w.take(bruno.rings(w))
						second := w.up(call)
						if err := a.Consult(w.t.Context(), second); err != nil {
							t.Fatal(err)
						}
					} else {
						if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
							t.Fatal(err)
						}
						b = w.take(bruno.rings(w))
					}
					time.Sleep(delay)
					done := make(chan struct{}, 2)
					for _, phone := range []*softphone.Call{b, c} {
						go func() {
							w.insist(func() error { return phone.Hold(w.t.Context(), softphone.HoldSendOnly) })
							w.insist(func() error { return phone.Resume(w.t.Context()) })
							done <- struct{}{}
						}()
					}
					<-done
					<-done
					w.gone(a, 10*time.Second)
					time.Sleep(5 * time.Second)
					w.meet(b, c)
					w.sees(c, brunoID)
					w.bye(c)
					w.gone(b, time.Second)
				})
			})
		}
	}
}
