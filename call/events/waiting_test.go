package events

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip"
	"passerelle/sip/siptest"
	"passerelle/softphone"
)

var mwi = softphone.SubscribeOptions{Event: "message-summary", Accept: SummaryType, Expires: 24 * time.Hour}

// waitingWorld is a world with message waiting.
func waitingWorld(t *testing.T, cfg MessageWaitingConfig) (*world, *MessageWaiting) {
	t.Helper()
	var m *MessageWaiting
	w := newWorld(t, func(w *world) []sip.EventPackage {
		cfg.Notices = w
		m = NewMessageWaiting(cfg)
		return []sip.EventPackage{m}
	})
	return w, m
}

func TestMessageWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := waitingWorld(t, MessageWaitingConfig{})
		s, first := subscribe(t, w.phone("ann"), mwi)
		wantBody(t, first, SummaryType, crlf("Messages-Waiting: no\nMessage-Account: sip:101@site.test\n"))
		if got := first.Header("Subscription-State"); got != "active;expires=86400" || first.Header("Event") != "message-summary" {
			t.Errorf("%s, %s", got, first.Header("Event"))
		}
		other, _ := subscribe(t, w.phone("bob"), mwi)
		if err := m.Set(t.Context(), "101@site.test", Voice(2, 8)); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), SummaryType, crlf("Messages-Waiting: yes\nMessage-Account: sip:101@site.test\nVoice-Message: 2/8 (0/0)\n"))
		if err := m.Set(t.Context(), "101@site.test", Summary{}); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), SummaryType, crlf("Messages-Waiting: no\nMessage-Account: sip:101@site.test\n"))
		quiet(t, other)
		if err := s.Unsubscribe(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), SummaryType, crlf("Messages-Waiting: no\nMessage-Account: sip:101@site.test\n"))
		synctest.Wait()
		if n := len(m.shown.all()); n != 1 {
			t.Errorf("%d phones are shown, want 1", n)
		}
		for _, bad := range []Summary{{Account: "sip:a\r\nX: y"}, {Counts: []Count{{Class: "Voice\r\nMessage"}}}, {Counts: []Count{{Class: VoiceMessage, New: -1}}}} {
			if err := m.Set(t.Context(), "101@site.test", bad); !errors.Is(err, ErrMalformed) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}

func TestMailboxesArePrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := waitingWorld(t, MessageWaitingConfig{})
		p := w.phone("ann")
		for _, tt := range []struct {
			to, accept string
			code       int
		}{{"102", SummaryType, 403}, {"999", SummaryType, 404}, {"101", "application/pidf+xml", 406}} {
			o := mwi
			o.To, o.Accept = tt.to, tt.accept
			wantRefused(t, p, o, tt.code)
		}
	})
}

// TestMailboxTells: an external mailbox sends its own NOTIFY, with what mailboxes put into it.
func TestMailboxTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := waitingWorld(t, MessageWaitingConfig{})
		s, _ := subscribe(t, w.phone("ann"), mwi)
		mail := siptest.NewPeer(t, w.Network, trunkAddr.String(), serverAddr.String())
		tell := func(body string) {
			t.Helper()
			call := mail.NewCall("sip:101@10.0.0.1")
			call.Request("NOTIFY", "Event: message-summary", "Subscription-State: active", siptest.Body(SummaryType, body))
			call.Want(200, "NOTIFY")
		}
		tell("messages-waiting:yes\nMessage-Account: sip:voicemail@10.0.0.2\nVoice-Message: 3/1 (1/0)\nFax-Message: 1/0\n\nTo: <101@site.test>\n")
		wantBody(t, next(t, s), SummaryType, crlf("Messages-Waiting: yes\nMessage-Account: sip:voicemail@10.0.0.2\nVoice-Message: 3/1 (1/0)\nFax-Message: 1/0\n"))
		if got := m.Summary("101@site.test"); got.New() != 4 || !got.Waiting {
			t.Errorf("kept %+v", got)
		}
		tell("Voice-Message: 9/9\n") // says nothing about waiting
		quiet(t, s)
	})
}

// TestPhonesThatDoNotSubscribe get their lamp all the same: at a change, and when they register while something waits.
func TestPhonesThatDoNotSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := waitingWorld(t, MessageWaitingConfig{})
		open := func(username string) (*softphone.Phone, chan *softphone.Message) {
			notices := make(chan *softphone.Message, 8)
			p := w.phone(username, func(c *softphone.Config) {
				c.OnNotice = func(m *softphone.Message) int { notices <- m; return 200 }
			})
			if _, err := p.Register(t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			return p, notices
		}
		_, quietOne := open("ann")
		subscriber, told := open("ann")
		s, _ := subscribe(t, subscriber, mwi)
		time.Sleep(10 * time.Second) // nothing waits, nothing is sent
		if len(quietOne)+len(told) != 0 {
			t.Fatal("a phone was told of nothing")
		}
		if err := m.Set(t.Context(), "101@site.test", Voice(1, 0)); err != nil {
			t.Fatal(err)
		}
		body := crlf("Messages-Waiting: yes\nMessage-Account: sip:101@site.test\nVoice-Message: 1/0 (0/0)\n")
		n := <-quietOne
		wantBody(t, n, SummaryType, body)
		if n.Header("Event") != "message-summary" || n.Header("Subscription-State") != "terminated" || n.Header("To") != "<sip:101@site.test>" {
			t.Errorf("notice\n%s", n)
		}
		wantBody(t, next(t, s), SummaryType, body)

		_, late := open("ann") // registers while something waits
		start := time.Now()
		wantBody(t, <-late, SummaryType, body)
		if d := time.Since(start); d != noticeGrace {
			t.Errorf("told after %v", d)
		}
		synctest.Wait()
		if len(told) != 0 {
			t.Error("the subscriber was told twice")
		}
		time.Sleep(time.Minute)
		if got := len(quietOne) + len(late); got != 0 {
			t.Errorf("%d notices too many", got)
		}
	})
}

// failing is a store that cannot write.
type failing struct{ *MemoryMailboxes }

func (failing) SetSummary(context.Context, sip.AOR, Summary) error { return errors.New("disk full") }

func TestMailboxNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := waitingWorld(t, MessageWaitingConfig{Mailboxes: failing{NewMemoryMailboxes()}})
		s, _ := subscribe(t, w.phone("ann"), mwi)
		if err := m.Set(t.Context(), "101@site.test", Voice(1, 0)); err == nil {
			t.Error("no error")
		}
		quiet(t, s)
	})
}

// TestGuestsMailbox: a phone shows the mailbox of its guest, and its owner's again.
func TestGuestsMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guests{}
		w, m := waitingWorld(t, MessageWaitingConfig{Phones: g})
		s, _ := subscribe(t, w.phone("ann"), mwi)
		own, _ := subscribe(t, w.phone("bob"), mwi)
		if err := m.Set(t.Context(), "102@site.test", Voice(5, 0)); err != nil {
			t.Fatal(err)
		}
		guest := crlf("Messages-Waiting: yes\nMessage-Account: sip:102@site.test\nVoice-Message: %d/0 (0/0)\n")
		wantBody(t, next(t, own), SummaryType, fmt.Sprintf(guest, 5))
		g.set("ann", "102@site.test")
		sent := make(chan struct{})
		m.OwnerChanged("ann", func() { close(sent) })
		<-sent
		wantBody(t, next(t, s), SummaryType, fmt.Sprintf(guest, 5))
		if err := m.Set(t.Context(), "102@site.test", Voice(6, 0)); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, s), SummaryType, fmt.Sprintf(guest, 6))
		wantBody(t, next(t, own), SummaryType, fmt.Sprintf(guest, 6))
		g.set("ann", "")
		m.OwnerChanged("ann", nil)
		wantBody(t, next(t, s), SummaryType, crlf("Messages-Waiting: no\nMessage-Account: sip:101@site.test\n"))
		if err := m.Set(t.Context(), "102@site.test", Voice(7, 0)); err != nil {
			t.Fatal(err)
		}
		wantBody(t, next(t, own), SummaryType, fmt.Sprintf(guest, 7))
		quiet(t, s)
		none := false
		m.OwnerChanged("nobody", func() { none = true })
		if !none {
			t.Error("a phone without subscription is never done")
		}
	})
}
