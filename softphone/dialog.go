package softphone

import (
	"context"
	"fmt"
	"net/netip"
)

func (c *Call) nextSeq() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	return c.seq
}

// request makes a request of the dialog (RFC 3261 §12.2.1.1), without what finishRequest adds.
func (c *Call) request(method string, seq int) *Message {
	c.mu.Lock()
	target, remote, routes := c.target, c.remote, c.routes
	c.mu.Unlock()
	m := c.p.newRequest(method, target, c.local, remote, c.callID, seq)
	for _, r := range routes {
		m.add("Route", r)
	}
	return m
}

// destination is where requests of the dialog are sent: the first route, or the peer's contact, when those are addresses.
func (c *Call) destination() netip.AddrPort {
	if c.p.cfg.Outbound || c.p.link.reliable() {
		return c.p.cfg.Server
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.routes) > 0 {
		if a, ok := routeAddr(c.routes[0]); ok {
			return a
		}
		return c.p.cfg.Server
	}
	if a, ok := uriAddr(c.target); ok {
		return a
	}
	return c.p.cfg.Server
}

// learnTarget takes the peer's Contact as the target of later requests (RFC 3261 §12.2.1.2).
func (c *Call) learnTarget(m *Message) {
	contacts := m.All("Contact")
	if len(contacts) == 0 {
		return
	}
	if uri, params := nameAddr(contacts[0]); uri != "" {
		_, focus := param(params, "isfocus")
		c.mu.Lock()
		c.target, c.focus = uri, focus
		c.mu.Unlock()
	}
}

// learnPeer keeps who the peer is, as the server asserts it.
func (c *Call) learnPeer(m *Message) {
	if v := m.Header("P-Asserted-Identity"); v != "" {
		c.mu.Lock()
		c.with = v
		c.mu.Unlock()
	}
}

// Peer is who the call is with, as the server's last P-Asserted-Identity in an answer or a request of the dialog says
// (RFC 3325); empty before.
func (c *Call) Peer() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.with
}

// ask sends a request of any method but INVITE in the dialog; an answer other than 2xx is a *StatusError. edit may add
// headers and a body.
func (c *Call) ask(ctx context.Context, method string, edit func(*Message)) (*Message, error) {
	m := c.request(method, c.nextSeq())
	c.p.finishRequest(m)
	if edit != nil {
		edit(m)
	}
	resp, err := c.p.request(ctx, m, c.destination(), c.nextSeq)
	if err != nil {
		return nil, err
	}
	if resp.Code >= 300 {
		return resp, statusError(method, resp)
	}
	return resp, nil
}

// Info sends a SIP INFO (RFC 6086; RFC 2976 for its use without a package).
func (c *Call) Info(ctx context.Context, contentType, body string) error {
	_, err := c.ask(ctx, "INFO", func(m *Message) {
		m.add("Content-Type", contentType)
		m.Body = []byte(body)
	})
	return err
}

// Options asks the peer whether the dialog lives.
func (c *Call) Options(ctx context.Context) (*Message, error) {
	return c.ask(ctx, "OPTIONS", func(m *Message) { m.add("Accept", "application/sdp") })
}

// serve answers a request of the dialog. It runs on the reading goroutine.
func (c *Call) serve(m *Message, from netip.AddrPort) {
	p := c.p
	n, _ := m.cseq()
	c.mu.Lock()
	c.requests[m.Method]++
	stale := m.Method != "ACK" && n <= c.peerSeq && c.peerSeq > 0
	c.peerSeq = max(c.peerSeq, n)
	c.mu.Unlock()
	if stale { // out of order (RFC 3261 §12.2.2)
		p.reply(m, p.response(m, 500), from)
		return
	}
	switch m.Method {
	case "BYE":
		p.reply(m, p.response(m, 200), from)
		c.finish(Ending{ByPeer: true, Reason: m.Header("Reason")})
	case "ACK":
		c.serveACK(m)
	case "INVITE", "UPDATE":
		c.serveOffer(m, from)
	case "OPTIONS":
		r := p.response(m, 200)
		r.add("Allow", methods)
		r.add("Accept", "application/sdp")
		p.reply(m, r, from)
	case "INFO":
		c.mu.Lock()
		c.infos = append(c.infos, *m)
		c.mu.Unlock()
		p.reply(m, p.response(m, 200), from)
	case "NOTIFY":
		c.notified(m)
		p.reply(m, p.response(m, 200), from)
	case "REFER":
		p.reply(m, p.response(m, 603), from)
	default:
		r := p.response(m, 405)
		r.add("Allow", methods)
		p.reply(m, r, from)
	}
}

// Infos are the INFO requests of the peer so far.
func (c *Call) Infos() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Message(nil), c.infos...)
}

// applyAnswer connects the media by the peer's answer to our offer.
func (c *Call) applyAnswer(body []byte) error {
	r, err := parseSDP(body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return c.connect(r)
}

// applyOffer connects the media by the peer's offer and returns our answer.
func (c *Call) applyOffer(body []byte) (answer []byte, err error) {
	r, err := parseSDP(body)
	if err != nil {
		return nil, fmt.Errorf("read the offer: %w", err)
	}
	if err := c.connect(r); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.sdp
	l.version++
	l.offer, l.codecs = r, r.common(c.o.Codecs)
	if l.events != 0 {
		l.events = r.events // mirrored; none when the offer has none
	}
	// RFC 3264 §6.1: the answer allows at most what the offer and our own wish do.
	l.direction = both(l.direction, r.direction.reverse())
	c.sdp.version = l.version
	return []byte(c.o.EditSDP(l.String())), nil
}

// both is the direction that two wishes leave.
func both(a, b Direction) Direction {
	switch send, receive := a.sends() && b.sends(), a.receives() && b.receives(); {
	case send && receive:
		return SendRecv
	case send:
		return SendOnly
	case receive:
		return RecvOnly
	default:
		return Inactive
	}
}

// connect lets the media run as both descriptions say.
func (c *Call) connect(r *remoteSDP) error {
	common := r.common(c.o.Codecs)
	if r.audioLine < 0 || len(common) == 0 {
		return ErrNoMedia
	}
	c.mu.Lock()
	c.peer = r
	local := c.sdp
	c.mu.Unlock()
	events := r.events
	if local.events == 0 {
		events = 0
	}
	send := both(local.direction, r.direction.reverse()).sends()
	c.media.connect(r.addr, common[0], events, local.events, send)
	return nil
}
