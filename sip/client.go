package sip

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Request is a request of ours outside any dialog (RFC 3261 §8.1), such as OPTIONS or REGISTER.
type Request struct {
	Method string
	Target Target
	From   string // SIP URI; empty means that of To
	To     string // SIP URI; empty means the target's
	CallID string // empty means one of its own; the requests of one registration share theirs (RFC 3261 §10.2)
	CSeq   uint32 // of the first try; 0 means any
	// ContactUser is the user part of our Contact, empty for a request without Contact. ContactParams are parameters of its
	// URI, as ";line=x". See Response.Contact.
	ContactUser, ContactParams string
	Headers                    []Header // further headers
	ContentType                string
	Body                       []byte
	Credentials                Credentials // answer a challenge; nil when there are none
}

// Response is the final answer to a request of ours.
type Response struct {
	Code    int
	Reason  string
	CSeq    uint32 // of the request that was answered
	Contact string // URI of our Contact as the request had it
	// Connection is the number of the connection that the request left by, 0 for none: another number than before means
	// that the peer knows us by a connection that is gone.
	Connection uint64

	res *sipmsg.Response
}

// Header returns the value of the first header of that name, empty when there is none.
func (r *Response) Header(name string) string {
	if r.res == nil {
		return ""
	}
	return headerValue(r.res, name)
}

// RetryAfter is how long the peer asks us to wait (RFC 3261 §20.33).
func (r *Response) RetryAfter() (d time.Duration, ok bool) {
	if r.res == nil {
		return 0, false
	}
	return retryAfterIn(r.res)
}

// Request sends a request and waits for its final answer, which may be any status; nobody answering is a *StatusError 408,
// no connection one of 503. A challenge is answered where there are credentials, twice at most. ctx ends the waiting.
func (s *Server) Request(ctx context.Context, r Request) (*Response, error) {
	c, err := s.newClientCall(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", r.Method, err)
	}
	for {
		res, err := c.send(ctx)
		if err != nil {
			return nil, fmt.Errorf("send %s: %w", r.Method, err)
		}
		auth, ok := answerChallenge(c.req, res, c.tries, r.Credentials)
		if !ok {
			return c.response(res), nil
		}
		c.auth = auth
		c.tries++
	}
}

// clientCall is a request of ours under way.
type clientCall struct {
	s     *Server
	r     Request
	parts requestParts
	auth  sipmsg.Header
	tries int
	req   *sipmsg.Request
}

func (s *Server) newClientCall(ctx context.Context, r Request) (*clientCall, error) {
	if err := s.reach(ctx, &r.Target); err != nil {
		return nil, err
	}
	w, err := s.wireTo(r.Target.Source)
	if err != nil {
		return nil, err
	}
	r.To = cmp.Or(r.To, r.Target.URI)
	r.From = cmp.Or(r.From, r.To)
	r.CSeq = cmp.Or(r.CSeq, newCSeq())
	host, _ := s.host(w.flow.local(w.to))
	c := &clientCall{s: s, r: r, parts: requestParts{
		method: sipmsg.RequestMethod(r.Method), wire: w, seq: r.CSeq - 1, callID: cmp.Or(r.CallID, randomText(24)+"@"+host),
	}}
	var from, to sipmsg.Uri
	for _, x := range []struct {
		text string
		uri  *sipmsg.Uri
	}{{r.Target.URI, &c.parts.target}, {r.From, &from}, {r.To, &to}} {
		if err := sipmsg.ParseUri(x.text, x.uri); err != nil {
			return nil, fmt.Errorf("parse URI: %w", err)
		}
	}
	for _, route := range r.Target.Routes {
		var uri sipmsg.Uri
		if err := sipmsg.ParseUri(strings.Trim(route, "<> "), &uri); err != nil {
			return nil, fmt.Errorf("parse route: %w", err)
		}
		c.parts.routes = append(c.parts.routes, uri)
	}
	c.parts.local = &sipmsg.FromHeader{Address: from, Params: sipmsg.HeaderParams{{K: "tag", V: string(newTag())}}}
	c.parts.remote = &sipmsg.ToHeader{Address: to}
	return c, nil
}

// wireTo is the way to a peer: by the flow it came on, or a connection of ours.
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

// contact is the URI of our Contact.
func (c *clientCall) contact() string {
	if c.r.ContactUser == "" {
		return ""
	}
	w := c.parts.wire
	peer := c.r.Target.Source
	own := c.s.contactOf(LocalTag(c.r.ContactUser), w.flow, peer)
	return strings.Trim(own, "<>") + c.r.ContactParams
}

// send sends the request once and waits for its final answer.
func (c *clientCall) send(ctx context.Context) (*sipmsg.Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	c.parts.seq++
	req := c.s.newRequest(c.parts)
	if uri := c.contact(); uri != "" {
		req.AppendHeader(sipmsg.NewHeader("Contact", "<"+uri+">"))
	}
	for _, h := range c.r.Headers {
		req.AppendHeader(sipmsg.NewHeader(h.Name, h.Value))
	}
	if c.auth != nil {
		req.AppendHeader(c.auth)
	}
	header(req, "User-Agent", c.s.cfg.UserAgent)
	withBody(req, c.r.ContentType, c.r.Body)
	c.req = req
	return c.s.exchange(ctx, req, c.parts.wire)
}

func (c *clientCall) response(res *sipmsg.Response) *Response {
	r := &Response{Code: res.StatusCode, Reason: res.Reason, CSeq: c.parts.seq, Contact: c.contact(), res: res}
	if o, ok := c.parts.wire.flow.(*outgoing); ok {
		r.Connection = o.round()
	}
	return r
}
