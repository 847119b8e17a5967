package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"passerelle/sip/siptest"
)

// TestOneNotifyAtATime: states supersede one another while a NOTIFY is unanswered, given bodies do not.
func TestOneNotifyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		first := p.heard("active;expires=3600", "full off")
		sub := <-l.subs
		set := func(state string) {
			l.state = state
			sub.Changed()
			synctest.Wait()
		}
		set("1")
		set("2")
		sub.Notify("text/word", []byte("a"))
		sub.Notify("text/word", []byte("b"))
		set("3")
		sub.Resend()
		set("4")
		p.Quiet(400 * time.Millisecond) // until the first is sent again
		p.Answer(first, "200 OK", "")
		for i, want := range []string{"part 4", "a", "b", "full 4"} {
			m := p.notified("active;expires=3600", want)
			if m.CSeq() != first.CSeq()+i+1 {
				t.Errorf("CSeq %d of %q, the first had %d", m.CSeq(), want, first.CSeq())
			}
		}
		p.Quiet(time.Minute)
	})
}

// TestWhenSent tells when a phone has been sent all that waited.
func TestWhenSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		first := p.heard("active;expires=3600", "full off")
		sub := <-l.subs
		sent := make(chan string, 4)
		sub.WhenSent(func() { sent <- "nothing waits" })
		sub.Changed()
		sub.WhenSent(func() { sent <- "changed" })
		synctest.Wait()
		if got := len(sent); got != 1 || <-sent != "nothing waits" {
			t.Errorf("%d told before the first was answered", got)
		}
		p.Answer(first, "200 OK", "")
		second := p.heard("active;expires=3600", "part off")
		if got := <-sent; got != "changed" {
			t.Error(got)
		}
		sub.Changed()
		sub.WhenSent(func() { sent <- "lost" })
		p.Answer(second, "481 Gone", "")
		if got := <-sent; got != "lost" {
			t.Error(got)
		}
		synctest.Wait()
		sub.WhenSent(func() { sent <- "over" })
		if got := <-sent; got != "over" {
			t.Error(got)
		}
	})
}

// TestNothingChanged: a NOTIFY that would tell nothing is not sent.
func TestNothingChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		calls := 0
		l.begin = func(s *Subscription) error {
			s.State(func(full bool) (string, []byte) {
				if calls++; full {
					return "text/lamp", []byte("all")
				}
				return "text/lamp", nil
			})
			return nil
		}
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := w.subscribed(t, "198.51.100.7:5060", ann)
		sub := <-l.subs
		sub.Changed()
		p.Quiet(time.Minute)
		sub.Resend()
		p.notified("active;expires=3540", "all")
		if calls != 3 {
			t.Errorf("the state was asked for %d times", calls)
		}
	})
}

// TestNotifyLost: a NOTIFY is sent again by T1 and T2, and its silence ends the dialog at Timer F (RFC 3261 §17.1.2).
func TestNotifyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		start := time.Now()
		var at []string
		var first string
		for _, m := range p.Drain(time.Minute) {
			if first == "" {
				first = m.Raw
			}
			if m.Raw != first {
				t.Errorf("sent again differently\n%s\nfirst\n%s", m.Raw, first)
			}
			at = append(at, m.At.Sub(start).String())
		}
		if got := strings.Join(at, " "); got != "0s 500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s" {
			t.Errorf("sent at %s", got)
		}
		wantSubscriptions(t, w, 0)
		if sub := <-l.subs; !errors.Is(sub.Cause(), ErrDialogGone) {
			t.Errorf("cause %v", sub.Cause())
		}
		p.want(481)
	})
}

func TestNotifyRefused(t *testing.T) {
	for _, status := range []string{
		"481 Subscription does not exist", "408 Request Timeout", "404 Not Found", "489 Bad Event", "503 Service Unavailable",
		"500 Server Internal Error", "603 Decline", "302 Moved Temporarily", "401 Unauthorized", "407 Proxy Authentication Required",
	} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLamp()
				w := newLampWorld(t, l, SubscriptionConfig{})
				p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
				p.want(200)
				p.Answer(p.heard("active;expires=3600", "full off"), status, "")
				wantSubscriptions(t, w, 0)
				sub := <-l.subs
				se, ok := errors.AsType[*StatusError](sub.Cause())
				if !errors.Is(sub.Cause(), ErrDialogGone) || !ok || !strings.HasPrefix(status, fmt.Sprint(se.Code)) {
					t.Errorf("cause %v", sub.Cause())
				}
				p.Quiet(time.Minute)
			})
		})
	}
}

func TestNotifyRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200, "Expires: 1000")
		refused := p.heard("active;expires=1000", "full off")
		p.Answer(refused, "503 Service Unavailable", "", "Retry-After: 20 (busy);duration=60")
		sub := <-l.subs
		l.state = "on"
		sub.Changed()
		sub.Notify("text/word", []byte("a"))
		start := time.Now()
		m := p.heard("active;expires=980", "full on")
		if d := time.Since(start); d != 20*time.Second || m.CSeq() != refused.CSeq()+1 {
			t.Errorf("sent again after %v with CSeq %d after %d", d, m.CSeq(), refused.CSeq())
		}
		p.Answer(m, "200 OK", "")
		p.Answer(p.heard("active;expires=980", "a"), "480 Temporarily Unavailable", "", "Retry-After: 7")
		sub.Changed()
		p.notified("active;expires=973", "a")
		p.notified("active;expires=973", "part on")

		// The pause would outlive the subscription.
		sub.Changed()
		p.Answer(p.heard("active;expires=973", "part on"), "503 Service Unavailable", "", "Retry-After: 974")
		wantSubscriptions(t, w, 0)
	})
}

// TestPhoneChallengesNotify: some phones are set to challenge what comes to them.
func TestPhoneChallengesNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		first := p.heard("active;expires=3600", "full off")
		p.Answer(first, "401 Unauthorized", "", `WWW-Authenticate: Digest realm="phone", nonce="a1", qop="auth", algorithm=MD5`)
		second := p.heard("active;expires=3600", "full off")
		wantDigest(t, second, ann, "a1")
		if second.CSeq() != first.CSeq()+1 {
			t.Errorf("CSeq %d after %d", second.CSeq(), first.CSeq())
		}
		p.Answer(second, "401 Unauthorized", "", `WWW-Authenticate: Digest realm="phone", nonce="a2", stale=true, qop="auth", algorithm=MD5`)
		third := p.heard("active;expires=3600", "full off")
		wantDigest(t, third, ann, "a2")
		p.Answer(third, "200 OK", "")
		(<-l.subs).Changed()
		fourth := p.heard("active;expires=3600", "part off")
		p.Answer(fourth, "401 Unauthorized", "", `WWW-Authenticate: Digest realm="phone", nonce="a3", algorithm=MD5`)
		fifth := p.heard("active;expires=3600", "part off")
		p.Answer(fifth, "401 Unauthorized", "", `WWW-Authenticate: Digest realm="phone", nonce="a4", algorithm=MD5`)
		wantSubscriptions(t, w, 0) // our password is wrong there
	})
}

// wantDigest checks the credentials of a request of ours.
func wantDigest(t *testing.T, m siptest.Message, line Line, nonce string) {
	t.Helper()
	cred, err := digest.ParseCredentials(m.Header("Authorization"))
	if err != nil {
		t.Fatalf("Authorization %q: %v", m.Header("Authorization"), err)
	}
	uri := strings.Fields(m.StartLine())[1]
	want, err := digest.Digest(&digest.Challenge{Realm: "phone", Nonce: nonce, Algorithm: "MD5", QOP: []string{"auth"}},
		digest.Options{Method: m.Method(), URI: uri, Username: line.Username, Password: line.Password, Count: cred.Nc, Cnonce: cred.Cnonce})
	if err != nil || cred.Response != want.Response || cred.URI != uri || cred.Nonce != nonce {
		t.Errorf("credentials %v, want %v, %v", cred, want, err)
	}
}

// TestPackagePanics ends its subscription only.
func TestPackagePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		fault := false
		l.begin = func(s *Subscription) error {
			s.State(func(bool) (string, []byte) {
				if fault {
					panic("fault")
				}
				return "text/lamp", []byte("on")
			})
			return nil
		}
		w := newLampWorld(t, l, SubscriptionConfig{})
		p, q := w.subscribed(t, "198.51.100.7:5060", ann), w.subscribed(t, "198.51.100.8:5060", bob)
		a, b := <-l.subs, <-l.subs
		fault = true
		a.Changed()
		wantSubscriptions(t, w, 1)
		if !errors.Is(a.Cause(), ErrPanic) || b.Cause() != nil {
			t.Errorf("causes %v, %v", a.Cause(), b.Cause())
		}
		fault = false
		b.Changed()
		q.notified("active;expires=3600", "on")
		p.want(481)
	})
}

// TestBodyFlood: bodies for a phone that is silent do not pile up.
func TestBodyFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := newWatcher(t, siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr), ann)
		p.want(200)
		first := p.heard("active;expires=3600", "full off")
		sub := <-l.subs
		for i := range 100 {
			sub.Notify("text/word", fmt.Append(nil, i))
		}
		synctest.Wait()
		p.Answer(first, "200 OK", "")
		for i := 100 - notificationRoom; i < 100; i++ {
			p.notified("active;expires=3600", fmt.Sprint(i))
		}
		p.Quiet(time.Minute)
	})
}

func TestNotice(t *testing.T) {
	const challenge = `WWW-Authenticate: Digest realm="phone", nonce="a1", qop="auth", algorithm=MD5`
	login := func(string) (string, string, bool) { return ann.Username, ann.Password, true }
	tests := []struct {
		name        string
		credentials Credentials
		answers     []string // what the phone says, with a header perhaps
		code        int      // of the error, 0 for none
	}{
		{"taken", nil, []string{"200 OK"}, 0},
		{"accepted", nil, []string{"202 Accepted"}, 0},
		{"not understood", nil, []string{"489 Bad Event"}, 489},
		{"challenged, with credentials", login, []string{"401 Unauthorized\n" + challenge, "200 OK"}, 0},
		{"challenged, without credentials", nil, []string{"401 Unauthorized\n" + challenge}, 401},
		{"challenged, wrong password", login, []string{"401 Unauthorized\n" + challenge, "401 Unauthorized\n" + challenge}, 401},
		{"challenged, no password for the realm", func(string) (string, string, bool) { return "", "", false }, []string{"401 Unauthorized\n" + challenge}, 401},
		{"silent", nil, nil, 408},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newLampWorld(t, newLamp(), SubscriptionConfig{})
				p := siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr)
				result := make(chan error, 1)
				go func() { // ends with the answer
					result <- w.srv.Notify(context.Background(), Notice{
						Target: Target{URI: "sip:line81@198.51.100.7:5060", Source: Source{Transport: "UDP", Remote: p.Addr, Local: netip.MustParseAddrPort(serverAddr)}},
						To:     "sip:line81@site.test", Event: "resync", ContentType: "text/plain", Body: []byte("go"),
						Headers: []Header{{"X-Reason", "test"}}, Credentials: tt.credentials,
					})
				}()
				for i, a := range tt.answers {
					m := p.WantRequest("NOTIFY")
					for name, want := range map[string]string{
						"Event": "resync", "Subscription-State": "terminated", "X-Reason": "test", "Content-Type": "text/plain",
						"From": "<sip:line81@site.test>;tag=" + m.Tag("From"), "To": "<sip:line81@site.test>",
					} {
						if got := m.Header(name); got != want {
							t.Errorf("%s is %q, want %q", name, got, want)
						}
					}
					if m.StartLine() != "NOTIFY sip:line81@198.51.100.7:5060 SIP/2.0" || m.Body() != "go" || m.Tag("From") == "" {
						t.Errorf("NOTIFY %s", m.Raw)
					}
					if i > 0 {
						wantDigest(t, m, ann, "a1")
					}
					status, extra, more := strings.Cut(a, "\n")
					if more {
						p.Answer(m, status, "t", extra)
					} else {
						p.Answer(m, status, "t")
					}
				}
				err := <-result
				se, ok := errors.AsType[*StatusError](err)
				if (tt.code == 0) != (err == nil) || tt.code != 0 && (!ok || se.Code != tt.code) {
					t.Errorf("%v, want %d", err, tt.code)
				}
			})
		})
	}
}

func TestNoticeGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newLampWorld(t, newLamp(), SubscriptionConfig{})
		p := siptest.NewPeer(t, w.Network, "198.51.100.7:5060", serverAddr)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		target := Target{URI: "sip:line81@198.51.100.7:5060", Source: Source{Transport: "UDP", Remote: p.Addr, Local: netip.MustParseAddrPort(serverAddr)}}
		if err := w.srv.Notify(ctx, Notice{Target: target, Event: "resync"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if got := len(p.Drain(time.Minute)); got != 3 { // at once, and after 500 ms and 1.5 s
			t.Errorf("sent %d times", got)
		}
		target.Source = Source{Transport: "TCP", Remote: p.Addr, Flow: 99}
		if err := w.srv.Notify(context.Background(), Notice{Target: target, Event: "resync"}); !errors.Is(err, ErrFlowGone) {
			t.Errorf("%v", err)
		}
		target.URI = "not a URI"
		target.Source = Source{Transport: "UDP", Remote: p.Addr}
		if err := w.srv.Notify(context.Background(), Notice{Target: target, Event: "resync"}); err == nil {
			t.Error("sent to no URI")
		}
	})
}

// taker is a package that takes the notices of trunks.
type taker struct {
	*lamp
	took chan Received
}

func (p taker) Take(r Received) { p.took <- r }

// trunkSite is siteLines with a trunk.
type trunkSite struct{ siteLines }

func (trunkSite) Trunk(src netip.AddrPort) (string, bool) { return trunkLines{}.Trunk(src) }

func TestNoticesOfTrunks(t *testing.T) {
	const text = "NOTIFY sip:%s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%d\nFrom: <sip:mail@trunk>;tag=1\nTo: <sip:%s>\nCall-ID: %d\nCSeq: 1 NOTIFY\nEvent: %s\nContent-Type: text/lamp\n\non"
	tests := []struct {
		name, from, uri, to, event string
		code                       int
	}{
		{"by Request-URI", trunkAddr, "line81@site.test", "x@trunk", "x-lamp", 200},
		{"by To", trunkAddr, "10.0.0.1", "line81@site.test", "x-lamp;id=3", 200},
		{"nobody's", trunkAddr, "line99@site.test", "line98@site.test", "x-lamp", 404},
		{"other event", trunkAddr, "line81@site.test", "line81@site.test", "presence", 481},
		{"stranger", "198.51.100.66:5060", "line81@site.test", "line81@site.test", "x-lamp", 481},
		{"keep-alive", "198.51.100.66:5060", "site.test", "site.test", "keep-alive", 200},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pkg := taker{newLamp(), make(chan Received, 1)}
				lines := trunkSite{newSiteLines(ann)}
				w := newWorldOf(t, ServerConfig{}, NewAuthenticator(AuthConfig{}, lines), nil, lines, answering, pkg)
				p := siptest.NewPeer(t, w.Network, tt.from, serverAddr)
				p.Send(fmt.Sprintf(text, tt.uri, tt.from, i, tt.to, i, tt.event))
				p.Want(tt.code, "NOTIFY")
				synctest.Wait()
				if tt.code != 200 || tt.event == "keep-alive" {
					if len(pkg.took) != 0 {
						t.Error("taken")
					}
					return
				}
				if r := <-pkg.took; r.AOR != ann.AOR || r.Trunk != "carrier" || r.Event != "x-lamp" || r.ContentType != "text/lamp" || string(r.Body) != "on" {
					t.Errorf("took %+v", r)
				}
			})
		})
	}
}
