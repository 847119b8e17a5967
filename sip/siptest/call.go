package siptest

import (
	"fmt"
	"strings"
)

// SDP is an offer of PCMU and telephone-events.
const SDP = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\n"

// Offer is SDP as a body.
var Offer = Body("application/sdp", SDP)

// Call is the caller's side of a dialog.
type Call struct {
	*Peer
	URI    string // Request-URI of the INVITE, then the remote target
	From   string // From header without tag
	To     string
	CallID string
	Tag    string // ours
	Remote string // theirs, learned from answers
	CSeq   int
	Branch string   // of the last INVITE
	Invite int      // CSeq of the last INVITE
	Routes []string // Route header values

	inviteURI string
}

// NewCall makes a call that has sent nothing yet.
func (p *Peer) NewCall(uri string) *Call {
	return &Call{
		Peer: p, URI: uri, From: "<sip:caller@" + p.Addr.String() + ">", To: "<" + uri + ">",
		CallID: unique("call") + "@" + p.Addr.Addr().String(), Tag: unique("tag"),
	}
}

// Text builds a request of the call with the next CSeq, but ACK and CANCEL have that of the INVITE.
func (c *Call) Text(method string, extra ...string) string {
	branch, uri := unique("z9hG4bK-"), c.URI
	seq := c.Invite
	switch method {
	case "ACK":
	case "CANCEL":
		branch, uri = c.Branch, c.inviteURI
	default:
		c.CSeq++
		seq = c.CSeq
		if method == "INVITE" {
			c.Branch, c.Invite, c.inviteURI = branch, seq, uri
		}
	}
	return c.build(method, uri, branch, seq, extra)
}

func (c *Call) build(method, uri, branch string, seq int, extra []string) string {
	var b strings.Builder
	to := c.To
	if c.Remote != "" && method != "CANCEL" {
		to += ";tag=" + c.Remote
	}
	fmt.Fprintf(&b, "%s %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=%s\nMax-Forwards: 70\n", method, uri, c.Transport, c.Addr, branch)
	for _, r := range c.Routes {
		b.WriteString("Route: " + r + "\n")
	}
	fmt.Fprintf(&b, "From: %s;tag=%s\nTo: %s\nCall-ID: %s\nCSeq: %d %s\n", c.From, c.Tag, to, c.CallID, seq, method)
	if method != "CANCEL" && method != "ACK" && method != "BYE" {
		fmt.Fprintf(&b, "Contact: <sip:caller@%s>\n", c.Addr)
	}
	return finish(&b, extra)
}

// Request sends a request of the call.
func (c *Call) Request(method string, extra ...string) {
	c.t.Helper()
	c.Send(c.Text(method, extra...))
}

// Want returns the next answer that is not a 100, which must have that code and answer that method, and learns from it.
func (c *Call) Want(code int, method string) Message {
	c.t.Helper()
	m := c.Peer.Want(code, method)
	c.Learn(m)
	return m
}

// Learn takes the tag and the target of an answer.
func (c *Call) Learn(m Message) {
	if m.Method() != "INVITE" || m.Code() < 101 || m.Code() > 299 {
		return
	}
	c.Remote = m.Tag("To")
	if uri := m.URI("Contact"); uri != "" {
		c.URI = uri
	}
}

// RefusalACK acknowledges a final answer other than 2xx, in the INVITE's transaction (RFC 3261 §17.1.1.3).
func (c *Call) RefusalACK(m Message) {
	c.t.Helper()
	was := c.Remote
	c.Remote = m.Tag("To")
	c.Send(c.build("ACK", c.inviteURI, c.Branch, c.Invite, nil))
	c.Remote = was
}

// Answered sends INVITE and ACK and returns the 200.
func (c *Call) Answered(extra ...string) Message {
	c.t.Helper()
	c.Request("INVITE", extra...)
	for {
		m := c.Next()
		c.Learn(m)
		switch {
		case m.Code() >= 200 && m.Code() < 300 && m.Method() == "INVITE":
			c.Request("ACK")
			return m
		case m.Code() >= 200 || m.Code() == 0:
			c.t.Fatalf("%s got %q, want 200\n%s", c.Addr, m.StartLine(), m.Raw)
		}
	}
}
