package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

func TestSubscribeRefreshUnsubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.event = "x-lamp;id=7"
		ok := p.want(200, "Expires: 3600", "Session-ID: 11111111000000000000000000000001;remote="+nilSessionID)
		for name, want := range map[string]string{"Expires": "3600", "Contact": "<sip:" + ok.Tag("To") + "@10.0.0.1:5060>", "Content-Length": "0"} {
			if got := ok.Header(name); got != want {
				t.Errorf("200: %s is %q, want %q", name, got, want)
			}
		}
		first := p.notified("active;expires=3600", "full off")
		for name, want := range map[string]string{
			"From": "<sip:line81@site.test>;tag=" + ok.Tag("To"), "To": "<sip:line81@site.test>;tag=" + p.tag, "Call-ID": p.callID,
			"Event": "x-lamp;id=7", "Content-Type": "text/lamp", "Contact": ok.Header("Contact"), "Max-Forwards": "70",
		} {
			if got := first.Header(name); got != want {
				t.Errorf("NOTIFY: %s is %q, want %q", name, got, want)
			}
		}
		if first.StartLine() != "NOTIFY sip:line81@198.51.100.7:5060 SIP/2.0" {
			t.Errorf("NOTIFY: %s", first.StartLine())
		}
		if id := first.Header("Session-ID"); id != ok.Header("Session-ID") || !strings.HasSuffix(id, ";remote=11111111000000000000000000000001") {
			t.Errorf("Session-ID %q, in the 200 %q", id, ok.Header("Session-ID"))
		}
		sub := <-l.subs
		l.state = "on"
		time.Sleep(100 * time.Second)
		sub.Changed()
		second := p.notified("active;expires=3500", "part on")
		if second.CSeq() != first.CSeq()+1 {
			t.Errorf("CSeq %d after %d", second.CSeq(), first.CSeq())
		}

		p.want(200, "Expires: 600")
		p.notified("active;expires=600", "full on")
		p.want(200, "Expires: 0")
		p.notified("terminated;reason=timeout", "full on")
		wantSubscriptions(t, w, 0)
		if !errors.Is(sub.Cause(), ErrUnsubscribed) {
			t.Errorf("cause %v", sub.Cause())
		}
		sub.Changed()
		p.want(481, "Expires: 600")
		p.Quiet(time.Hour)
	})
}

func TestSubscribeAnswers(t *testing.T) {
	refuse := func(err error) func(*Subscription) error { return func(*Subscription) error { return err } }
	tests := []struct {
		name    string
		begin   func(*Subscription) error
		edit    func(p *watcher)
		lines   []string
		code    int
		headers map[string]string
	}{
		{"unknown event", nil, func(p *watcher) { p.event = "presence" }, nil, 489, map[string]string{"Allow-Events": "x-lamp"}},
		{"no event", nil, func(p *watcher) { p.event = "" }, nil, 489, map[string]string{"Allow-Events": "x-lamp"}},
		{"event in another case", nil, func(p *watcher) { p.event = "X-Lamp" }, nil, 200, nil},
		{"short name of Event", nil, func(p *watcher) { p.event = "" }, []string{"o: x-lamp"}, 200, nil},
		{"no interval", nil, nil, nil, 200, map[string]string{"Expires": "3600"}},
		{"long interval", nil, nil, []string{"Expires: 4294967295"}, 200, map[string]string{"Expires": "86400"}},
		{"malformed interval", nil, nil, []string{"Expires: soon"}, 200, map[string]string{"Expires": "3600"}},
		{"brief interval", nil, nil, []string{"Expires: 59"}, 423, map[string]string{"Min-Expires": "60"}},
		{"shortest interval", nil, nil, []string{"Expires: 60"}, 200, map[string]string{"Expires": "60"}},
		{"no contact", nil, func(p *watcher) { p.contact = "" }, nil, 400, nil},
		{"contact star", nil, func(p *watcher) { p.contact = "*" }, nil, 400, nil},
		{"wrong password", nil, func(p *watcher) { p.line.Password = "sesame" }, nil, 401, nil},
		{"refused by its package", refuse(&StatusError{Code: 404, Err: errors.New("no such list")}), nil, nil, 404, nil},
		{"refused for a while", refuse(&StatusError{Code: 503, RetryAfter: 90 * time.Second}), nil, nil, 503, map[string]string{"Retry-After": "90"}},
		{"package fails", refuse(errors.New("disk")), nil, nil, 500, nil},
		{"package panics", func(*Subscription) error { panic("fault") }, nil, nil, 500, nil},
		{"required extension we lack", nil, nil, []string{"Require: eventlist"}, 420, map[string]string{"Unsupported": "eventlist"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLamp()
				l.begin = tt.begin
				w := newLampWorld(t, l, SubscriptionConfig{})
				p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
				if tt.edit != nil {
					tt.edit(p)
				}
				if tt.code == 401 {
					p.nonce = nil
					p.SendRaw(p.text(tt.lines...))
					p.Want(401, "SUBSCRIBE")
					wantSubscriptions(t, w, 0)
					return
				}
				m := p.want(tt.code, tt.lines...)
				for name, want := range tt.headers {
					if got := m.Header(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if tt.code == 200 {
					p.Answer(p.WantRequest("NOTIFY"), "200 OK", "")
					wantSubscriptions(t, w, 1)
					return
				}
				wantSubscriptions(t, w, 0)
				p.Quiet(time.Minute)
			})
		})
	}
}

// TestAllowEvents finds the registered packages wherever a phone looks for them.
func TestAllowEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newLampWorld(t, newLamp(), SubscriptionConfig{})
		phone := newDesk(t, w, "198.51.100.7:5060")
		phone.SendRaw(phone.register())
		phone.SendRaw(phone.register(authorize(t, phone.Want(401, "REGISTER"), ann.Password, 1)))
		if got := phone.Want(200, "REGISTER").Header("Allow-Events"); got != "x-lamp" {
			t.Errorf("REGISTER: Allow-Events %q", got)
		}
		call := phone.NewCall("sip:site.test")
		call.Request("OPTIONS", "Subject: "+strings.Repeat("x", 500))
		if got := phone.Want(200, "OPTIONS"); got.Header("Allow-Events") != "x-lamp" || !strings.Contains(got.Header("Allow"), "SUBSCRIBE") {
			t.Errorf("OPTIONS: %s", got.Raw)
		}
	})
}

// TestFetch asks for the state once (RFC 6665 §4.4.3).
func TestFetch(t *testing.T) {
	bodies := map[string]func(*Subscription) error{
		"full off": nil,
		"given":    func(s *Subscription) error { s.Notify("text/lamp", []byte("given")); return nil },
		"":         func(*Subscription) error { return nil },
	}
	for body, begin := range bodies {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLamp()
				l.begin = begin
				w := newLampWorld(t, l, SubscriptionConfig{})
				p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
				if m := p.want(200, "Expires: 0"); m.Header("Expires") != "0" {
					t.Errorf("Expires %q", m.Header("Expires"))
				}
				p.notified("terminated;reason=timeout", body)
				wantSubscriptions(t, w, 0)
				p.Quiet(time.Minute)
			})
		})
	}
}

// TestEverySubscribeIsOwedANotify: also when the package has nothing to tell yet, or tells it late.
func TestEverySubscribeIsOwedANotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		l.begin = func(*Subscription) error { return nil }
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		m := p.notified("active;expires=3600", "")
		if m.Header("Content-Type") != "" {
			t.Errorf("a NOTIFY without body has Content-Type %q", m.Header("Content-Type"))
		}
		(<-l.subs).Notify("text/lamp", []byte("late"))
		p.notified("active;expires=3600", "late")
	})
}

// TestRefreshWithBody: the package gets each body of the dialog after its 200 has left, and answers by NOTIFYs in order.
func TestRefreshWithBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		var asked []Asked
		l.begin = func(s *Subscription) error {
			asked = append(asked, s.First())
			s.State(l.show)
			s.OnRefresh(func(a Asked) {
				asked = append(asked, a)
				if len(a.Body) == 0 {
					s.Resend()
					return
				}
				s.Notify("text/challenge", []byte("nonce for "+string(a.Body)))
				l.state = string(a.Body)
				s.Changed()
			})
			return nil
		}
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200, siptest.Body("text/set", "hello"))
		p.notified("active;expires=3600", "full off")
		p.want(200, "Expires: 7200", siptest.Body("text/set; charset=x", "blue"))
		if m := p.notified("active;expires=7200", "nonce for blue"); m.Header("Content-Type") != "text/challenge" {
			t.Errorf("Content-Type %q", m.Header("Content-Type"))
		}
		p.notified("active;expires=7200", "part blue")
		p.want(200)
		p.notified("active;expires=3600", "full blue")
		p.want(200, "Expires: 0", siptest.Body("text/set", "last"))
		p.notified("active;expires=0", "nonce for last")
		p.notified("terminated;reason=timeout", "full last")
		want := []string{"true 1h0m0s text/set hello", "false 2h0m0s text/set; charset=x blue", "false 1h0m0s  ", "false 0s text/set last"}
		for i, a := range asked {
			if got := fmt.Sprint(a.First, " ", a.Expires, " ", a.ContentType, " ", string(a.Body)); got != want[i] {
				t.Errorf("asked %q, want %q", got, want[i])
			}
			if a.Source.Remote.String() != "198.51.100.7:5060" {
				t.Errorf("from %v", a.Source)
			}
		}
		if len(asked) != len(want) {
			t.Errorf("asked %d times, want %d", len(asked), len(want))
		}
	})
}

func TestInDialogRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := w.subscribed(t, "198.51.100.7:5060", ann)
		if m := p.want(423, "Expires: 5"); m.Header("Min-Expires") != "60" {
			t.Errorf("Min-Expires %q", m.Header("Min-Expires"))
		}
		p.event = "presence"
		if m := p.want(489); m.Header("Allow-Events") != "x-lamp" {
			t.Errorf("Allow-Events %q", m.Header("Allow-Events"))
		}
		p.event = "x-lamp"
		p.cseq -= 2 // what was worked off already, by another branch
		stale := strings.Replace(p.text(), "branch=z9hG4bK-", "branch=z9hG4bK-again-", 1)
		p.SendRaw(stale)
		p.Want(500, "SUBSCRIBE")
		p.cseq += 2

		known := p.remote
		p.remote = "stranger"
		p.want(481)
		p.remote = known
		p.want(200) // the dialog has taken no harm
		p.notified("active;expires=3600", "full off")

		// Another line of the site knows the dialog and is refused.
		p.line, p.nonce = bob, nil
		p.want(403)
		wantSubscriptions(t, w, 1)
	})
}

func TestSubscriptionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := w.subscribed(t, "198.51.100.7:5060", ann, "Expires: 100")
		sub := <-l.subs
		time.Sleep(60 * time.Second)
		p.want(200, "Expires: 100")
		p.notified("active;expires=100", "full off")
		start := time.Now()
		p.notified("terminated;reason=timeout", "full off")
		if d := time.Since(start); d != 100*time.Second {
			t.Errorf("expired after %v", d)
		}
		wantSubscriptions(t, w, 0)
		if !errors.Is(sub.Cause(), ErrSubscriptionExpired) {
			t.Errorf("cause %v", sub.Cause())
		}
	})
}

func TestTerminate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := w.subscribed(t, "198.51.100.7:5060", ann)
		(<-l.subs).Terminate(EndGiveUp, 1500*time.Millisecond)
		p.notified("terminated;reason=giveup;retry-after=2", "full off")
		wantSubscriptions(t, w, 0)

		q := w.subscribed(t, "198.51.100.8:5060", bob)
		if n := w.srv.EndSubscriptions(func(s *Subscription) bool { return s.Username() == bob.Username }, EndRejected); n != 1 {
			t.Errorf("ended %d", n)
		}
		q.notified("terminated;reason=rejected", "full off")
		wantSubscriptions(t, w, 0)
	})
}

// TestReboot: a phone that starts anew has forgotten its dialog, which ends without a word.
func TestReboot(t *testing.T) {
	tests := []struct {
		name          string
		before, after []string // further headers
		move          string   // address after the start
		forgotten     bool
	}{
		{"same contact", nil, nil, "198.51.100.7:5060", true},
		{"same phone, moved", []string{"User-Agent: Cisco-CP-8851-3PCC/11.3.7_00562b043615"}, []string{"User-Agent: Cisco-CP-8851-3PCC/12.0.3_00562b043615"}, "198.51.100.9:5060", true},
		{"two phones of a line", []string{"User-Agent: Cisco-CP-8851-3PCC/11.3.7_00562b043615"}, []string{"User-Agent: Cisco-CP-8851-3PCC/11.3.7_00562b04361f"}, "198.51.100.9:5060", false},
		{"two contacts", nil, nil, "198.51.100.9:5060", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLamp()
				w := newLampWorld(t, l, SubscriptionConfig{})
				old := w.subscribed(t, "198.51.100.7:5060", ann, tt.before...)
				oldSub := <-l.subs
				old.Close()
				oldSub.Changed() // nobody answers: it is sent again and again
				time.Sleep(2 * time.Second)
				p := w.subscribed(t, tt.move, ann, tt.after...)
				if p.callID == old.callID {
					t.Fatal("not a new dialog")
				}
				synctest.Wait()
				if got := errors.Is(oldSub.Cause(), ErrReplaced); got != tt.forgotten {
					t.Errorf("the old one ended with %v", oldSub.Cause())
				}
				if !tt.forgotten {
					return
				}
				p.Quiet(40 * time.Second)
				wantSubscriptions(t, w, 1)
				newSub := <-l.subs
				newSub.Changed()
				p.notified("active;expires=3560", "part off")
			})
		})
	}
}

func TestConnectionLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.Dial(t, w.Network, "198.51.100.7:40001", serverAddr), ann)
		p.contact = "<sip:line81@198.51.100.7:5060;transport=tcp>"
		if m := p.want(200); !strings.HasSuffix(m.URI("Contact"), ";transport=tcp") {
			t.Errorf("Contact %s", m.Header("Contact"))
		}
		p.notified("active;expires=3600", "full off") // on its connection
		sub := <-l.subs

		// It refreshes on a second connection: NOTIFYs follow, and the end of the first means nothing.
		q := newWatcher(t, siptest.Dial(t, w.Network, "198.51.100.7:40002", serverAddr), ann)
		q.uri, q.remote, q.callID, q.tag, q.cseq, q.nonce, q.nc = p.uri, p.remote, p.callID, p.tag, p.cseq, p.nonce, p.nc
		q.want(200)
		q.notified("active;expires=3600", "full off")
		p.Close()
		synctest.Wait()
		sub.Changed()
		q.notified("active;expires=3600", "part off")
		wantSubscriptions(t, w, 1)

		q.Close()
		synctest.Wait()
		time.Sleep(time.Second)
		wantSubscriptions(t, w, 0)
		if !errors.Is(sub.Cause(), ErrFlowGone) {
			t.Errorf("cause %v", sub.Cause())
		}
	})
}

func TestSubscriptionLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{MaxPerLine: 2, Max: 3})
		w.subscribed(t, "198.51.100.1:5060", ann)
		w.subscribed(t, "198.51.100.2:5060", ann)
		third := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.3:5060", serverAddr), ann)
		if m := third.want(503); m.Header("Retry-After") != "60" {
			t.Errorf("Retry-After %q", m.Header("Retry-After"))
		}
		w.subscribed(t, "198.51.100.4:5060", bob)
		newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.5:5060", serverAddr), bob).want(503)
		// A phone that starts anew needs no further room.
		again := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.6:5060", serverAddr), bob)
		again.contact = "<sip:line82@198.51.100.4:5060>"
		again.want(200)
		again.notified("active;expires=3600", "full off")
		wantSubscriptions(t, w, 3)
	})
}

// TestShutdownSendsSubscribersAway: they come back later, so that no lamp shows what was true before.
func TestShutdownSendsSubscribersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p, dead := w.subscribed(t, "198.51.100.7:5060", ann), w.subscribed(t, "198.51.100.8:5060", bob)
		dead.Close()
		start := time.Now()
		done := make(chan struct{})
		go func() { w.stop(); close(done) }() // ends with the server
		m := p.WantRequest("NOTIFY")
		var after int
		if n, err := fmt.Sscanf(m.Header("Subscription-State"), "terminated;reason=probation;retry-after=%d", &after); n != 1 || err != nil || after < 5 || after > 30 {
			t.Errorf("Subscription-State %q", m.Header("Subscription-State"))
		}
		p.Answer(m, "200 OK", "")
		<-done
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("the end took %v", d)
		}
	})
}
