package softphone

import (
	"context"
	"net/netip"
	"strings"
	"sync"
)

// Incoming is a call that somebody makes to the phone, until it is answered, refused or cancelled.
type Incoming struct {
	p       *Phone
	request *Message
	from    netip.AddrPort
	tag     string

	mu        sync.Mutex
	decided   bool
	cancelled chan struct{}
	why       string // Reason of the CANCEL, before cancelled is closed
}

// Request is the INVITE.
func (in *Incoming) Request() *Message { return in.request }

// Cancelled is closed when the caller gives up.
func (in *Incoming) Cancelled() <-chan struct{} { return in.cancelled }

// WhyCancelled is the Reason of the CANCEL (RFC 3326), once the caller has given up; empty if it had none.
func (in *Incoming) WhyCancelled() string {
	<-in.cancelled
	return in.why
}

// serveInvite tells the phone's owner of a call.
func (p *Phone) serveInvite(m *Message, from netip.AddrPort) {
	if p.cfg.OnInvite == nil {
		p.reply(m, p.response(m, 480), from)
		return
	}
	in := &Incoming{p: p, request: m, from: from, tag: newTag(), cancelled: make(chan struct{})}
	p.mu.Lock()
	again := p.ringing[branchOf(m)] != nil // a retransmission: nothing has been answered yet
	if !again {
		p.ringing[branchOf(m)] = in
	}
	p.mu.Unlock()
	if !again {
		p.cfg.OnInvite(in)
	}
}

// serveCancel ends a ringing call (RFC 3261 §9.2).
func (p *Phone) serveCancel(m *Message, from netip.AddrPort) {
	p.mu.Lock()
	in := p.ringing[branchOf(m)]
	p.mu.Unlock()
	if in == nil {
		p.reply(m, p.response(m, 481), from)
		return
	}
	p.reply(m, p.response(m, 200), from)
	if in.decide() {
		in.send(487, nil)
		in.why = m.Header("Reason")
		close(in.cancelled)
	}
}

// decide is true for the one who ends the ringing.
func (in *Incoming) decide() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.decided {
		return false
	}
	in.decided = true
	in.p.mu.Lock()
	delete(in.p.ringing, branchOf(in.request))
	in.p.mu.Unlock()
	return true
}

// send answers the INVITE within the dialog's To tag.
func (in *Incoming) send(code int, edit func(*Message)) {
	in.p.reply(in.request, in.response(code, edit), in.from)
}

func (in *Incoming) response(code int, edit func(*Message)) *Message {
	r := in.p.response(in.request, code)
	for i, h := range r.Headers {
		if h.Name == "To" {
			r.Headers[i].Value = in.request.Header("To") + ";tag=" + in.tag
		}
	}
	if edit != nil {
		edit(r)
	}
	return r
}

// Ring sends a provisional response, such as 180.
func (in *Incoming) Ring(code int) {
	in.send(code, func(r *Message) { r.add("Contact", "<"+in.p.contact()+">") })
}

// Refuse ends the ringing with a final response.
func (in *Incoming) Refuse(code int) {
	if in.decide() {
		in.send(code, nil)
	}
}

// Redirect sends the caller elsewhere (RFC 3261 §21.3.3): to URIs, or Contacts with parameters such as "<sip:a@b>;q=0.5".
func (in *Incoming) Redirect(places ...string) {
	if !in.decide() {
		return
	}
	in.send(302, func(r *Message) {
		for _, p := range places {
			if !strings.HasPrefix(p, "<") {
				p = "<" + p + ">"
			}
			r.add("Contact", p)
		}
	})
}

// Answer takes the call. It returns ErrEnded when the caller has given up.
func (in *Incoming) Answer(_ context.Context, o InviteOptions) (*Call, error) {
	o.defaults()
	p, m := in.p, in.request
	c, err := p.newCall(o)
	if err != nil {
		return nil, err
	}
	c.callID = m.Header("Call-ID")
	c.local, c.remote = m.Header("To")+";tag="+in.tag, m.Header("From")
	c.routes = m.All("Record-Route")
	c.updates = strings.Contains(m.Header("Allow"), "UPDATE")
	c.peerSeq, _ = m.cseq()
	c.learnTarget(m)
	c.learnPeer(m)
	var body []byte
	if len(m.Body) > 0 {
		body, err = c.applyOffer(m.Body)
	} else {
		body = c.offerAnew(func(*localSDP) {})
	}
	if !in.decide() {
		c.finish(Ending{Reason: "cancelled"})
		return nil, ErrEnded
	}
	if err == nil {
		err = p.adopt(c, in.tag)
	}
	if err != nil {
		in.send(488, nil)
		c.finish(Ending{Err: err})
		return nil, err
	}
	answer := in.response(200, func(r *Message) {
		r.add("Contact", "<"+p.contact()+">")
		r.Headers = append(r.Headers, o.Headers...)
		r.add("Allow", o.Allow)
		r.add("Supported", o.Supported)
		r.add("Content-Type", "application/sdp")
		r.Body = body
	})
	n, _ := m.cseq()
	c.awaitACK(answer.marshal(), in.from, n, len(m.Body) == 0) // before it is sent: the ACK may be quick
	p.reply(m, answer, in.from)
	return c, nil
}
