package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory/sitefile"
	"passerelle/sip/siptest"
)

// carrier is both ends of a call that comes from the trunk and is forwarded to it: they share a socket.
type carrier struct {
	*siptest.Peer
	t    *testing.T
	in   *siptest.Call // the call to Bruno's line
	kept []siptest.Message
}

// next returns the next message that is wanted; those of other kinds wait for their turn. The order of messages of two dialogs is
// nobody's promise.
func (c *carrier) next(what string, wanted func(siptest.Message) bool) siptest.Message {
	c.t.Helper()
	for i, m := range c.kept {
		if wanted(m) {
			c.kept = append(c.kept[:i], c.kept[i+1:]...)
			return m
		}
	}
	for range 20 {
		m, ok := c.Read(time.Minute)
		if !ok {
			break
		}
		if wanted(m) {
			return m
		}
		c.kept = append(c.kept, m)
	}
	c.t.Fatalf("no %s came", what)
	return siptest.Message{}
}

func (c *carrier) request(method string) siptest.Message {
	c.t.Helper()
	return c.next(method, func(m siptest.Message) bool { return m.Code() == 0 && m.Method() == method })
}

func (c *carrier) answer(code int, method string) siptest.Message {
	c.t.Helper()
	m := c.next(fmt.Sprint(code, " to ", method), func(m siptest.Message) bool {
		return m.Code() == code && m.Method() == method && m.Header("Call-ID") == c.in.CallID
	})
	c.in.Learn(m)
	return m
}

// forwardedToTrunk calls Bruno, whose calls go to a number outside, and returns the INVITE that leaves.
func forwardedToTrunk(w *world, invite ...string) (*carrier, siptest.Message) {
	w.t.Helper()
	c := &carrier{t: w.t, Peer: siptest.NewPeer(w.t, w.net, trunkAddr.String(), serverAddr.String())}
	synctest.Wait()
	c.in = c.NewCall("sip:+33170001202@" + serverAddr.String())
	c.in.From = "<sip:+33145671234@carrier.test>"
	c.in.Request("INVITE", invite...)
	return c, c.request("INVITE")
}

// TestReliableFromEndToEnd: a caller that knows reliable provisional answers hears early media through us by one, which the callee
// sent by one (RFC 3262); each of the two is acknowledged on its own side, and the answer says no more of media than they did.
func TestReliableFromEndToEnd(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "0612345678"
	inWorldOf(t, e, func(w *world) {
		c, out := forwardedToTrunk(w, "Supported: 100rel", siptest.Offer)
		if !strings.Contains(out.Header("Supported"), "100rel") {
			t.Errorf("%s", out.Raw)
		}
		sdp := siptest.Body("application/sdp", siptest.SDP)
		c.Answer(out, "183 Session Progress", "x", "Require: 100rel", "RSeq: 71", "Contact: <sip:x@"+trunkAddr.String()+">", sdp)
		prack := c.request("PRACK")
		if want := fmt.Sprintf("71 %d INVITE", out.CSeq()); prack.Header("RAck") != want || prack.Body() != "" {
			t.Errorf("want RAck %q:\n%s", want, prack.Raw)
		}
		c.Answer(prack, "200 OK", "")
		early := c.answer(183, "INVITE")
		if early.Header("Require") != "100rel" || !strings.Contains(early.Body(), "m=audio") {
			t.Fatalf("%s", early.Raw)
		}
		c.Answer(out, "200 OK", "x", "Contact: <sip:x@"+trunkAddr.String()+">") // says nothing new of media
		c.request("ACK")
		if m, ok := c.Read(300 * time.Millisecond); ok {
			t.Errorf("before its PRACK the caller got %s", m.StartLine())
		}
		c.in.Request("PRACK", fmt.Sprintf("RAck: %s %d INVITE", early.Header("RSeq"), c.in.Invite))
		c.answer(200, "PRACK")
		if ok := c.answer(200, "INVITE"); ok.Body() != "" {
			t.Errorf("%s", ok.Raw)
		}
		c.in.Request("ACK")
		time.Sleep(2 * time.Second)
		c.in.Request("BYE")
		c.answer(200, "BYE")
		c.Answer(c.request("BYE"), "200 OK", "")
	})
}

// TestReliableNotForEverybody: a caller that does not know reliable answers gets early media as ever, whatever the callee does.
func TestReliableNotForEverybody(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "0612345678"
	inWorldOf(t, e, func(w *world) {
		c, out := forwardedToTrunk(w, siptest.Offer)
		sdp := siptest.Body("application/sdp", siptest.SDP)
		c.Answer(out, "183 Session Progress", "x", "Require: 100rel", "RSeq: 71", "Contact: <sip:x@"+trunkAddr.String()+">", sdp)
		c.Answer(c.request("PRACK"), "200 OK", "")
		if early := c.answer(183, "INVITE"); early.Header("Require") != "" || early.Header("RSeq") != "" || !strings.Contains(early.Body(), "m=audio") {
			t.Errorf("%s", early.Raw)
		}
		c.Answer(out, "486 Busy Here", "x")
		c.request("ACK")
		c.in.RefusalACK(c.answer(486, "INVITE"))
	})
}

// TestLateOfferToTrunk: a caller without offer gets one when it is answered; a trunk has ours before.
func TestLateOfferToTrunk(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "0612345678"
	inWorldOf(t, e, func(w *world) {
		c, out := forwardedToTrunk(w)
		if !strings.Contains(out.Body(), "m=audio") || strings.Contains(out.Header("Supported"), "100rel") {
			t.Errorf("%s", out.Raw)
		}
		sdp := siptest.Body("application/sdp", siptest.SDP)
		c.Answer(out, "180 Ringing", "x")
		c.answer(180, "INVITE")
		c.Answer(out, "200 OK", "x", "Contact: <sip:x@"+trunkAddr.String()+">", sdp)
		if ok := c.answer(200, "INVITE"); !strings.Contains(ok.Body(), "m=audio") {
			t.Errorf("%s", ok.Raw)
		}
		c.in.Request("ACK", sdp)
		if ack := c.request("ACK"); ack.Body() != "" || ack.Tag("To") != "x" {
			t.Errorf("%s", ack.Raw)
		}
		c.in.Request("BYE")
		c.answer(200, "BYE")
		c.Answer(c.request("BYE"), "200 OK", "")
	})
}
