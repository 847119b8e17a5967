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

	"passerelle/sip/siptest"
)

// callee is a trunk peer and a way to call it.
func callee(t *testing.T) (*world, *siptest.Peer, func(o Outgoing) *Leg) {
	t.Helper()
	w := newWorld(t, ServerConfig{}, answering)
	peer := w.trunk(t)
	synctest.Wait() // the socket is known
	return w, peer, func(o Outgoing) *Leg {
		t.Helper()
		if o.Target.URI == "" {
			o.Target = TrunkTarget("sip:+33170009999@"+trunkAddr, netip.MustParseAddrPort(trunkAddr))
		}
		if o.From == "" {
			o.From = "sip:+33170001000@site.test"
		}
		o.Trunk, o.Offer = "carrier", []byte("offer")
		leg, err := w.srv.Dial(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		return leg
	}
}

var answerBody = siptest.Body("application/sdp", "answer")

func TestDialAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Display: `Mr "X"`, Headers: []Header{{"P-Asserted-Identity", "<sip:+33170001000@site.test>"}}})
		invite := peer.WantRequest("INVITE")
		for name, want := range map[string]string{
			"From":                `"Mr \"X\"" <sip:+33170001000@site.test>;tag=` + string(leg.ID().LocalTag),
			"To":                  "<sip:+33170009999@" + trunkAddr + ">",
			"P-Asserted-Identity": "<sip:+33170001000@site.test>",
			"Contact":             "<sip:" + string(leg.ID().LocalTag) + "@" + serverAddr + ">",
		} {
			if got := invite.Header(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		peer.Answer(invite, "100 Trying", "")
		peer.Answer(invite, "183 Session Progress", "callee", siptest.Body("application/sdp", "early"))
		peer.Answer(invite, "200 OK", "callee", "Contact: <sip:there@10.0.0.2:5060>", "Record-Route: <sip:10.0.0.2;lr;n=2>", "Record-Route: <sip:10.0.0.2;lr;n=1>", answerBody)
		answer, err := leg.Answered(context.Background())
		if err != nil || string(answer) != "answer" {
			t.Fatalf("%q, %v", answer, err)
		}
		if e, ok := (<-leg.Events()).(ProgressEvent); !ok || e.Code != 183 || string(e.SDP) != "early" {
			t.Errorf("event %+v", e)
		}
		if leg.ID().RemoteTag != "callee" {
			t.Errorf("dialog %v", leg.ID())
		}
		ack := peer.WantRequest("ACK")
		if ack.StartLine() != "ACK sip:there@10.0.0.2:5060 SIP/2.0" || strings.Join(ack.Headers("Route"), ",") != "<sip:10.0.0.2;lr;n=1>,<sip:10.0.0.2;lr;n=2>" {
			t.Errorf("ACK %s", ack.Raw)
		}
		peer.Answer(invite, "200 OK", "callee", "Contact: <sip:there@10.0.0.2:5060>", answerBody)
		if again := peer.WantRequest("ACK"); again.CSeq() != ack.CSeq() {
			t.Errorf("second ACK %s", again.Raw)
		}
		// The callee hangs up.
		peer.Send(fmt.Sprintf("BYE sip:x@%s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKbye\nFrom: %s;tag=callee\nTo: %s\nCall-ID: %s\nCSeq: 0 BYE\n",
			serverAddr, trunkAddr, invite.Header("To"), invite.Header("From"), leg.CallID()))
		peer.Want(200, "BYE")
		<-leg.Done()
		if !errors.Is(leg.Cause(), ErrBye) {
			t.Errorf("cause %v", leg.Cause())
		}
		wantLegs(t, w, 0)
	})
}

func TestDialRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		peer.Answer(peer.WantRequest("INVITE"), "486 Busy Here", "x", "Reason: Q.850;cause=17")
		peer.WantRequest("ACK")
		_, err := leg.Answered(context.Background())
		if se, ok := errors.AsType[*StatusError](err); !ok || se.Code != 486 || !strings.Contains(err.Error(), "Q.850;cause=17") {
			t.Errorf("%v", err)
		}
		wantLegs(t, w, 0)
	})
}

func TestDialNobodyThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		peer.Close()
		start := time.Now()
		_, err := dial(Outgoing{}).Answered(context.Background())
		if se, ok := errors.AsType[*StatusError](err); !ok || se.Code != 408 || time.Since(start) != 32*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		wantLegs(t, w, 0)
	})
}

func hangup(leg *Leg) <-chan error {
	done := make(chan error, 1)
	go func() { done <- leg.Hangup(context.Background(), Reason{"SIP", 200, "Call completed elsewhere"}) }() // ends with the leg
	return done
}

func TestDialCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		done := hangup(leg)
		peer.Quiet(100 * time.Millisecond) // no CANCEL before a provisional answer (RFC 3261 §9.1)
		peer.Answer(invite, "180 Ringing", "x")
		cancel := peer.WantRequest("CANCEL")
		if cancel.Header("Via") != invite.Header("Via") || cancel.CSeq() != invite.CSeq() || cancel.Tag("To") != "" ||
			cancel.StartLine() != strings.Replace(invite.StartLine(), "INVITE", "CANCEL", 1) ||
			cancel.Header("Reason") != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Errorf("CANCEL %s", cancel.Raw)
		}
		peer.Answer(cancel, "200 OK", "x")
		peer.Answer(invite, "487 Request Terminated", "x")
		peer.WantRequest("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantLegs(t, w, 0)
		peer.Quiet(time.Minute)
	})
}

// TestDialCancelCrossesAnswer: the 200 was under way when we cancelled; the call is acknowledged and ended.
func TestDialCancelCrossesAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "180 Ringing", "x")
		synctest.Wait()
		done := hangup(leg)
		cancel := peer.WantRequest("CANCEL")
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:there@10.0.0.2:5060>", answerBody)
		peer.Answer(cancel, "200 OK", "x")
		peer.WantRequest("ACK")
		peer.Answer(peer.WantRequest("BYE"), "200 OK", "")
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantLegs(t, w, 0)
	})
}

// TestDialCancelUnanswered: a callee that confirms the CANCEL and never ends the INVITE does not hold the leg for ever.
func TestDialCancelUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "180 Ringing", "x")
		synctest.Wait()
		start := time.Now()
		done := hangup(leg)
		peer.Answer(peer.WantRequest("CANCEL"), "200 OK", "x")
		<-done
		if d := time.Since(start); d != ackLimit {
			t.Errorf("ended after %v, want %v", d, ackLimit)
		}
		wantLegs(t, w, 0)
	})
}

// TestDialGivenUpBefore: who gives up before the INVITE is sent leaves no leg behind.
func TestDialGivenUpBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := callee(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range 50 { // each is sent or not, as it comes
			_, _ = w.srv.Dial(ctx, Outgoing{
				Target: TrunkTarget("sip:+33170009999@"+trunkAddr, netip.MustParseAddrPort(trunkAddr)),
				From:   "sip:+33170001000@site.test", Trunk: "carrier", Offer: []byte("offer"),
			})
		}
		time.Sleep(40 * time.Second)
		wantLegs(t, w, 0)
	})
}

// TestDialForked: a proxy forked the call and two phones answer; the second gets ACK and BYE. Stock sipgo takes both for one.
func TestDialForked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "200 OK", "first", "Contact: <sip:one@10.0.0.2:5060>", answerBody)
		if ack := peer.WantRequest("ACK"); ack.Tag("To") != "first" {
			t.Errorf("ACK %s", ack.Raw)
		}
		for i := range 2 {
			peer.Answer(invite, "200 OK", "second", "Contact: <sip:two@10.0.0.2:5060>", answerBody)
			ack := peer.WantRequest("ACK")
			if ack.Tag("To") != "second" || ack.StartLine() != "ACK sip:two@10.0.0.2:5060 SIP/2.0" {
				t.Errorf("ACK %s", ack.Raw)
			}
			if i == 0 {
				bye := peer.WantRequest("BYE")
				if bye.Tag("To") != "second" || bye.StartLine() != "BYE sip:two@10.0.0.2:5060 SIP/2.0" {
					t.Errorf("BYE %s", bye.Raw)
				}
				peer.Answer(bye, "200 OK", "")
			}
		}
		wantLegs(t, w, 1)
		done := hangup(leg)
		bye := peer.WantRequest("BYE")
		if bye.Tag("To") != "first" || bye.StartLine() != "BYE sip:one@10.0.0.2:5060 SIP/2.0" {
			t.Errorf("BYE %s", bye.Raw)
		}
		peer.Answer(bye, "200 OK", "")
		<-done
		wantLegs(t, w, 0)
	})
}

func TestDialChallenged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer, dial := callee(t)
		asked := 0
		leg := dial(Outgoing{Credentials: func(realm string) (string, string, bool) {
			asked++
			return "user", "secret", realm == "carrier"
		}})
		first := peer.WantRequest("INVITE")
		peer.Answer(first, "407 Proxy Authentication Required", "x", `Proxy-Authenticate: Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`)
		peer.WantRequest("ACK")
		second := peer.WantRequest("INVITE")
		cred := second.Header("Proxy-Authorization")
		if second.CSeq() != first.CSeq()+1 || second.Header("Call-ID") != first.Header("Call-ID") || second.Tag("From") != first.Tag("From") ||
			second.Header("Via") == first.Header("Via") || !strings.Contains(cred, `username="user"`) || !strings.Contains(cred, `nonce="n1"`) {
			t.Errorf("INVITE %s", second.Raw)
		}
		if strings.Contains(second.Raw, "secret") {
			t.Error("the password is in the request")
		}
		peer.Answer(second, "407 Proxy Authentication Required", "x", `Proxy-Authenticate: Digest realm="carrier", nonce="n2", stale=true, algorithm=MD5, qop="auth"`)
		peer.WantRequest("ACK")
		third := peer.WantRequest("INVITE")
		if n := len(third.Headers("Proxy-Authorization")); n != 1 || !strings.Contains(third.Header("Proxy-Authorization"), `nonce="n2"`) {
			t.Errorf("INVITE %s", third.Raw)
		}
		peer.Answer(third, "407 Proxy Authentication Required", "x", `Proxy-Authenticate: Digest realm="carrier", nonce="n3", algorithm=MD5, qop="auth"`)
		peer.WantRequest("ACK")
		_, err := leg.Answered(context.Background())
		if se, ok := errors.AsType[*StatusError](err); !ok || se.Code != 407 {
			t.Errorf("%v", err)
		}
		if asked != 2 {
			t.Errorf("asked for credentials %d times", asked)
		}
	})
}

// TestDialBinding: a call to a phone goes to its own connection, and only as long as that is there.
func TestDialBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reg := site(t, ServerConfig{}, answering)
		alice := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		bob := siptest.Dial(t, w.Network, "10.0.0.21:0", serverAddr)
		udp := siptest.NewPeer(t, w.Network, "10.0.0.22:5062", serverAddr)
		registered(t, alice, "alice", "pA")
		registered(t, bob, "bob", "pB")
		b := reg.Bindings("alice@site.test")
		if len(b) != 1 {
			t.Fatalf("bindings %+v", b)
		}
		out := Outgoing{Target: b[0].Target(), From: "sip:bob@site.test", Offer: []byte("offer")}
		leg, err := w.srv.Dial(context.Background(), out)
		if err != nil {
			t.Fatal(err)
		}
		invite := alice.WantRequest("INVITE")
		if !strings.HasPrefix(invite.Header("Via"), "SIP/2.0/TCP "+serverAddr) || !strings.HasPrefix(invite.StartLine(), "INVITE "+b[0].Contact) {
			t.Errorf("INVITE %s", invite.Raw)
		}
		alice.Answer(invite, "200 OK", "a", "Contact: <sip:alice@192.168.0.9>", answerBody)
		if _, err := leg.Answered(context.Background()); err != nil {
			t.Error(err)
		}
		alice.WantRequest("ACK")
		bob.Quiet(time.Second)
		done := hangup(leg)
		alice.Answer(alice.WantRequest("BYE"), "200 OK", "")
		<-done
		alice.Close()
		synctest.Wait()
		if _, err := w.srv.Dial(context.Background(), out); !errors.Is(err, ErrFlowGone) {
			t.Errorf("call to a closed connection: %v", err)
		}

		registered(t, udp, "alice", "pA")
		b = reg.Bindings("alice@site.test")
		if len(b) != 1 {
			t.Fatalf("bindings %+v", b)
		}
		leg, err = w.srv.Dial(context.Background(), Outgoing{Target: b[0].Target(), From: "sip:bob@site.test", Offer: []byte("offer")})
		if err != nil {
			t.Fatal(err)
		}
		invite = udp.WantRequest("INVITE")
		udp.Answer(invite, "200 OK", "a", "Contact: <sip:alice@192.168.0.9>", answerBody) // behind NAT: its contact leads nowhere
		if _, err := leg.Answered(context.Background()); err != nil {
			t.Error(err)
		}
		udp.WantRequest("ACK")
		done = hangup(leg)
		udp.Answer(udp.WantRequest("BYE"), "200 OK", "")
		<-done
	})
}

func TestDialSessionTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		if !strings.Contains(invite.Header("Supported"), "timer") {
			t.Errorf("Supported %q", invite.Header("Supported"))
		}
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:there@10.0.0.2:5060>", "Allow: UPDATE", "Require: timer", "Session-Expires: 200;refresher=uac", answerBody)
		peer.WantRequest("ACK")
		start := time.Now()
		update := peer.WantRequest("UPDATE")
		if d := update.At.Sub(start); d != 100*time.Second || update.Header("Session-Expires") != "200;refresher=uac" {
			t.Errorf("refresh after %v with %q", d, update.Header("Session-Expires"))
		}
		peer.Answer(update, "200 OK", "", "Session-Expires: 200;refresher=uac")
		done := hangup(leg)
		peer.Answer(peer.WantRequest("BYE"), "200 OK", "")
		<-done
		wantLegs(t, w, 0)
	})
}

func TestDialWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, _ := callee(t)
		w.srv.Drain()
		_, err := w.srv.Dial(context.Background(), Outgoing{Target: TrunkTarget("sip:x@"+trunkAddr, netip.MustParseAddrPort(trunkAddr)), From: "sip:a@site.test"})
		if !errors.Is(err, ErrShutdown) {
			t.Errorf("%v", err)
		}
		peer.Quiet(time.Second)
	})
}

// TestReinviteWithoutEnd: a re-INVITE of ours that only rings is cancelled after a minute, and the dialog goes on.
func TestReinviteWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Hour)
		invite := call.WantRequest("INVITE")
		call.Answer(invite, "180 Ringing", "")
		cancel := call.WantRequest("CANCEL")
		if d := cancel.At.Sub(invite.At); d != reinviteLimit {
			t.Errorf("CANCEL after %v", d)
		}
		call.Answer(cancel, "200 OK", "")
		call.Answer(invite, "487 Request Terminated", "")
		call.WantRequest("ACK")
		r := <-done
		if se, ok := errors.AsType[*StatusError](r.err); !ok || se.Code != 487 {
			t.Errorf("%+v", r)
		}
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}
