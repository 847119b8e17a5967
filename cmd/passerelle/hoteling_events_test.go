package main

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/sip"
	"passerelle/softphone"
)

// TestMailboxKeysAndLampsFollowUser: what the host phone shows of its user becomes the guest's and returns, in the order
// hoteling, message waiting, feature keys, lamps; its keys set the guest's features, and its list of monitored lines stays its
// own.
func TestMailboxKeysAndLampsFollowUser(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		alice, desk := sip.NewAOR("+33170001201", "paris.acme.test"), sip.NewAOR("+33170001301", "paris.acme.test")
		for aor, fresh := range map[sip.AOR]int{alice: 2, desk: 0} {
			if err := w.house.events.waiting.Set(w.t.Context(), aor, events.Voice(fresh, 0)); err != nil {
				t.Fatal(err)
			}
		}
		set := func(ext string, change func(u *directory.User)) {
			t.Helper()
			if err := w.config.SetUser(w.t.Context(), w.user(ext).Ref, change); err != nil {
				t.Fatal(err)
			}
		}
		set("201", func(u *directory.User) { u.DND, u.Monitored = true, []string{"203"} })
		set("301", func(u *directory.User) { u.Monitored = []string{"202"} })

		host, _ := w.host()
		var mu sync.Mutex
		var order []string
		record := func(m *softphone.Message) int {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, m.Header("Event"))
			return 200
		}
		told := func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			list := order
			order = nil
			return list
		}
		open := func(o softphone.SubscribeOptions) (*softphone.Subscription, string) {
			t.Helper()
			o.OnNotify = record
			s, m := w.subscribed(host.Phone, o)
			return s, string(m.Body)
		}
		var first string
		host.sub, _ = open(softphone.SubscribeOptions{Event: hoteling.EventName, Accept: hoteling.BodyType})
		box, first := open(softphone.SubscribeOptions{Event: "message-summary", Accept: events.SummaryType})
		if !strings.Contains(first, "Messages-Waiting: no") {
			t.Errorf("the host's mailbox\n%s", first)
		}
		keys, first := open(softphone.SubscribeOptions{Event: "as-feature-event", Accept: "application/x-as-feature-event+xml, multipart/mixed"})
		if !strings.Contains(first, "<doNotDisturbOn>false<") {
			t.Errorf("the host's keys\n%s", first)
		}
		lamps, _ := open(softphone.SubscribeOptions{Event: "dialog", Accept: events.DialogType})
		list, first := open(softphone.SubscribeOptions{
			Event: "dialog", To: "sip:monitored@paris.acme.test", Accept: "application/dialog-info+xml, multipart/related, application/rlmi+xml",
			Headers: []softphone.Header{{Name: "Supported", Value: "eventlist"}},
		})
		if !strings.Contains(first, "202@") || strings.Contains(first, "203@") {
			t.Errorf("the host monitors\n%s", first)
		}
		told()
		inOrder := func() {
			t.Helper()
			got := slices.DeleteFunc(told(), func(e string) bool { return e == "" })
			// The list is a dialog subscription too; both come last.
			if want := []string{hoteling.EventName, "message-summary", "as-feature-event", "dialog", "dialog"}; !slices.Equal(got, want) {
				t.Errorf("the phone was told %q, want %q", got, want)
			}
		}
		shows := func(s *softphone.Subscription, want string) {
			t.Helper()
			if m := w.notified(s); !strings.Contains(string(m.Body), want) {
				t.Errorf("the phone shows\n%s, want %s", m.Body, want)
			}
		}

		host.set("<guestAddress>201</guestAddress>")
		challenge := host.next()
		told()
		host.set("<guestAddress>201</guestAddress><authenticationData><nonce>" + challenge.nonce + "</nonce><response>" +
			hoteling.Response(challenge.nonce, alicePIN) + "</response></authenticationData>")
		host.as(host.next(), "201")
		inOrder()
		shows(box, "Messages-Waiting: yes")
		shows(keys, "<doNotDisturbOn>true<")
		shows(lamps, `state="full"`)
		shows(list, "202@")

		// The guest's mailbox and keys live on the host phone.
		if err := w.house.events.waiting.Set(w.t.Context(), alice, events.Voice(0, 2)); err != nil {
			t.Fatal(err)
		}
		shows(box, "Messages-Waiting: no")
		if err := w.house.events.waiting.Set(w.t.Context(), desk, events.Voice(1, 0)); err != nil {
			t.Fatal(err)
		}
		w.unnotified(box)
		w.presses(keys, "SetDoNotDisturb", "<device/><doNotDisturbOn>false</doNotDisturbOn>")
		shows(keys, "<doNotDisturbOn>false<")
		if w.user("201").DND || w.user("301").DND {
			t.Errorf("do not disturb: guest %v, host %v", w.user("201").DND, w.user("301").DND)
		}
		set("201", func(u *directory.User) { u.DND = true })
		shows(keys, "<doNotDisturbOn>true<")

		// The lamp of the phone's own line shows the guest's calls, and so does whoever watches the guest.
		set("201", func(u *directory.User) { u.DND = false })
		shows(keys, "<doNotDisturbOn>false<")
		camille := w.registered("+33170001203", "pC-0be5d2")
		ofAlice, _ := w.subscribed(camille.Phone, watching("201"))
		ofDesk, _ := w.subscribed(camille.Phone, watching("301"))
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		in := host.rings(w)
		in.Ring(180)
		w.lit(lamps, "early")
		w.lit(ofAlice, "early")
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
		w.lit(lamps, "terminated remote-bye")
		w.unnotified(ofDesk)

		told()
		host.set("<guestAddress/>")
		host.as(host.next(), "")
		inOrder()
		shows(box, "Messages-Waiting: yes")
	})
}

// TestMailboxOnPhoneThatDoesNotSubscribe: a host phone without subscriptions of its own is shown its guest's mailbox, unasked.
func TestMailboxOnPhoneThatDoesNotSubscribe(t *testing.T) {
	inHotel(t, func(w *world) {
		told := make(chan string, 16)
		w.registered("+33170001301", "pW-77e310", func(c *softphone.Config) {
			c.OnNotice = func(m *softphone.Message) int { told <- string(m.Body); return 200 }
		})
		shows := func(want ...string) {
			t.Helper()
			select {
			case body := <-told:
				for _, part := range want {
					if !strings.Contains(body, part) {
						t.Errorf("the phone shows\n%s, want %s", body, part)
					}
				}
			case <-time.After(time.Minute):
				t.Fatalf("the phone is told nothing, want %s", want)
			}
		}
		set := func(line string, fresh int) {
			t.Helper()
			if err := w.house.events.waiting.Set(w.t.Context(), sip.NewAOR(line, "paris.acme.test"), events.Voice(fresh, 0)); err != nil {
				t.Fatal(err)
			}
		}
		set("+33170001201", 2)
		time.Sleep(time.Minute)
		if _, err := w.house.desk.SignIn(w.t.Context(), w.user("301").Ref, w.user("201").Ref, hoteling.ByAPI); err != nil {
			t.Fatal(err)
		}
		shows("Messages-Waiting: yes", "1201@")
		set("+33170001201", 0)
		shows("Messages-Waiting: no", "1201@")
		if _, err := w.house.desk.SignOut(w.t.Context(), w.user("301").Ref, hoteling.ByAPI); err != nil {
			t.Fatal(err)
		}
		shows("Messages-Waiting: no", "1301@")
		set("+33170001201", 1)
		select {
		case body := <-told:
			t.Errorf("the phone is shown the mailbox of who has left\n%s", body)
		case <-time.After(time.Minute):
		}
	})
}
