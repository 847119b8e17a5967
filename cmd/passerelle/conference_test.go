package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/softphone"
)

const conferenceURI = "sip:conference@paris.acme.test"

// TestConferenceKey is what a desk phone does with its conference key: it has two calls, calls the conference URI, and brings both in,
// by REFER with Replaces to the focus, or by REFER of each call to the focus or to the conference URI. All three hear each other, and
// the last one left is not kept waiting.
func TestConferenceKey(t *testing.T) {
	for _, way := range []string{"REFER to the focus", "REFER of the calls to the focus", "REFER of the calls to the conference"} {
		for _, by := range []string{conferenceURI, "sip:*33@paris.acme.test"} {
			t.Run(way+", "+by, func(t *testing.T) {
				inWorld(t, func(w *world) {
					alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
					call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
					b := w.take(bruno.rings(w))
					one := w.up(call)
					if err := one.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					call = w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
					two := w.take(alice.rings(w))
					c := w.up(call)
					if err := two.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					seat := w.invite(alice.Phone, by, softphone.InviteOptions{})
					if seat.Focus() == "" {
						t.Error("the Contact has no isfocus")
					}
					w.participants(1)
					for i, other := range []*softphone.Call{one, two} {
						var err error
						asked := other
						switch way {
						case "REFER to the focus":
							asked, err = seat, seat.Consult(w.t.Context(), other)
						case "REFER of the calls to the focus":
							err = other.Refer(w.t.Context(), seat.Focus())
						default:
							err = other.Refer(w.t.Context(), by)
						}
						if err != nil {
							t.Fatal(err)
						}
						w.told(asked, "200 OK")
						w.participants(2 + i)
						w.gone(other, 2*time.Second)
					}
					time.Sleep(2 * time.Second)
					w.meet(seat, b, c)
					if bridges := w.house.gateway.Bridges(); len(bridges) != 1 || !strings.HasPrefix(bridges[0].Space, "conference-") || bridges[0].Owner != "Alice Martin" {
						t.Errorf("bridges: %+v", bridges)
					}
					w.bye(seat)
					w.participants(2)
					time.Sleep(time.Second)
					w.meet(b, c)
					w.bye(b)
					w.gone(c, time.Second)
				})
			})
		}
	}
}

// TestConferenceIsForLines keeps trunks out, and whoever opens one alone may stay alone.
func TestConferenceIsForLines(t *testing.T) {
	inWorld(t, func(w *world) {
		if got := w.refused(w.trunk(), "sip:conference@192.0.2.10", softphone.InviteOptions{}); got != 404 {
			t.Errorf("a trunk opens a conference: %s", statusError(got))
		}
		a := w.invite(w.alice(), conferenceURI, softphone.InviteOptions{})
		time.Sleep(2 * time.Minute)
		w.participants(1)
		w.bye(a)
	})
}

// TestReferOutsideCalls: an app of a line asks by REFER, without a call of its own, to be called into its space, or to have somebody
// called into the space of an ID (RFC 4579 §5.5). It is told the outcome.
func TestReferOutsideCalls(t *testing.T) {
	outcome := func(w *world, s *softphone.Subscription) string {
		w.t.Helper()
		last := ""
		for {
			m, err := s.Next(w.t.Context())
			if err != nil {
				return last
			}
			last, _, _ = strings.Cut(string(m.Body), "\r\n")
		}
	}
	inWorld(t, func(w *world) {
		alice, bruno := w.registered("+33170001201", "pA-6d1f0c"), w.registered("+33170001202", "pB-91aa37")
		app := w.alice()
		s, err := app.Refer(w.t.Context(), gatewayURI, "sip:201@paris.acme.test")
		if err != nil {
			t.Fatal(err)
		}
		a := w.take(alice.rings(w))
		if got := outcome(w, s); got != "SIP/2.0 200 OK" {
			t.Errorf("called into one's own space: %q", got)
		}
		if a.Focus() == "" {
			t.Error("the Contact has no isfocus")
		}
		s, err = app.Refer(w.t.Context(), "sip:space-"+aliceSpace+"@paris.acme.test", "sip:202@paris.acme.test")
		if err != nil {
			t.Fatal(err)
		}
		b := w.take(bruno.rings(w))
		if got := outcome(w, s); got != "SIP/2.0 200 OK" {
			t.Errorf("a colleague called in: %q", got)
		}
		w.participants(2)
		time.Sleep(time.Second)
		w.meet(a, b)
		if s, err = app.Refer(w.t.Context(), a.Focus(), "sip:203@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		if got := outcome(w, s); got != "SIP/2.0 480 Temporarily Unavailable" {
			t.Errorf("nobody's phone, by the focus: %q", got)
		}
		for _, tt := range []struct {
			from     *softphone.Phone
			uri, to  string
			code     int
			progress string
		}{
			{app, "sip:space-48213907753@paris.acme.test", "sip:202@paris.acme.test", 0, "SIP/2.0 404 Not Found"},
			{app, gatewayURI, "sip:0012125550123@paris.acme.test", 0, "SIP/2.0 403 Forbidden"},
			{app, "sip:203@paris.acme.test", "sip:202@paris.acme.test", 404, ""},
			{w.trunk(), gatewayURI, "sip:202@paris.acme.test", 403, ""},
			{w.camille(), gatewayURI, "sip:202@paris.acme.test", 0, "SIP/2.0 404 Not Found"}, // has no space
		} {
			s, err := tt.from.Refer(w.t.Context(), tt.uri, tt.to)
			switch {
			case tt.code != 0 && softphone.StatusOf(err) != tt.code:
				t.Errorf("REFER %s to %s: %v, want %d", tt.uri, tt.to, err, tt.code)
			case tt.code == 0 && err != nil:
				t.Errorf("REFER %s to %s: %v", tt.uri, tt.to, err)
			case tt.code == 0:
				if got := outcome(w, s); got != tt.progress {
					t.Errorf("REFER %s to %s: told %q, want %q", tt.uri, tt.to, got, tt.progress)
				}
			}
		}
		bruno.silent(w, time.Second)
		for _, tt := range []struct {
			from    *softphone.Phone
			uri, to string
			code    int
		}{
			{w.phone("+33170001202", "pB-91aa37"), "sip:space-" + aliceSpace + "@paris.acme.test", "sip:201@paris.acme.test;method=BYE", 403}, // not his
			{app, gatewayURI, "sip:203@paris.acme.test;method=BYE", 404},                                                                      // not in
			{app, gatewayURI, "sip:202@paris.acme.test;method=MESSAGE", 400},
		} {
			if _, err := tt.from.Refer(w.t.Context(), tt.uri, tt.to); softphone.StatusOf(err) != tt.code {
				t.Errorf("REFER to %s: %v, want %d", tt.to, err, tt.code)
			}
		}
		w.participants(2)
		if _, err := app.Refer(w.t.Context(), a.Focus(), "sip:202@paris.acme.test;method=BYE"); err != nil {
			t.Errorf("the owner removes somebody: %v", err)
		}
		w.gone(b, time.Second)
		w.participants(1)
		w.bye(a)
	})
}
