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

// update sends an UPDATE of the callee of an INVITE that left us, in the dialog that its answers with that tag have begun.
func (c *carrier) update(out siptest.Message, tag string, seq int, sdp string) {
	c.t.Helper()
	c.Send(fmt.Sprintf("UPDATE %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKup%d\nFrom: <%s>;tag=%s\nTo: <%s>;tag=%s\nCall-ID: %s\nCSeq: %d UPDATE\nMax-Forwards: 70\nContact: <sip:x@%s>\n%s",
		out.URI("Contact"), trunkAddr, seq, out.URI("To"), tag, out.URI("From"), out.Tag("From"), out.Header("Call-ID"), seq, trunkAddr, siptest.Body("application/sdp", sdp)))
}

// updated is the answer to an UPDATE of the callee.
func (c *carrier) updated(out siptest.Message) siptest.Message {
	c.t.Helper()
	return c.next("answer to UPDATE", func(m siptest.Message) bool {
		return m.Code() > 100 && m.Method() == "UPDATE" && m.Header("Call-ID") == out.Header("Call-ID")
	})
}

// settledEarly is a call from the trunk and back to it that rings, with a session that reliable answers have settled on both sides.
func settledEarly(w *world) (*carrier, siptest.Message) {
	w.t.Helper()
	c, out := forwardedToTrunk(w, "Supported: 100rel", siptest.Offer)
	c.Answer(out, "183 Session Progress", "x", "Require: 100rel", "RSeq: 71", "Contact: <sip:x@"+trunkAddr.String()+">", siptest.Body("application/sdp", siptest.SDP))
	c.Answer(c.request("PRACK"), "200 OK", "")
	early := c.answer(183, "INVITE")
	c.in.Request("PRACK", fmt.Sprintf("RAck: %s %d INVITE", early.Header("RSeq"), c.in.Invite))
	c.answer(200, "PRACK")
	synctest.Wait()
	return c, out
}

// answers lets the callee answer, and the caller hang up.
func (c *carrier) answers(out siptest.Message) {
	c.t.Helper()
	c.Answer(out, "200 OK", "x", "Contact: <sip:x@"+trunkAddr.String()+">")
	c.request("ACK")
	c.answer(200, "INVITE")
	c.in.Request("ACK")
	time.Sleep(time.Second)
	c.in.Request("BYE")
	c.answer(200, "BYE")
	c.Answer(c.request("BYE"), "200 OK", "")
}

// TestUpdateBeforeTheAnswer: once reliable answers have settled a session, either side may change it before the answer, and gets its
// answer at once (RFC 3311 §5.2); the call is answered as if nothing had been.
func TestUpdateBeforeTheAnswer(t *testing.T) {
	moved := strings.ReplaceAll(siptest.SDP, "m=audio ", "m=audio 4") // another port
	foreign := strings.NewReplacer("RTP/AVP 0", "RTP/AVP 18", "a=rtpmap:0 PCMU", "a=rtpmap:18 G729").Replace(siptest.SDP)
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "0612345678"
	for _, by := range []string{"callee", "caller"} {
		for _, tt := range []struct {
			name string
			sdp  string
			want int
		}{{"moved", moved, 200}, {"held", siptest.SDP + "a=inactive\r\n", 200}, {"of nothing in common", foreign, 488}, {"unreadable", "nonsense", 400}} {
			t.Run(by+", "+tt.name, func(t *testing.T) {
				inWorldOf(t, e, func(w *world) {
					c, out := settledEarly(w)
					for i := range 2 { // the second one finds nothing of the first in its way
						var m siptest.Message
						if by == "callee" {
							c.update(out, "x", 1+i, tt.sdp)
							m = c.updated(out)
						} else {
							c.in.Request("UPDATE", siptest.Body("application/sdp", tt.sdp))
							m = c.next("answer to UPDATE", func(m siptest.Message) bool {
								return m.Code() > 100 && m.Method() == "UPDATE" && m.Header("Call-ID") == c.in.CallID
							})
						}
						if m.Code() != tt.want || tt.want == 200 && !strings.Contains(m.Body(), "m=audio ") {
							t.Errorf("want %d:\n%s", tt.want, m.Raw)
						}
					}
					c.answers(out)
				})
			})
		}
	}
}

// TestUpdateBeforeTheSession: an offer meets another one that has no answer yet (RFC 3311 §5.2).
func TestUpdateBeforeTheSession(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "0612345678"
	inWorldOf(t, e, func(w *world) {
		c, out := forwardedToTrunk(w, "Supported: 100rel", siptest.Offer)
		c.Answer(out, "180 Ringing", "x", "Contact: <sip:x@"+trunkAddr.String()+">")
		c.answer(180, "INVITE")
		c.update(out, "x", 1, siptest.SDP)
		if m := c.updated(out); m.Code() != 491 {
			t.Errorf("to the callee's: %s", m.Raw)
		}
		c.in.Request("UPDATE", siptest.Offer)
		if m := c.answer(500, "UPDATE"); m.Header("Retry-After") == "" {
			t.Errorf("to the caller's: %s", m.Raw)
		}
		c.Answer(out, "486 Busy Here", "x")
		c.request("ACK")
		c.in.RefusalACK(c.answer(486, "INVITE"))
	})
}
