package main

import (
	"context"
	"maps"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/softphone"
)

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
