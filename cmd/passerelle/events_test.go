package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/sip"
	"passerelle/sip/siptest"
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

var dialogState = regexp.MustCompile(`<state(?: event="([^"]*)")?(?: code="([^"]*)")?>([a-z]+)</state>`)

// lamp is what the NOTIFY of a busy lamp tells: the states of its dialogs with how they ended.
func lamp(m *softphone.Message) string {
	var all []string
	for _, d := range dialogState.FindAllStringSubmatch(string(m.Body), -1) {
		all = append(all, strings.TrimSpace(strings.Join([]string{d[3], d[1], d[2]}, " ")))
	}
	return strings.Join(all, ", ")
}

// shows waits until a lamp shows exactly this.
func (w *world) shows(s *softphone.Subscription, want string) *softphone.Message {
	w.t.Helper()
	m := w.notified(s)
	if got := lamp(m); got != want {
		w.t.Fatalf("the lamp shows %q, want %q\n%s", got, want, m.Body)
	}
	return m
}

// lit waits until a lamp shows this, whatever it shows before, and returns all that it was told.
func (w *world) lit(s *softphone.Subscription, want string) (bodies string) {
	w.t.Helper()
	for {
		m := w.notified(s)
		bodies += string(m.Body)
		if lamp(m) == want {
			return bodies
		}
	}
}

var blf = softphone.SubscribeOptions{Event: "dialog", Accept: "application/dialog-info+xml"}

func watching(line string) softphone.SubscribeOptions {
	o := blf
	o.To = line
	return o
}

// TestBusyLamp watches the two lines of calls from a third one.
func TestBusyLamp(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		ofAlice, first := w.subscribed(camille.Phone, watching("201"))
		if got := lamp(first); got != "" || !strings.Contains(string(first.Body), `state="full"`) {
			t.Fatalf("the first NOTIFY shows %q\n%s", got, first.Body)
		}
		ofBruno, _ := w.subscribed(camille.Phone, watching("202"))

		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := bruno.rings(w)
		w.shows(ofAlice, "trying")
		w.shows(ofBruno, "trying")
		in.Ring(180)
		w.shows(ofAlice, "early")
		body := string(w.shows(ofBruno, "early").Body)
		for _, want := range []string{`direction="recipient"`, `display="Alice Martin"`, "sip:+33170001201@paris.acme.test"} {
			if !strings.Contains(body, want) {
				t.Errorf("the lamp of who is called lacks %s\n%s", want, body)
			}
		}
		c := w.take(in)
		a := w.up(call)
		w.shows(ofAlice, "confirmed")
		if m := w.shows(ofBruno, "confirmed"); strings.Contains(string(m.Body), "1201") {
			t.Errorf("others see with whom the line talks\n%s", m.Body)
		}
		if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
			t.Fatal(err)
		}
		w.unnotified(ofBruno)
		w.bye(a)
		w.gone(c, time.Second)
		w.shows(ofAlice, "terminated local-bye")
		w.shows(ofBruno, "terminated remote-bye")

		// A call that is refused, and one that is given up.
		call = w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in = bruno.rings(w)
		w.shows(ofBruno, "trying")
		in.Refuse(486)
		w.shows(ofBruno, "terminated rejected 486")
		if got := w.status(call); got != 486 {
			t.Errorf("got %s, want 486", statusError(got))
		}
		ctx, cancel := context.WithCancel(w.t.Context())
		call = w.dial(ctx, alice.Phone, "sip:*31202@paris.acme.test", softphone.InviteOptions{})
		in = bruno.rings(w)
		w.shows(ofBruno, "trying")
		in.Ring(180)
		if m := w.shows(ofBruno, "early"); strings.Contains(string(m.Body), "1201") || strings.Contains(string(m.Body), "Alice") {
			t.Errorf("the lamp tells a number that is withheld\n%s", m.Body)
		}
		cancel()
		w.cancelled(in)
		<-call
		w.shows(ofBruno, "terminated cancelled")
	})
}

// TestBusyLampOfGatewayCall shows a line that is in a space as busy, and nothing of the space.
func TestBusyLampOfGatewayCall(t *testing.T) {
	inWorld(t, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		s, _ := w.subscribed(camille.Phone, watching("201"))
		c := w.enter(w.alice(), aliceSpace)
		w.typed = append(w.typed, aliceSpace)
		bodies := w.lit(s, "confirmed")
		w.bye(c)
		bodies += w.lit(s, "terminated local-bye")
		if strings.Contains(bodies, aliceSpace) || strings.Contains(bodies, "1000") {
			t.Errorf("the lamp tells where the line called\n%s", bodies)
		}
	})
}

// TestLampAfterTransfer shows that who has transferred a call is free, and the two others talk.
func TestLampAfterTransfer(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		watcher := w.phone("+33170001201", "pA-6d1f0c")
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		b := w.take(bruno.rings(w))
		a := w.up(call)
		synctest.Wait() // the caller knows of the answer before the server has the ACK
		ofBruno, first := w.subscribed(watcher, watching("202"))
		if got := lamp(first); got != "confirmed" {
			t.Fatalf("the lamp of who talks shows %q", got)
		}
		ofCamille, _ := w.subscribed(watcher, watching("203"))
		if err := b.Refer(w.t.Context(), "sip:203@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		in := camille.rings(w)
		w.shows(ofCamille, "trying")
		in.Ring(180)
		if body := string(w.shows(ofCamille, "early").Body); !strings.Contains(body, "+33170001201") {
			t.Errorf("the lamp does not show who is transferred\n%s", body)
		}
		c := w.take(in)
		w.shows(ofCamille, "confirmed")
		w.gone(b, 5*time.Second)
		w.shows(ofBruno, "terminated remote-bye")
		w.bye(a)
		w.gone(c, time.Second)
		w.shows(ofCamille, "terminated remote-bye")
	})
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

// TestMessageWaiting lights the lamp of a line by the API and by an external mailbox, on phones that subscribe and on one
// that does not.
func TestMessageWaiting(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Mailbox = "box-202"
	inWorldOf(t, e, func(w *world) {
		bruno := w.registered("+33170001202", "pB-91aa37")
		s, first := w.subscribed(bruno.Phone, softphone.SubscribeOptions{Event: "message-summary", Accept: "application/simple-message-summary"})
		told := func(m *softphone.Message, want ...string) {
			t.Helper()
			for _, line := range want {
				if !strings.Contains(string(m.Body), line+"\r\n") {
					t.Fatalf("the phone is told\n%s\nwant %s", m.Body, line)
				}
			}
		}
		told(first, "Messages-Waiting: no")
		if err := w.house.events.waiting.Set(w.t.Context(), "+33170001202@paris.acme.test", events.Voice(2, 1)); err != nil {
			t.Fatal(err)
		}
		told(w.notified(s), "Messages-Waiting: yes", "Voice-Message: 2/1 (0/0)")

		mail := siptest.NewPeer(w.t, w.net, trunkAddr.String(), serverAddr.String())
		for uri, fresh := range map[string]string{"sip:box-202@192.0.2.10": "5/0", "sip:+33170001202@192.0.2.10": "0/5"} {
			tell := mail.NewCall(uri)
			tell.Request("NOTIFY", "Event: message-summary", "Subscription-State: active",
				siptest.Body(events.SummaryType, "Messages-Waiting: yes\r\nVoice-Message: "+fresh+"\r\n"))
			tell.Want(200, "NOTIFY")
			told(w.notified(s), "Voice-Message: "+fresh)
		}
		tell := mail.NewCall("sip:box-299@192.0.2.10")
		tell.Request("NOTIFY", "Event: message-summary", "Subscription-State: active", siptest.Body(events.SummaryType, "Messages-Waiting: yes\r\n"))
		tell.Want(404, "NOTIFY")
	})
}

// readMonitored gives what a NOTIFY of a list tells: the lines by URI, each with its name and the states of its calls.
func readMonitored(m *softphone.Message) map[string]string {
	all := make(map[string]string)
	body := string(m.Body)
	for _, r := range regexp.MustCompile(`(?s)<resource uri="([^"]*)">\s*<name>([^<]*)</name>`).FindAllStringSubmatch(body, -1) {
		all[r[1]] = r[2] + ":"
	}
	for _, part := range strings.Split(body, "\r\n--") {
		if entity := regexp.MustCompile(`entity="([^"]*)"`).FindStringSubmatch(part); entity != nil {
			all[entity[1]] += lamp(&softphone.Message{Body: []byte(part)})
		}
	}
	return all
}

// TestMonitoredLines watches the lines of a user's list by one subscription, and the list as it changes.
func TestMonitoredLines(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		set := func(lines ...string) {
			t.Helper()
			u, _ := w.live.Current().UserByNumber("+33170001203")
			if err := w.config.SetUser(w.t.Context(), u.Ref, func(u *directory.User) { u.Monitored = lines }); err != nil {
				t.Fatal(err)
			}
		}
		set("201", "+33170001202")
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		list := softphone.SubscribeOptions{
			Event: "dialog", To: "sip:monitored@paris.acme.test", Accept: "application/dialog-info+xml, multipart/related, application/rlmi+xml",
			Headers: []softphone.Header{{Name: "Supported", Value: "eventlist"}},
		}
		s, first := w.subscribed(camille.Phone, list)
		want := func(m *softphone.Message, want map[string]string) {
			t.Helper()
			if got := readMonitored(m); !maps.Equal(got, want) {
				t.Fatalf("the list shows %v, want %v\n%s", got, want, m.Body)
			}
		}
		const a, b = "sip:201@paris.acme.test", "sip:202@paris.acme.test"
		want(first, map[string]string{a: "Alice Martin:", b: "Bruno Keller:"})
		call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		in := alice.rings(w)
		synctest.Wait()
		in.Ring(180)
		up := func(state string) {
			t.Helper()
			states := map[string]string{}
			for len(states) < 2 || states[a] != "Alice Martin:"+state || states[b] != "Bruno Keller:"+state {
				maps.Copy(states, readMonitored(w.notified(s)))
			}
		}
		up("early")
		c := w.take(in)
		w.up(call)
		up("confirmed")
		w.bye(c)
		up("")
		dana, _ := w.live.Current().UserByNumber("+15145550201")
		if err := w.config.SetUser(w.t.Context(), dana.Ref, func(u *directory.User) { u.DND = true }); err != nil {
			t.Fatal(err)
		}
		w.unnotified(s) // nothing of the list has changed
		set("201")
		want(w.notified(s), map[string]string{a: "Alice Martin:"})

		empty, first := w.subscribed(bruno.Phone, list)
		want(first, map[string]string{})
		w.unnotified(empty)
	})
}
