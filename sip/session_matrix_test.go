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

// calleeSide is the callee's side of a call of ours, by the tag that it answers with.
func calleeSide(p *siptest.Peer, invite siptest.Message, tag string) *siptest.Call {
	c := p.NewCall(invite.URI("Contact"))
	c.From, c.Tag, c.CallID = invite.Header("To"), tag, invite.Header("Call-ID")
	c.To, _, _ = strings.Cut(invite.Header("From"), ";tag=")
	c.Remote = invite.Tag("From")
	return c
}

// accept answers all offers of the peer as an accepting handler does, until the leg ends.
func accept(leg *Leg) {
	for e := range leg.Events() {
		if _, ok := e.(OfferEvent); ok {
			_ = leg.Accept(context.Background(), []byte("v=0\r\n"))
		}
	}
}

// timerCase is one cell of the matrix of RFC 4028.
type timerCase struct {
	calling bool   // we are the caller
	ours    bool   // we refresh
	method  string // "UPDATE" or "INVITE"
	tooLow  bool   // the first refresh is refused with 422
}

func (c timerCase) String() string {
	s := map[bool]string{true: "caller", false: "callee"}[c.calling] + " " + map[bool]string{true: "refreshes", false: "is refreshed"}[c.ours] + " by " + c.method
	if c.tooLow {
		s += " after 422"
	}
	return s
}

// begin sets the call up with an interval of 1200 s.
func (c timerCase) begin(t *testing.T) (*world, *siptest.Call, *Leg) {
	t.Helper()
	allow := "Allow: INVITE, ACK, BYE, CANCEL"
	if c.method == "UPDATE" {
		allow += ", UPDATE"
	}
	if !c.calling {
		refresher := map[bool]string{true: "uas", false: "uac"}[c.ours]
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lentAccepting(legs))
		call, leg := confirmed(t, w, legs, allow, "Supported: timer", "Session-Expires: 1200;refresher="+refresher)
		return w, call, leg
	}
	w, peer, dial := callee(t)
	leg := dial(Outgoing{})
	go accept(leg) // ends with the leg
	invite := peer.WantRequest("INVITE")
	if invite.Header("Session-Expires") != "1800" || invite.Header("Min-SE") != "" {
		t.Errorf("INVITE asks for %q, %q", invite.Header("Session-Expires"), invite.Header("Min-SE"))
	}
	refresher := map[bool]string{true: "uac", false: "uas"}[c.ours]
	peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", allow, "Require: timer", "Session-Expires: 1200;refresher="+refresher, answerBody)
	peer.WantRequest("ACK")
	return w, calleeSide(peer, invite, "x"), leg
}

// TestSessionTimerMatrix: either side of either role refreshes by either method, also when the interval was too short for
// somebody: each at half of the interval, once, without a word about media that is new; and when it does not, the call ends
// (RFC 4028 §7 to §10).
func TestSessionTimerMatrix(t *testing.T) {
	for _, calling := range []bool{false, true} {
		for _, ours := range []bool{false, true} {
			for _, method := range []string{"UPDATE", "INVITE"} {
				for _, tooLow := range []bool{false, true} {
					c := timerCase{calling, ours, method, tooLow}
					t.Run(c.String(), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							w, call, leg := c.begin(t)
							if ours {
								c.weRefresh(t, call, leg)
							} else {
								c.peerRefreshes(t, call, leg)
							}
							wantLegs(t, w, 0)
							call.Quiet(2 * time.Hour)
						})
					})
				}
			}
		}
	}
}

// weRefresh takes our refreshes, then leaves one unanswered.
func (c timerCase) weRefresh(t *testing.T, call *siptest.Call, leg *Leg) {
	t.Helper()
	interval, least := 1200, ""
	last := time.Now()
	take := func() siptest.Message {
		t.Helper()
		m, ok := call.Read(time.Hour)
		if !ok || m.Code() != 0 || m.Method() != c.method {
			t.Fatalf("got %q, want %s", m.StartLine(), c.method)
		}
		if want := fmt.Sprintf("%d;refresher=uac", interval); m.Header("Session-Expires") != want || m.Header("Min-SE") != least {
			t.Errorf("Session-Expires %q, Min-SE %q, want %q, %q", m.Header("Session-Expires"), m.Header("Min-SE"), want, least)
		}
		if body := map[string]string{"UPDATE": "", "INVITE": map[bool]string{true: "offer", false: "v=0\r\n"}[c.calling]}[c.method]; m.Body() != body {
			t.Errorf("the refresh says %q of media, want %q", m.Body(), body)
		}
		return m
	}
	ack := func() {
		if c.method == "INVITE" {
			call.WantRequest("ACK")
		}
	}
	for i := range 5 {
		half := time.Duration(interval) * time.Second / 2
		m := take()
		if d := m.At.Sub(last); d != half {
			t.Errorf("refresh %d after %v, want %v", i, d, half)
		}
		last = m.At
		if c.tooLow && i == 0 {
			call.Answer(m, "422 Session Interval Too Small", "", "Min-SE: 1800")
			ack()
			interval, least = 1800, "1800"
			m = take()
		}
		call.Answer(m, "200 OK", "", "Require: timer", fmt.Sprintf("Session-Expires: %d;refresher=uac", interval), answerBody)
		ack()
	}
	m := take()
	for { // nobody answers: given up when its transaction is
		next, ok := call.Read(time.Hour)
		if !ok {
			t.Fatal("nothing follows")
		}
		if next.Method() == c.method {
			continue
		}
		if next.Method() != "BYE" || next.At.Sub(m.At) != ackLimit {
			t.Errorf("%s after %v, want BYE", next.StartLine(), next.At.Sub(m.At))
		}
		call.Answer(next, "200 OK", "")
		break
	}
	<-leg.Done()
	if !errors.Is(leg.Cause(), ErrDialogGone) {
		t.Errorf("cause %v", leg.Cause())
	}
}

// peerRefreshes refreshes in time, then no more.
func (c timerCase) peerRefreshes(t *testing.T, call *siptest.Call, leg *Leg) {
	t.Helper()
	refresh := func(interval, code int) siptest.Message {
		t.Helper()
		lines := []string{"Supported: timer", fmt.Sprintf("Session-Expires: %d;refresher=uac", interval)}
		if c.method == "INVITE" {
			lines = append(lines, siptest.Offer)
		}
		call.Request(c.method, lines...)
		m := call.Want(code, c.method)
		switch {
		case c.method == "INVITE" && code == 200:
			call.Request("ACK")
		case c.method == "INVITE":
			call.RefusalACK(m)
		}
		return m
	}
	for i := range 5 {
		time.Sleep(600 * time.Second)
		if c.tooLow && i == 0 {
			if m := refresh(60, 422); m.Header("Min-SE") != "90" {
				t.Errorf("Min-SE %q", m.Header("Min-SE"))
			}
		}
		if m := refresh(1200, 200); m.Header("Session-Expires") != "1200;refresher=uac" || m.Header("Require") != "timer" {
			t.Errorf("%s", m.Raw)
		}
	}
	last := time.Now()
	m, ok := call.Read(time.Hour)
	if want := 1200*time.Second - 32*time.Second; !ok || m.Method() != "BYE" || m.At.Sub(last) != want {
		t.Fatalf("%q after %v, want BYE after %v", m.StartLine(), m.At.Sub(last), want)
	}
	call.Answer(m, "200 OK", "")
	<-leg.Done()
	if !errors.Is(leg.Cause(), ErrSessionExpired) {
		t.Errorf("cause %v", leg.Cause())
	}
}

// TestDialIntervalTooShort: a callee that wants a longer interval, also behind a challenge, gets it (RFC 4028 §7.3); one that keeps
// refusing is left.
func TestDialIntervalTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Credentials: func(string) (string, string, bool) { return "user", "secret", true }})
		first := peer.WantRequest("INVITE")
		peer.Answer(first, "422 Session Interval Too Small", "x", "Min-SE: 3600")
		peer.WantRequest("ACK")
		second := peer.WantRequest("INVITE")
		if second.Header("Session-Expires") != "3600" || second.Header("Min-SE") != "3600" || second.CSeq() != first.CSeq()+1 || second.Header("Call-ID") != first.Header("Call-ID") {
			t.Errorf("%s", second.Raw)
		}
		peer.Answer(second, "407 Proxy Authentication Required", "x", `Proxy-Authenticate: Digest realm="carrier", nonce="n1", algorithm=MD5, qop="auth"`)
		peer.WantRequest("ACK")
		third := peer.WantRequest("INVITE")
		if third.Header("Session-Expires") != "3600" || third.Header("Proxy-Authorization") == "" {
			t.Errorf("%s", third.Raw)
		}
		peer.Answer(third, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", "Require: timer", "Session-Expires: 3600;refresher=uas", answerBody)
		if ack := peer.WantRequest("ACK"); ack.Header("Proxy-Authorization") != third.Header("Proxy-Authorization") {
			t.Errorf("%s", ack.Raw) // RFC 3261 §13.2.2.4
		}
		if r := <-answeredBy(leg); r.err != nil {
			t.Error(r.err)
		}
		bye(peer, first, "x", 1)
		wantLegs(t, w, 0)

		leg = dial(Outgoing{})
		for range 2 {
			peer.Answer(peer.WantRequest("INVITE"), "422 Session Interval Too Small", "x", "Min-SE: 3600")
			peer.WantRequest("ACK")
		}
		if se, ok := errors.AsType[*StatusError]((<-answeredBy(leg)).err); !ok || se.Code != 422 {
			t.Errorf("%v", leg.Cause())
		}
		wantLegs(t, w, 0)
	})
}

// TestDialWithoutTimer: a callee that keeps no session timer gets none from us.
func TestDialWithoutTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", answerBody)
		peer.WantRequest("ACK")
		time.Sleep(24 * time.Hour)
		wantLegs(t, w, 1)
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestRefreshRefusedForEver: a peer that refuses each interval is not flooded, and the call ends when its time is over.
func TestRefreshRefusedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := timerCase{ours: true, method: "UPDATE"}.begin(t)
		n := 0
		for {
			m, ok := call.Read(time.Hour)
			if !ok {
				t.Fatal("nothing follows")
			}
			if m.Method() == "BYE" {
				call.Answer(m, "200 OK", "")
				break
			}
			n++
			call.Answer(m, "422 Session Interval Too Small", "", "Min-SE: 1200")
		}
		if n < 10 || n > 130 { // each five seconds for nearly half of the interval
			t.Errorf("%d refreshes", n)
		}
		<-leg.Done()
		if !errors.Is(leg.Cause(), ErrSessionExpired) {
			t.Errorf("cause %v", leg.Cause())
		}
		wantLegs(t, w, 0)
	})
}

// TestOneRefreshAtATime: a re-INVITE of either side counts as refresh: ours is due half an interval after it, not before
// (RFC 4028 §7.4).
func TestOneRefreshAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, call, leg := timerCase{ours: true, method: "UPDATE"}.begin(t)
		time.Sleep(500 * time.Second)
		done := reoffer(leg, time.Minute)
		m := call.WantRequest("INVITE")
		call.Answer(m, "200 OK", "", "Session-Expires: 1200;refresher=uac", answerBody)
		call.WantRequest("ACK")
		<-done
		time.Sleep(500 * time.Second)
		call.Request("INVITE", "Supported: timer", "Session-Expires: 1200;refresher=uas", siptest.Offer)
		call.Want(200, "INVITE")
		call.Request("ACK")
		last := time.Now()
		m, ok := call.Read(time.Hour)
		if !ok || m.Method() != "UPDATE" || m.At.Sub(last) != 600*time.Second {
			t.Fatalf("%q after %v", m.StartLine(), m.At.Sub(last))
		}
		call.Answer(m, "200 OK", "", "Session-Expires: 1200;refresher=uac")
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}
