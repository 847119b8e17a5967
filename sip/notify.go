package sip

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// notification is a NOTIFY that waits: a body that was given, or a state that is made when it leaves.
type notification struct {
	given       bool
	contentType string
	body        []byte

	full bool // the whole state

	last       bool // ends the dialog
	reason     EndReason
	retryAfter time.Duration
}

// notifyCall is the NOTIFY under way; there is one at most.
type notifyCall struct {
	n           notification
	contentType string
	body        []byte
	auth        []sipmsg.Header
	tries       int
	req         *sipmsg.Request
	tx          *clientTx
}

// notificationRoom bounds the bodies that wait for a phone that does not answer.
const notificationRoom = 32

// enqueue queues a NOTIFY. A state takes the place of the one queued just before it, which nobody needs to see.
func (s *Subscription) enqueue(n notification) {
	if s.stage > subscriptionActive {
		return
	}
	if i := len(s.queue) - 1; !n.given && i >= 0 && !s.queue[i].given {
		s.queue[i].full = s.queue[i].full || n.full
	} else if s.queue = append(s.queue, n); len(s.queue) > notificationRoom {
		s.queue = slices.Delete(s.queue, 0, 1)
	}
	s.pump()
}

// pump sends the next NOTIFY when nothing is under way.
func (s *Subscription) pump() {
	for s.stage > subscriptionNew && s.outgoing == nil && s.pause == nil && !s.held && len(s.queue) > 0 {
		n := s.queue[0]
		s.queue = s.queue[1:]
		c := &notifyCall{n: n, contentType: n.contentType, body: n.body}
		if !n.given && s.state != nil {
			c.contentType, c.body = s.state(n.full)
			if !n.full && len(c.body) == 0 {
				continue // nothing changed that the phone does not know
			}
		}
		if err := s.send(c); err != nil {
			s.lost(err)
		}
	}
	for len(s.queue) == 0 && !s.held && len(s.whenSent) > 0 {
		f := s.whenSent[0]
		s.whenSent = s.whenSent[1:]
		f()
	}
}

// send sends a NOTIFY (RFC 6665 §4.2.2).
func (s *Subscription) send(c *notifyCall) error {
	if reliable(s.peer.Transport) && s.s.flows.get(s.peer.Flow) == nil {
		return ErrFlowGone
	}
	s.localSeq++
	w := &wire{s: s.s, flow: s.flow, to: s.peer.Remote, from: s.peer.Local.Addr()}
	req := s.s.newRequest(requestParts{
		method: sipmsg.NOTIFY, target: s.target, routes: s.routes, local: &s.local, remote: &s.remote,
		callID: s.id.CallID, seq: s.localSeq, wire: w,
	})
	req.AppendHeader(sipmsg.NewHeader("Contact", s.s.contactOf(s.id.LocalTag, s.flow, s.peer)))
	req.AppendHeader(sipmsg.NewHeader("Event", s.eventHeader()))
	req.AppendHeader(sipmsg.NewHeader("Subscription-State", s.stateHeader(c.n)))
	for _, tag := range s.require {
		req.AppendHeader(sipmsg.NewHeader("Require", tag))
	}
	for _, h := range c.auth {
		req.AppendHeader(h)
	}
	header(req, "User-Agent", s.s.cfg.UserAgent)
	header(req, "Session-ID", s.sessionID.header())
	withBody(req, c.contentType, c.body)
	c.req = req
	s.outgoing = c
	tx, err := s.s.txs.newClient(req, w, func(res *sipmsg.Response, err error) {
		s.post(func() { s.answered(c, req, res, err) })
	})
	if err != nil {
		s.outgoing = nil
		return err
	}
	c.tx = tx
	return nil
}

func (s *Subscription) eventHeader() string {
	if s.facts.eventID != "" {
		return s.facts.event + ";id=" + s.facts.eventID
	}
	return s.facts.event
}

// stateHeader is the Subscription-State of a NOTIFY (RFC 6665 §8.2.3).
func (s *Subscription) stateHeader(n notification) string {
	if !n.last {
		return "active;expires=" + strconv.Itoa(max(0, wholeSeconds(time.Until(s.expires))))
	}
	v := "terminated;reason=" + string(n.reason)
	if n.retryAfter > 0 {
		v += ";retry-after=" + strconv.Itoa(wholeSeconds(n.retryAfter))
	}
	return v
}

// answered handles the answer to a NOTIFY, or that none came.
func (s *Subscription) answered(c *notifyCall, req *sipmsg.Request, res *sipmsg.Response, err error) {
	if s.outgoing != c || c.req != req || res != nil && res.IsProvisional() {
		return // repeated, or of an earlier try
	}
	s.outgoing = nil
	s.s.metrics.sent.WithLabelValues("NOTIFY", outcomeLabel(res, err)).Inc()
	switch {
	case res == nil:
		s.lost(err)
	case res.IsSuccess():
		if c.n.last {
			s.over(s.Cause())
			return
		}
		s.target = target(res.Contact(), s.target)
		s.sessionID.hear(headerValue(res, "session-id"))
		s.pump()
	case s.prove(c, res):
	case c.n.last:
		s.over(s.Cause())
	case s.waits(c, res):
	default:
		s.lost(&StatusError{Code: res.StatusCode, Reason: res.Reason})
	}
}

// prove repeats a NOTIFY that was challenged, with the credentials of the subscriber's own line, which is all a phone can
// compare with.
func (s *Subscription) prove(c *notifyCall, res *sipmsg.Response) bool {
	auth, ok := answerChallenge(c.req, res, c.tries, func(string) (string, string, bool) {
		line, ok := s.s.lines.Line(s.Username())
		return line.Username, line.Password, ok
	})
	if !ok {
		return false
	}
	c.tries++
	c.auth = []sipmsg.Header{auth}
	if err := s.send(c); err != nil {
		s.lost(err)
	}
	return true
}

// waits keeps quiet for as long as the phone's Retry-After says, and sends then what it would not take, the state anew. It
// is false where there is no Retry-After, or the subscription ends before that is over.
func (s *Subscription) waits(c *notifyCall, res *sipmsg.Response) bool {
	d, ok := retryAfterIn(res)
	if !ok || time.Now().Add(d).After(s.expires) {
		return false
	}
	n := c.n
	n.full = n.full || !n.given
	if len(s.queue) > 0 && !n.given && !s.queue[0].given {
		s.queue[0].full = true
	} else {
		s.queue = slices.Insert(s.queue, 0, n)
	}
	s.log.Debug("NOTIFY put off", "event", s.pkg.Name(), "code", res.StatusCode, "wait", d)
	s.pause = time.AfterFunc(d, func() {
		s.post(func() {
			s.pause = nil
			s.pump()
		})
	})
	return true
}

// lost ends a subscription whose NOTIFY failed (RFC 6665 §4.2.2): the phone has forgotten it, answers nothing, or refuses.
func (s *Subscription) lost(err error) {
	if !errors.Is(err, ErrFlowGone) {
		err = fmt.Errorf("%w: %w", ErrDialogGone, err)
	}
	s.over(err)
}

// outcomeLabel is the code label of the count of requests sent.
func outcomeLabel(res *sipmsg.Response, err error) string {
	switch {
	case res != nil:
		return strconv.Itoa(res.StatusCode)
	case isTimeout(err):
		return "timeout"
	}
	return "transport"
}

// retryAfterIn reads the Retry-After of an answer (RFC 3261 §20.33).
func retryAfterIn(res *sipmsg.Response) (d time.Duration, ok bool) {
	v := strings.TrimSpace(headerValue(res, "retry-after"))
	end := 0
	for end < len(v) && '0' <= v[end] && v[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(v[:end], 10, 31)
	return time.Duration(n) * time.Second, err == nil
}
