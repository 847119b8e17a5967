package softphone

import (
	"net/netip"
	"strings"
	"time"
)

// reasons are the phrases of the statuses the phone answers with (RFC 3261 §21).
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily", 401: "Unauthorized",
	405: "Method Not Allowed", 408: "Request Timeout",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error", 503: "Service Unavailable",
	603: "Decline",
}

// Ignore is the status that stands for no answer at all in AnswerWith.
const Ignore = -1

// receive takes one message off the network. It runs on the reading goroutine: messages are handled in the order they came.
func (p *Phone) receive(b []byte, from netip.AddrPort) {
	m, err := parseMessage(b)
	if err != nil {
		p.cfg.Log.Debug("message dropped", "err", err)
		return
	}
	if m.Code != 0 {
		p.receiveResponse(m)
		return
	}
	p.mu.Lock()
	again := p.served[txKey(branchOf(m), m.Method)]
	code := p.answers[m.Method]
	p.mu.Unlock()
	switch {
	case again != nil:
		_ = p.link.send(again, from)
	case code == Ignore:
	case code != 0 && m.Method != "ACK":
		p.reply(m, p.response(m, code), from)
	default:
		p.serve(m, from)
	}
}

func (p *Phone) receiveResponse(m *Message) {
	_, method := m.cseq()
	if method == "SUBSCRIBE" {
		p.noteAnswer(m)
	}
	p.mu.Lock()
	tx := p.txs[txKey(branchOf(m), method)]
	var ack []byte
	var to netip.AddrPort
	if tx != nil {
		ack, to = tx.ack, tx.ackTo
	}
	p.mu.Unlock()
	switch {
	case tx == nil:
	case ack != nil && m.Code >= 200:
		_ = p.link.send(ack, to)
	default:
		select {
		case tx.responses <- m:
		default: // 32 unread responses are repeats
		}
	}
}

// serve answers a request that is not a retransmission.
func (p *Phone) serve(m *Message, from netip.AddrPort) {
	if t := tag(m.Header("To")); t != "" {
		p.mu.Lock()
		c, sub := p.calls[m.Header("Call-ID")+" "+t], p.subs[m.Header("Call-ID")+" "+t]
		p.mu.Unlock()
		switch {
		case c != nil:
			c.serve(m, from)
		case sub != nil && m.Method == "NOTIFY":
			sub.serve(m, from)
		case m.Method != "ACK":
			p.reply(m, p.response(m, 481), from)
		}
		return
	}
	switch m.Method {
	case "ACK":
	case "INVITE":
		p.serveInvite(m, from)
	case "CANCEL":
		p.serveCancel(m, from)
	case "OPTIONS":
		r := p.response(m, 200)
		r.add("Allow", methods)
		r.add("Accept", "application/sdp")
		p.reply(m, r, from)
	case "NOTIFY":
		p.serveNotice(m, from)
	default:
		r := p.response(m, 405)
		r.add("Allow", methods)
		p.reply(m, r, from)
	}
}

// response makes a response with what it copies from the request (RFC 3261 §8.2.6).
func (p *Phone) response(req *Message, code int) *Message {
	m := &Message{Code: code, Reason: reasons[code]}
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq", "Record-Route"} {
		for _, h := range req.Headers {
			if !strings.EqualFold(h.Name, name) || name == "Record-Route" && (code < 101 || code > 299) {
				continue
			}
			if name == "To" && tag(h.Value) == "" && code > 100 {
				h.Value += ";tag=" + newTag()
			}
			m.add(name, h.Value)
		}
	}
	m.add("Server", p.cfg.UserAgent)
	return m
}

// reply sends a response and keeps it for the request's retransmissions. It goes where the request came from.
func (p *Phone) reply(req, resp *Message, to netip.AddrPort) {
	b := resp.marshal()
	key := txKey(branchOf(req), req.Method)
	p.mu.Lock()
	p.served[key] = b
	p.mu.Unlock()
	if resp.Code >= 200 {
		time.AfterFunc(64*p.cfg.T1, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.served, key)
		})
	}
	_ = p.link.send(b, to)
}
