package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/call/events"
	"passerelle/directory/sitefile"
	"passerelle/sip/siptest"
	"passerelle/softphone"
)

// TestMessageWaiting lights the lamp of a line by the API and by an external mailbox.
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

// TestMessageWaitingUnasked tells phones that do not subscribe: at once when something changes, and after they register when
// something waits.
func TestMessageWaitingUnasked(t *testing.T) {
	inWorld(t, func(w *world) {
		told := make(chan string, 8)
		phone := func(user, password string) *softphone.Phone {
			p := w.phone(user, password, func(c *softphone.Config) {
				c.OnNotice = func(m *softphone.Message) int {
					told <- user + " " + strings.TrimSpace(strings.SplitN(string(m.Body), "\r\n", 2)[0])
					return 200
				}
			})
			if _, err := p.Register(w.t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			return p
		}
		want := func(line string) {
			t.Helper()
			select {
			case got := <-told:
				if got != line {
					t.Errorf("told %q, want %q", got, line)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("nobody is told, want %q", line)
			}
		}
		set := func(fresh int) {
			t.Helper()
			if err := w.house.events.waiting.Set(w.t.Context(), "+33170001201@paris.acme.test", events.Voice(fresh, 0)); err != nil {
				t.Fatal(err)
			}
		}
		phone("alice-app", "sA-44c1d0")
		time.Sleep(10 * time.Second) // nothing waits, so a fresh phone is told nothing
		set(1)
		want("alice-app Messages-Waiting: yes")
		phone("+33170001201", "pA-6d1f0c")
		want("+33170001201 Messages-Waiting: yes")
		set(0)
		first, second := "alice-app Messages-Waiting: no", "+33170001201 Messages-Waiting: no"
		got := []string{<-told, <-told}
		slices.Sort(got)
		if want := []string{second, first}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if len(told) > 0 {
			t.Errorf("told %q besides", <-told)
		}
	})
}
