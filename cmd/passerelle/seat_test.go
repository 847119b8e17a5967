package main

import (
	"fmt"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// crowd seats so many callers from the carrier in Alice's space.
func (w *world) crowd(carrier *softphone.Phone, n int) []*softphone.Call {
	w.t.Helper()
	var all []*softphone.Call
	for range n {
		all = append(all, w.invite(carrier, "sip:+33170001000@192.0.2.10;space="+aliceSpace, softphone.InviteOptions{}))
	}
	w.participants(n)
	return all
}

// seatsAlways proves that so many seats are taken, over and over, until stop is called.
func (w *world) seatsAlways(want int) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if got := w.house.gateway.Participants(); got != want {
				w.t.Errorf("%d seats taken, want %d at any time", got, want)
				return
			}
			select {
			case <-end:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-ended }
}

// TestAttendedTransferIntoSpace: a receptionist sits in a space and joins a caller of hers to it: the caller has her seat, whichever of
// her two calls she transfers, from the trunk or not, and when all fifteen seats are taken too.
func TestAttendedTransferIntoSpace(t *testing.T) {
	for _, by := range []string{"the call", "the seat"} {
		for _, others := range []int{1, 14} {
			for _, from := range []string{"trunk", "line", "called line"} {
				t.Run(fmt.Sprintf("by %s, %d others, %s", by, others, from), func(t *testing.T) {
					inWorld(t, func(w *world) {
						carrier := w.carrier()
						alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
						all := w.crowd(carrier.Phone, others)
						var her, his *softphone.Call
						switch from {
						case "trunk":
							call := w.dial(w.t.Context(), carrier.Phone, "sip:+33170001201@192.0.2.10", softphone.InviteOptions{})
							her = w.take(alice.rings(w))
							his = w.up(call)
						case "line":
							call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
							her = w.take(alice.rings(w))
							his = w.up(call)
						default:
							call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
							his = w.take(camille.rings(w))
							her = w.up(call)
						}
						if err := her.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
							t.Fatal(err)
						}
						seat := w.enter(alice.Phone, aliceSpace)
						w.participants(others + 1)
						time.Sleep(2 * time.Second)
						stop := w.seatsAlways(others + 1)
						asked := her
						if by == "the seat" {
							asked = seat
							if err := seat.Consult(w.t.Context(), her); err != nil {
								t.Fatal(err)
							}
						} else if err := her.Consult(w.t.Context(), seat); err != nil {
							t.Fatal(err)
						}
						w.told(asked, "200 OK")
						w.gone(her, 2*time.Second)
						w.gone(seat, 2*time.Second)
						time.Sleep(2 * time.Second)
						stop()
						w.meet(all[0], his)
						if err := his.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
							t.Fatal(err)
						}
						if err := his.Resume(w.t.Context()); err != nil {
							t.Fatal(err)
						}
						w.bye(his)
						w.participants(others)
						w.bye(all...)
					})
				})
			}
		}
	}
}

// TestAttendedTransferOutOfSpace: somebody who was called into a space asks a colleague, who takes the seat.
func TestAttendedTransferOutOfSpace(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier := w.carrier()
		bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		all := w.crowd(carrier.Phone, 14)
		w.spaceCalls("203")
		seat := w.take(camille.rings(w))
		w.participants(15)
		time.Sleep(time.Second)
		if err := seat.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		call := w.dial(w.t.Context(), camille.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		b := w.take(bruno.rings(w))
		second := w.up(call)
		stop := w.seatsAlways(15)
		if err := seat.Consult(w.t.Context(), second); err != nil {
			t.Fatal(err)
		}
		w.told(seat, "200 OK")
		w.gone(seat, 2*time.Second)
		w.gone(second, 2*time.Second)
		time.Sleep(2 * time.Second)
		stop()
		w.meet(all[3], b)
		w.bye(b)
		w.bye(all...)
	})
}

// TestTransferIntoSpaceFails leaves both calls as they were, and tells why.
func TestTransferIntoSpaceFails(t *testing.T) {
	broken := func(s string) string { return s }
	for _, by := range []string{"the call", "the seat"} {
		for _, fault := range []string{"refused", "useless answer"} {
			t.Run("by "+by+", "+fault, func(t *testing.T) {
				inWorld(t, func(w *world) {
					alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
					edit := broken
					o := softphone.InviteOptions{EditSDP: func(s string) string { return edit(s) }}
					if fault == "refused" {
						o.Refuse = 488
					}
					call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", o)
					her := w.take(alice.rings(w))
					his := w.up(call)
					seat := w.enter(alice.Phone, aliceSpace)
					w.participants(1)
					time.Sleep(time.Second)
					if fault != "refused" {
						edit = func(s string) string {
							edit = broken
							return "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
						}
					}
					asked := her
					if by == "the seat" {
						asked = seat
						if err := seat.Consult(w.t.Context(), her); err != nil {
							t.Fatal(err)
						}
					} else if err := her.Consult(w.t.Context(), seat); err != nil {
						t.Fatal(err)
					}
					w.told(asked, "488 Not Acceptable Here")
					time.Sleep(time.Second)
					w.participants(1)
					w.meet(her, his)
					b := w.enter(w.trunk(), aliceSpace)
					w.participants(2)
					w.meet(seat, b)
					w.bye(seat, b, her)
					w.gone(his, time.Second)
				})
			})
		}
	}
}

// TestTransferorLeavesSeatEarly hangs up both calls right after the REFER; the seat is held for the caller all the same.
func TestTransferorLeavesSeatEarly(t *testing.T) {
	for _, by := range []string{"the call", "the seat"} {
		t.Run("by "+by, func(t *testing.T) {
			inWorld(t, func(w *world) {
				carrier := w.carrier()
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				all := w.crowd(carrier.Phone, 14)
				call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
				her := w.take(alice.rings(w))
				his := w.up(call)
				seat := w.enter(alice.Phone, aliceSpace)
				w.participants(15)
				time.Sleep(time.Second)
				stop := w.seatsAlways(15)
				asked, other := her, seat
				if by == "the seat" {
					asked, other = seat, her
				}
				if err := asked.Consult(w.t.Context(), other); err != nil {
					t.Fatal(err)
				}
				go func() { _ = asked.Bye(w.t.Context()) }() // it may be over already
				go func() { _ = other.Bye(w.t.Context()) }()
				time.Sleep(3 * time.Second)
				stop()
				w.meet(all[0], his)
				w.bye(his)
				w.bye(all...)
			})
		})
	}
}

// TestInviteReplacesSeat moves a seat from one phone of a line to another, in a full space too (RFC 3891 §1).
func TestInviteReplacesSeat(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier := w.carrier()
		all := w.crowd(carrier.Phone, 14)
		a := w.enter(w.alice(), aliceSpace)
		w.participants(15)
		time.Sleep(time.Second)
		stop := w.seatsAlways(15)
		replaces := []softphone.Header{{Name: "Replaces", Value: a.Replaces()}, {Name: "Require", Value: "replaces"}}
		if got := w.refused(w.camille(), gatewayURI, softphone.InviteOptions{Headers: replaces}); got != 403 {
			t.Errorf("another line takes the seat: %s", statusError(got))
		}
		if got := w.refused(w.phone("+33170001201", "pA-6d1f0c"), gatewayURI, softphone.InviteOptions{Headers: replaces, NoEvents: true, EditSDP: func(string) string {
			return "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n"
		}}); got != 488 {
			t.Errorf("a phone without a common codec takes the seat: %s", statusError(got))
		}
		w.meet(all[0], a)
		desk := w.invite(w.phone("+33170001201", "pA-6d1f0c"), gatewayURI, softphone.InviteOptions{Headers: replaces})
		w.gone(a, 2*time.Second)
		time.Sleep(2 * time.Second)
		stop()
		w.meet(all[0], desk)
		w.bye(desk)
		w.bye(all...)
	})
}

// TestBlindTransferToGateway sends a caller to the attendant, and straight into a space.
func TestBlindTransferToGateway(t *testing.T) {
	t.Run("attendant", func(t *testing.T) {
		inWorld(t, func(w *world) {
			her, his := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
			if err := her.Refer(w.t.Context(), gatewayURI); err != nil {
				t.Fatal(err)
			}
			w.told(her, "200 OK")
			w.gone(her, 2*time.Second)
			w.types(his, aliceSpace+"#", softphone.DigitOptions{})
			w.participants(1)
			b := w.enter(w.trunk(), aliceSpace)
			w.participants(2)
			w.meet(his, b)
			w.bye(his, b)
		})
	})
	t.Run("who hangs up before typing", func(t *testing.T) {
		inWorld(t, func(w *world) {
			her, his := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
			if err := her.Refer(w.t.Context(), "sip:100@paris.acme.test"); err != nil {
				t.Fatal(err)
			}
			w.told(her, "200 OK")
			w.gone(her, 2*time.Second)
			w.bye(his)
		})
	})
	for target, want := range map[string]string{aliceSpace: "200 OK", "48213907753": "404 Not Found"} {
		t.Run("a space, "+want, func(t *testing.T) {
			inWorld(t, func(w *world) {
				her, his := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
				if err := her.Refer(w.t.Context(), "sip:space-"+target+"@paris.acme.test"); err != nil {
					t.Fatal(err)
				}
				w.told(her, want)
				if want != "200 OK" {
					w.meet(her, his)
					w.bye(her)
					w.gone(his, time.Second)
					return
				}
				w.gone(her, 2*time.Second)
				w.participants(1)
				w.bye(his)
			})
		})
	}
}

// TestForwardToGateway: a line forwards to the gateway number; its callers reach the attendant, and may go in.
func TestForwardToGateway(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.NoAnswer = directory.NoAnswer{Target: "100", Seconds: 10}
	inWorldOf(t, e, func(w *world) {
		bruno := w.registered("+33170001202", "pB-91aa37")
		call := w.dial(w.t.Context(), w.trunk(), "sip:+33170001202@192.0.2.10", softphone.InviteOptions{})
		bruno.rings(w).Ring(180)
		c := w.up(call)
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		w.participants(1)
		a := w.enter(w.alice(), aliceSpace)
		w.participants(2)
		time.Sleep(time.Second)
		w.meet(a, c)
		w.bye(a, c)
	})
}
