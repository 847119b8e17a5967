package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// referHandler makes a ReferHandler of a function.
type referHandler func(ctx context.Context, r *Referral) error

func (f referHandler) ServeRefer(ctx context.Context, r *Referral) error { return f(ctx, r) }

// referring starts a server that serves REFERs outside dialogs, with alice's phone registered by TCP.
func referring(t *testing.T, h referHandler) (*world, *siptest.Peer) {
	t.Helper()
	w, _ := site(t, ServerConfig{}, answering)
	w.srv.HandleRefer(h) // nothing has come yet
	alice := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
	registered(t, alice, "alice", "pA")
	return w, alice
}

// refer sends a REFER from alice's phone.
func refer(p *siptest.Peer, lines ...string) *siptest.Call {
	c := p.NewCall("sip:8000@site.test")
	c.From = "<sip:alice@site.test>"
	c.Request("REFER", lines...)
	return c
}

// wantReferNotify takes a NOTIFY and answers it.
func wantReferNotify(t *testing.T, p *siptest.Peer, accepted siptest.Message, state, body string) siptest.Message {
	t.Helper()
	m := p.WantRequest("NOTIFY")
	if m.Header("Event") != "refer" || m.Header("Subscription-State") != state || strings.TrimSpace(m.Body()) != body ||
		m.Header("Content-Type") != "message/sipfrag;version=2.0" || m.Tag("From") != accepted.Tag("To") || m.Tag("To") != accepted.Tag("From") ||
		m.Header("Call-ID") != accepted.Header("Call-ID") {
		t.Errorf("want %s, %s:\n%s", state, body, m.Raw)
	}
	p.Answer(m, "200 OK", "")
	return m
}

const (
	referActive = "active;expires=180"
	referEnded  = "terminated;reason=noresource"
)

// TestReferOutside: a REFER outside a call asks for one, and its sender hears what becomes of it (RFC 3515 §2.4).
func TestReferOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		referrals := make(chan *Referral, 1)
		w, alice := referring(t, func(ctx context.Context, r *Referral) error {
			referrals <- r
			if err := r.Accept(); err != nil {
				return err
			}
			if err := r.Accept(); !errors.Is(err, ErrWrongState) {
				t.Errorf("accepted twice: %v", err)
			}
			for _, code := range []int{100, 180, 200, 200} { // the last is one too many
				if err := r.Notify(ctx, code, ""); err != nil {
					return err
				}
			}
			return nil
		})
		refer(alice, "Refer-To: <sip:8002@site.test;user=phone?Replaces=abc%3Bto-tag%3Dx%3Bfrom-tag%3Dy>", "Referred-By: <sip:alice@site.test>",
			"Target-Dialog: call-1@x;local-tag=mine;remote-tag=yours")
		accepted := alice.Want(202, "REFER")
		if accepted.Tag("To") == "" || accepted.Header("Contact") == "" || accepted.Header("Refer-Sub") != "" {
			t.Errorf("%s", accepted.Raw)
		}
		first := wantReferNotify(t, alice, accepted, referActive, "SIP/2.0 100 Trying")
		second := wantReferNotify(t, alice, accepted, referActive, "SIP/2.0 180 Ringing")
		if second.CSeq() != first.CSeq()+1 {
			t.Errorf("CSeq %d after %d", second.CSeq(), first.CSeq())
		}
		wantReferNotify(t, alice, accepted, referEnded, "SIP/2.0 200 OK")
		r := <-referrals
		if r.Identity.Username != "alice" || r.ReferTo.User != "8002" || r.ReferTo.Params["user"] != "phone" || r.Method != "INVITE" ||
			r.Replaces == nil || *r.Replaces != (Replaces{CallID: "abc", ToTag: "x", FromTag: "y"}) || r.RequestURI.User != "8000" ||
			r.TargetDialog == nil || *r.TargetDialog != (Replaces{CallID: "call-1@x", ToTag: "yours", FromTag: "mine"}) || r.ReferredBy == "" {
			t.Errorf("%+v", r)
		}
		alice.Quiet(time.Minute)
		wantLegs(t, w, 0)
	})
}

// TestReferOutsideOutcomes: what the handler returns is what the sender hears, by the answer or by the last NOTIFY.
func TestReferOutsideOutcomes(t *testing.T) {
	busy := &StatusError{Code: 486}
	accepted := func(outcome error) referHandler {
		return func(_ context.Context, r *Referral) error { return errors.Join(r.Accept(), outcome) }
	}
	for _, c := range []struct {
		name   string
		serve  referHandler
		lines  []string
		code   int
		notify string // none if empty
		after  time.Duration
	}{
		{"refused", func(context.Context, *Referral) error { return busy }, nil, 486, "", 0},
		{"not accepted", func(context.Context, *Referral) error { return nil }, nil, 603, "", 0},
		{"panic", func(context.Context, *Referral) error { panic("x") }, nil, 500, "", 0},
		{"notified before it was accepted", func(ctx context.Context, r *Referral) error { return r.Notify(ctx, 100, "") }, nil, 500, "", 0},
		{"too slow", func(ctx context.Context, r *Referral) error {
			time.Sleep(time.Minute)
			if err := r.Accept(); !errors.Is(err, ErrWrongState) {
				t.Errorf("accepted late: %v", err)
			}
			return nil
		}, nil, 500, "", referLimit},
		{"accepted, and well", accepted(nil), nil, 202, "SIP/2.0 200 OK", 0},
		{"accepted, and failed", accepted(busy), nil, 202, "SIP/2.0 486 Busy Here", 0},
		{"accepted, and failed for a reason of ours", accepted(errors.New("x")), nil, 202, "SIP/2.0 500 Server Internal Error", 0},
		{"wants no NOTIFY", accepted(busy), []string{"Refer-Sub: false"}, 202, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, alice := referring(t, c.serve)
				start := time.Now()
				refer(alice, append([]string{"Refer-To: sip:8002@site.test"}, c.lines...)...)
				m := alice.Want(c.code, "REFER")
				if d := m.At.Sub(start); d != c.after {
					t.Errorf("after %v", d)
				}
				if (m.Header("Refer-Sub") == "false") != (c.lines != nil) {
					t.Errorf("%s", m.Raw)
				}
				if c.notify != "" {
					wantReferNotify(t, alice, m, referEnded, c.notify)
				}
				alice.Quiet(2 * time.Minute)
			})
		})
	}
}

// TestReferOutsideRefused: strangers, nonsense and servers without such a service.
func TestReferOutsideRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, alice := referring(t, func(_ context.Context, r *Referral) error {
			return &StatusError{Code: 400 + len(r.Method), Err: errors.New("served")} // 406 for INVITE, 403 for BYE
		})
		for _, c := range []struct {
			line string
			code int
		}{
			{"Refer-To: <sip:8002@site.test;method=BYE>", 403},
			{"Refer-To: <sip:8002@site.test;method=invite>", 406},
			{"Refer-To: <sip:8002@site.test;method=SUBSCRIBE>", 400},
			{"Refer-To: <sip:8002@site.test?Replaces=nonsense>", 400},
			{"Refer-To: ", 400},
			{"Subject: none", 400},
		} {
			refer(alice, c.line)
			alice.Want(c.code, "REFER")
		}
		stranger := siptest.NewPeer(t, w.Network, "10.0.0.66:5060", serverAddr)
		refer(stranger, "Refer-To: <sip:8002@site.test>")
		stranger.Want(401, "REFER")
		w.srv.Drain()
		refer(alice, "Refer-To: <sip:8002@site.test>")
		alice.Want(503, "REFER")
	})
	synctest.Test(t, func(t *testing.T) {
		call := newWorld(t, ServerConfig{}, answering).trunk(t).NewCall("sip:8000@site.test")
		call.Request("REFER", "Refer-To: <sip:8002@site.test>")
		if m := call.Want(405, "REFER"); strings.Contains(m.Header("Allow"), "REFER") {
			t.Errorf("%s", m.Raw)
		}
	})
}

// TestReferOutsideGone: who answers a NOTIFY with 481 hears no more.
func TestReferOutsideGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, alice := referring(t, func(ctx context.Context, r *Referral) error {
			if err := r.Accept(); err != nil {
				return err
			}
			if err := r.Notify(ctx, 100, ""); !errors.Is(err, ErrDialogGone) {
				t.Errorf("%v", err)
			}
			return r.Notify(ctx, 180, "")
		})
		refer(alice, "Refer-To: <sip:8002@site.test>")
		alice.Want(202, "REFER")
		alice.Answer(alice.WantRequest("NOTIFY"), "481 Gone", "")
		alice.Quiet(time.Minute)
	})
}

// TestReferOutsideShutdown: the end of the server ends the handler, and its sender is told.
func TestReferOutsideShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, alice := referring(t, func(ctx context.Context, r *Referral) error {
			if err := r.Accept(); err != nil {
				return err
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
		refer(alice, "Refer-To: <sip:8002@site.test>")
		accepted := alice.Want(202, "REFER")
		stopped := make(chan struct{})
		go func() { // ends with the server
			w.stop()
			close(stopped)
		}()
		wantReferNotify(t, alice, accepted, referEnded, "SIP/2.0 503 Service Unavailable")
		<-stopped
	})
}

// TestReplacedWhileRinging: Replaces finds a call of ours in each place where it rings (RFC 3891 §3), until it is answered.
func TestReplacedWhileRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		found := func(tag string) bool {
			synctest.Wait()
			ours := string(leg.ID().LocalTag)
			a, okA := w.srv.Replaced(Replaces{CallID: leg.CallID(), ToTag: tag, FromTag: ours})
			b, okB := w.srv.Replaced(Replaces{CallID: leg.CallID(), ToTag: ours, FromTag: tag})
			if okA != okB || okA && (a != leg || b != leg) {
				t.Errorf("%s: %v, %v", tag, okA, okB)
			}
			return okA
		}
		want := func(up bool, tags string) {
			t.Helper()
			got := ""
			for _, tag := range []string{"one", "two", "three"} {
				if found(tag) {
					got += tag + " "
				}
			}
			if got != tags || leg.Up() != up || !leg.Ours() {
				t.Errorf("found %q, up %v, want %q", got, leg.Up(), tags)
			}
		}
		want(false, "")
		peer.Answer(invite, "180 Ringing", "one")
		want(false, "one ")
		peer.Answer(invite, "183 Session Progress", "two")
		want(false, "one two ")
		if d := leg.EarlyDialogs(); len(d) != 2 || d[1] != (DialogID{leg.CallID(), leg.ID().LocalTag, "two"}) {
			t.Errorf("%v", d)
		}
		peer.Answer(invite, "200 OK", "two", "Contact: <sip:there@10.0.0.2:5060>", answerBody)
		peer.WantRequest("ACK")
		want(true, "two ")
		if d := leg.EarlyDialogs(); len(d) != 0 {
			t.Errorf("%v", d)
		}
		bye(peer, invite, "two", 1)
		wantLegs(t, w, 0)
		want(true, "")
	})
}

// TestFocus: the Contact of a leg that is a conference says so, from when it is one until it is none (RFC 4579 §4.1).
func TestFocus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Focus: true})
		invite := peer.WantRequest("INVITE")
		contact := fmt.Sprintf("<sip:%s@%s>", leg.ID().LocalTag, serverAddr)
		if got := invite.Header("Contact"); got != contact+";isfocus" {
			t.Errorf("Contact %q", got)
		}
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", answerBody)
		peer.WantRequest("ACK")
		for _, on := range []bool{false, true} {
			leg.SetFocus(on)
			done := reoffer(leg, time.Minute)
			m := peer.WantRequest("INVITE")
			if got := m.Header("Contact"); strings.HasSuffix(got, ">;isfocus") != on || !strings.HasPrefix(got, contact) {
				t.Errorf("focus %v: Contact %q", on, got)
			}
			peer.Answer(m, "200 OK", "", answerBody)
			peer.WantRequest("ACK")
			<-done
		}
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}
