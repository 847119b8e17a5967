package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// holding answers a call, passes its events on and sends its cause to ended.
func holding(events chan<- LegEvent, ended chan<- error) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
			return err
		}
		for e := range leg.Events() {
			if events != nil {
				events <- e
			}
		}
		ended <- leg.Cause()
		return nil
	})
}

func TestSessionIntervals(t *testing.T) {
	for _, c := range []struct {
		name   string
		invite []string
		code   int
		want   string // Session-Expires of the 200, or Min-SE of the 422
		needs  bool   // Require: timer
	}{
		{"none asked", []string{"Supported: timer"}, 200, "", false},
		{"peer refreshes by default", []string{"Supported: timer", "Session-Expires: 1800"}, 200, "1800;refresher=uac", true},
		{"peer wants to refresh", []string{"Supported: timer", "Session-Expires: 600;refresher=uac"}, 200, "600;refresher=uac", true},
		{"peer wants us to", []string{"Supported: timer", "Session-Expires: 600;refresher=uas"}, 200, "600;refresher=uas", true},
		{"peer knows no timer", []string{"Session-Expires: 600"}, 200, "600;refresher=uas", false},
		{"compact form", []string{"k: timer, 100rel", "x: 300"}, 200, "300;refresher=uac", true},
		{"above ours", []string{"Supported: timer", "Session-Expires: 7200"}, 200, "1800;refresher=uac", true},
		{"least above ours", []string{"Supported: timer", "Session-Expires: 7200", "Min-SE: 3600"}, 200, "3600;refresher=uac", true},
		{"too short", []string{"Supported: timer", "Session-Expires: 60"}, 422, "90", false},
		{"too short, cannot be told", []string{"Session-Expires: 60"}, 200, "90;refresher=uas", false},
		{"nonsense", []string{"Supported: timer", "Session-Expires: soon"}, 200, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ServerConfig{}, answering)
				call := w.trunk(t).NewCall("sip:8000@site.test")
				call.Request("INVITE", append(c.invite, siptest.Offer)...)
				m := call.Want(c.code, "INVITE")
				if c.code != 200 {
					if got := m.Header("Min-SE"); got != c.want {
						t.Errorf("Min-SE %q, want %q", got, c.want)
					}
					return
				}
				if got := m.Header("Session-Expires"); got != c.want {
					t.Errorf("Session-Expires %q, want %q", got, c.want)
				}
				if got := m.Header("Require") == "timer"; got != c.needs {
					t.Errorf("Require %q", m.Header("Require"))
				}
				call.Request("ACK")
				call.Request("BYE")
				call.Want(200, "BYE")
			})
		})
	}
}

// TestSessionExpires: a peer that should refresh and does not is given up shortly before the interval ends (RFC 4028 §10).
func TestSessionExpires(t *testing.T) {
	for _, c := range []struct{ interval, after time.Duration }{
		{90 * time.Second, 60 * time.Second},     // a third before
		{1800 * time.Second, 1768 * time.Second}, // 32 s before
	} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan error, 1)
			w := newWorld(t, ServerConfig{}, holding(nil, ended))
			call := w.trunk(t).NewCall("sip:8000@site.test")
			call.Answered("Supported: timer", "Session-Expires: "+seconds(int(c.interval/time.Second)), siptest.Offer)
			start := time.Now()
			m, ok := call.Read(time.Hour)
			if !ok || m.Method() != "BYE" || m.At.Sub(start) != c.after {
				t.Fatalf("got %q after %v, want BYE after %v", m.StartLine(), m.At.Sub(start), c.after)
			}
			call.Answer(m, "200 OK", "")
			if err := <-ended; !errors.Is(err, ErrSessionExpired) {
				t.Errorf("cause %v", err)
			}
		})
	}
}

func TestPeerRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, ended := make(chan LegEvent, 100), make(chan error, 1)
		w := newWorld(t, ServerConfig{}, holding(events, ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered("Supported: timer", "Session-Expires: 90", siptest.Offer)
		for range 20 {
			time.Sleep(45 * time.Second)
			call.Request("UPDATE", "Supported: timer", "Session-Expires: 90;refresher=uac")
			if m := call.Want(200, "UPDATE"); m.Header("Session-Expires") != "90;refresher=uac" {
				t.Fatalf("Session-Expires %q", m.Header("Session-Expires"))
			}
			if e := <-events; e != (RefreshEvent{}) {
				t.Fatalf("event %+v", e)
			}
		}
		// A refresh without Session-Expires turns the timer off (RFC 4028 §9).
		call.Request("UPDATE", "Supported: timer")
		call.Want(200, "UPDATE")
		time.Sleep(24 * time.Hour)
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestWeRefreshByUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, ended := make(chan LegEvent, 100), make(chan error, 1)
		w := newWorld(t, ServerConfig{}, holding(events, ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered("Supported: timer", "Session-Expires: 120;refresher=uas", "Allow: INVITE, ACK, BYE, UPDATE", siptest.Offer)
		last := time.Now()
		for i := range 5 {
			m := call.WantRequest("UPDATE")
			if d := m.At.Sub(last); d != 60*time.Second {
				t.Fatalf("refresh after %v, want 60s", d)
			}
			last = m.At
			if m.Body() != "" || m.Header("Session-Expires") != "120;refresher=uac" || m.Header("Contact") == "" {
				t.Errorf("refresh %s", m.Raw)
			}
			if i == 2 { // the interval grew at a proxy (RFC 4028 §7.4)
				call.Answer(m, "422 Session Interval Too Small", "", "Min-SE: 120")
				again := call.WantRequest("UPDATE")
				if again.Header("Min-SE") != "120" {
					t.Errorf("Min-SE %q", again.Header("Min-SE"))
				}
				m = again
			}
			call.Answer(m, "200 OK", "", "Require: timer", "Session-Expires: 120;refresher=uac")
		}
		if len(events) != 0 {
			t.Errorf("a refresh of ours made %d events", len(events))
		}
		call.Request("BYE")
		call.Want(200, "BYE")
		if err := <-ended; !errors.Is(err, ErrBye) {
			t.Errorf("cause %v", err)
		}
	})
}

// TestWeRefreshByReinvite: a peer without UPDATE gets the session description it has.
func TestWeRefreshByReinvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, ended := make(chan LegEvent, 100), make(chan error, 1)
		w := newWorld(t, ServerConfig{}, holding(events, ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered("Supported: timer", "Session-Expires: 120;refresher=uas", siptest.Offer)
		m := call.WantRequest("INVITE")
		if m.Body() != "v=0\r\n" {
			t.Errorf("re-INVITE carries %q", m.Body())
		}
		call.Answer(m, "200 OK", "", siptest.Body("application/sdp", "same"))
		ack := call.WantRequest("ACK")
		if ack.CSeq() != m.CSeq() {
			t.Errorf("ACK has CSeq %d, want %d", ack.CSeq(), m.CSeq())
		}
		if e, ok := (<-events).(AnswerEvent); !ok || string(e.SDP) != "same" {
			t.Errorf("event %+v", e)
		}
		// A 2xx that is repeated gets its ACK again.
		call.Answer(m, "200 OK", "", siptest.Body("application/sdp", "same"))
		call.WantRequest("ACK")
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestRefreshFindsNoDialog(t *testing.T) {
	for _, answer := range []string{"481 Gone", "408 Request Timeout", ""} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan error, 1)
			w := newWorld(t, ServerConfig{}, holding(nil, ended))
			call := w.trunk(t).NewCall("sip:8000@site.test")
			call.Answered("Session-Expires: 300", "Allow: UPDATE", siptest.Offer)
			m := call.WantRequest("UPDATE")
			if answer == "" { // silence: the BYE follows when the transaction gives up
				for m.Method() == "UPDATE" {
					m = call.Next()
				}
			} else {
				call.Answer(m, answer, "")
				m = call.Next()
			}
			if m.Method() != "BYE" {
				t.Fatalf("got %s, want BYE", m.StartLine())
			}
			call.Answer(m, "481 Gone", "")
			if err := <-ended; !errors.Is(err, ErrDialogGone) {
				t.Errorf("cause %v", err)
			}
			wantLegs(t, w, 0)
		})
	}
}

// TestFailedRefreshIsNoEnd: only the expiry, or a peer that lost the dialog, ends the call (the refresh is repeated).
func TestFailedRefreshIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, holding(nil, ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered("Session-Expires: 300", "Allow: UPDATE", siptest.Offer)
		call.Answer(call.WantRequest("UPDATE"), "503 Busy", "")
		call.Answer(call.WantRequest("UPDATE"), "405 No", "")
		m := call.WantRequest("INVITE")
		if !strings.HasPrefix(m.Header("Session-Expires"), "300;") {
			t.Errorf("Session-Expires %q", m.Header("Session-Expires"))
		}
		call.Answer(m, "488 No", "")
		call.WantRequest("ACK")
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
		<-ended
	})
}
