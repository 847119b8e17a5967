package sip

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Notice is a NOTIFY of ours outside any subscription: phones take some of them, such as message-summary where they do not
// subscribe, or Event: resync of Cisco phones.
type Notice struct {
	Target      Target // a binding's as a rule
	From        string // SIP URI; empty means that of To
	To          string // SIP URI, the line's; empty means the target's
	Event       string // Event header
	ContentType string
	Body        []byte
	Headers     []Header    // further headers
	Credentials Credentials // answer a challenge of the phone; nil when there are none
}

// Notify sends a notice and waits for its answer. Anything but 2xx is an error that holds a *StatusError; nobody answering is
// 408. A phone that challenges gets the notice again with credentials.
func (s *Server) Notify(ctx context.Context, n Notice) error {
	c, err := s.newNoticeCall(n)
	if err != nil {
		return fmt.Errorf("notify of %s: %w", n.Event, err)
	}
	for {
		res, err := c.send(ctx)
		if err != nil {
			return fmt.Errorf("notify of %s: %w", n.Event, err)
		}
		if res.IsSuccess() {
			return nil
		}
		auth, ok := answerChallenge(c.req, res, c.tries, n.Credentials)
		if !ok {
			return fmt.Errorf("notify of %s: %w", n.Event, &StatusError{Code: res.StatusCode, Reason: res.Reason})
		}
		c.auth = auth
		c.tries++
	}
}

// noticeCall is a notice under way.
type noticeCall struct {
	s     *Server
	n     Notice
	parts requestParts
	auth  sipmsg.Header
	tries int
	req   *sipmsg.Request
}

func (s *Server) newNoticeCall(n Notice) (*noticeCall, error) {
	w, err := s.wireTo(n.Target.Source)
	if err != nil {
		return nil, err
	}
	n.To = cmp.Or(n.To, n.Target.URI)
	n.From = cmp.Or(n.From, n.To)
	var from, to sipmsg.Uri
	c := &noticeCall{s: s, n: n, parts: requestParts{method: sipmsg.NOTIFY, wire: w, seq: newCSeq()}}
	for _, x := range []struct {
		text string
		uri  *sipmsg.Uri
	}{{n.Target.URI, &c.parts.target}, {n.From, &from}, {n.To, &to}} {
		if err := sipmsg.ParseUri(x.text, x.uri); err != nil {
			return nil, fmt.Errorf("parse URI: %w", err)
		}
	}
	for _, r := range n.Target.Routes {
		var uri sipmsg.Uri
		if err := sipmsg.ParseUri(strings.Trim(r, "<> "), &uri); err != nil {
			return nil, fmt.Errorf("parse route: %w", err)
		}
		c.parts.routes = append(c.parts.routes, uri)
	}
	c.parts.local = &sipmsg.FromHeader{Address: from, Params: sipmsg.HeaderParams{{K: "tag", V: string(newTag())}}}
	c.parts.remote = &sipmsg.ToHeader{Address: to}
	host, _ := s.host(w.flow.local(w.to))
	c.parts.callID = randomText(24) + "@" + host
	return c, nil
}

// wireTo is the way to a peer that came to us once, by the flow it came on.
func (s *Server) wireTo(src Source) (*wire, error) {
	f := s.flows.get(src.Flow)
	if !reliable(src.Transport) && f == nil {
		f = s.flows.udp(src.Local, src.Remote.Addr())
	}
	if f == nil || !src.Remote.IsValid() {
		return nil, ErrFlowGone
	}
	return &wire{s: s, flow: f, to: src.Remote, from: src.Local.Addr()}, nil
}

// send sends the notice once and waits for its final answer.
func (c *noticeCall) send(ctx context.Context) (*sipmsg.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	c.parts.seq++
	req := c.s.newRequest(c.parts)
	req.AppendHeader(sipmsg.NewHeader("Event", c.n.Event))
	req.AppendHeader(sipmsg.NewHeader("Subscription-State", "terminated")) // there is none
	for _, h := range c.n.Headers {
		req.AppendHeader(sipmsg.NewHeader(h.Name, h.Value))
	}
	if c.auth != nil {
		req.AppendHeader(c.auth)
	}
	header(req, "User-Agent", c.s.cfg.UserAgent)
	withBody(req, c.n.ContentType, c.n.Body)
	c.req = req
	type outcome struct {
		res *sipmsg.Response
		err error
	}
	answer := make(chan outcome, 1)
	tx, err := c.s.txs.newClient(req, c.parts.wire, func(res *sipmsg.Response, err error) {
		if res != nil && res.IsProvisional() {
			return
		}
		select {
		case answer <- outcome{res, err}:
		default: // repeated
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		c.s.metrics.sent.WithLabelValues("NOTIFY", outcomeLabel(a.res, a.err)).Inc()
		if a.res == nil {
			return nil, &StatusError{Code: 408, Err: a.err}
		}
		return a.res, nil
	case <-ctx.Done():
		tx.tx.Terminate()
		return nil, context.Cause(ctx)
	}
}
