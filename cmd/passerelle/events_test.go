package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/sip"
	"passerelle/softphone"
)

// subscribed subscribes and returns the subscription with its first NOTIFY.
func (w *world) subscribed(p *softphone.Phone, o softphone.SubscribeOptions) (*softphone.Subscription, *softphone.Message) {
	w.t.Helper()
	s, err := p.Subscribe(w.t.Context(), o)
	if err != nil {
		w.t.Fatalf("subscribe to %s of %s: %v\n%s", o.Event, o.To, err, w.log.String())
	}
	return s, w.notified(s)
}

// notified returns the next NOTIFY; none within a minute fails the test.
func (w *world) notified(s *softphone.Subscription) *softphone.Message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		w.t.Fatalf("no NOTIFY: %v\n%s", err, w.log.String())
	}
	return m
}

// unnotified fails the test when a NOTIFY comes within a second.
func (w *world) unnotified(s *softphone.Subscription) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	if m, err := s.Next(ctx); err == nil {
		w.t.Errorf("notified\n%s", m.Body)
	}
}

const featureKeys = `<?xml version="1.0" encoding="ISO-8859-1"?>
<%s xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3">%s</%[1]s>`

// presses sends what a phone sends when one of its feature keys is pressed.
func (w *world) presses(s *softphone.Subscription, element, content string) {
	w.t.Helper()
	if err := s.Refresh(w.t.Context(), time.Hour, "application/x-as-feature-event+xml", fmt.Appendf(nil, featureKeys, element, content)); err != nil {
		w.t.Fatal(err)
	}
}

// TestFeatureKeysInStep sets do-not-disturb and a forward by code, by key and by the API; phone and server show the same.
func TestFeatureKeysInStep(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		keys, first := w.subscribed(bruno.Phone, softphone.SubscribeOptions{Event: "as-feature-event", Accept: "application/x-as-feature-event+xml, multipart/mixed"})
		if !strings.Contains(string(first.Body), "<doNotDisturbOn>false<") {
			t.Fatalf("the first NOTIFY\n%s", first.Body)
		}
		told := func(want ...string) {
			t.Helper()
			m := w.notified(keys)
			for _, s := range want {
				if !strings.Contains(string(m.Body), s) {
					t.Fatalf("the phone is told\n%s\nwant %s", m.Body, s)
				}
			}
		}
		user := func() *directory.User {
			u, _ := w.live.Current().UserByNumber("+33170001202")
			return u
		}
		code := func(digits string) {
			t.Helper()
			w.gone(w.up(w.dial(w.t.Context(), bruno.Phone, "sip:"+digits+"@paris.acme.test", softphone.InviteOptions{})), 5*time.Second)
		}
		code("*78")
		told("<doNotDisturbOn>true<")
		code("*79")
		told("<doNotDisturbOn>false<")

		w.presses(keys, "SetDoNotDisturb", "<device/><doNotDisturbOn>true</doNotDisturbOn>")
		told("<doNotDisturbOn>true<")
		if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})); !user().DND || got != 486 {
			t.Errorf("do not disturb set by the phone: %v, got %s, want 486", user().DND, statusError(got))
		}
		w.presses(keys, "SetDoNotDisturb", "<device/><doNotDisturbOn>false</doNotDisturbOn>")
		told("<doNotDisturbOn>false<")

		code("*21203")
		told("forwardImmediate", "<forwardStatus>true<", "<forwardTo>203<")
		w.presses(keys, "SetForwarding", "<device/><forwardingType>forwardImmediate</forwardingType><activateForward>false</activateForward>")
		told("forwardImmediate", "<forwardStatus>false<")
		w.presses(keys, "SetForwarding", "<device/><forwardingType>forwardNoAns</forwardingType><activateForward>true</activateForward><forwardDN>203</forwardDN><ringCount>2</ringCount>")
		told("forwardNoAns", "<forwardTo>203<", "<ringCount>2<")
		if f := user().Forwards; f.Always != "" || f.NoAnswer != (directory.NoAnswer{Target: "203", Seconds: 12}) {
			t.Errorf("the server keeps %+v", f)
		}
		// What the line may not do is refused by telling what is true.
		w.presses(keys, "SetForwarding", "<device/><forwardingType>forwardBusy</forwardingType><activateForward>true</activateForward><forwardDN>112</forwardDN>")
		told("forwardBusy", "<forwardStatus>false<")
		if f := user().Forwards.Busy; f != "" {
			t.Errorf("the line forwards to %s", f)
		}
		if err := w.config.SetUser(w.t.Context(), user().Ref, func(u *directory.User) { u.Forwards = directory.Forwards{} }); err != nil {
			t.Fatal(err)
		}
		told("forwardNoAns", "<forwardStatus>false<")
		w.unnotified(keys)
	})
}

// TestSubscriptionsOfLinesThatLeave ends the subscriptions of a line that leaves the directory, and those to it.
func TestSubscriptionsOfLinesThatLeave(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		own, _ := w.subscribed(camille.Phone, softphone.SubscribeOptions{Event: "message-summary"})
		toCamille, _ := w.subscribed(bruno.Phone, watching("203"))
		stays, _ := w.subscribed(bruno.Phone, watching("201"))
		err := w.config.change(w.t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
			s := e.Sites[0]
			s.Users = append(s.Users[:2:2], s.Users[3:]...)
			return e, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if m := w.notified(own); !strings.Contains(m.Header("Subscription-State"), string(sip.EndRejected)) {
			t.Errorf("who left is told %q", m.Header("Subscription-State"))
		}
		if m := w.notified(toCamille); !strings.Contains(m.Header("Subscription-State"), string(sip.EndNoResource)) {
			t.Errorf("who watched is told %q", m.Header("Subscription-State"))
		}
		w.unnotified(stays)
	})
}
