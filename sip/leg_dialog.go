package sip

import (
	"math/rand/v2"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// takeRequest handles a request in the dialog (RFC 3261 §12.2.2).
func (l *Leg) takeRequest(in *inbound, tx *serverTx) {
	if l.calling && !l.isPeer(in) {
		if d := l.early(tagOfPeer(in)); d != nil && l.named.Load() == nil && !l.isOver {
			l.takeEarly(d, in, tx)
			return
		}
		l.respond(tx, l.reply(in.Request, 481, ""))
		return
	}
	if !l.inOrder(in, tx) {
		return
	}
	l.follow(in)
	if in.Method == sipmsg.BYE {
		l.takeBye(in, tx)
		return
	}
	if l.isOver {
		l.respond(tx, l.reply(in.Request, 481, ""))
		return
	}
	l.dispatch(in, tx)
}

// inOrder counts the peer's request; one that is late is answered 500 (RFC 3261 §12.2.2).
func (l *Leg) inOrder(in *inbound, tx *serverTx) bool {
	seq := in.CSeq().SeqNo
	if l.heardSeq && seq <= l.remoteSeq {
		l.respond(tx, l.reply(in.Request, 500, ""))
		return false
	}
	l.remoteSeq, l.heardSeq = seq, true
	return true
}

// dispatch serves a request of a dialog that is not over.
func (l *Leg) dispatch(in *inbound, tx *serverTx) {
	switch in.Method {
	case sipmsg.INVITE:
		l.takeReinvite(in, tx)
	case sipmsg.UPDATE:
		l.takeUpdate(in, tx)
	case sipmsg.INFO:
		l.takeInfo(in, tx)
	case sipmsg.OPTIONS:
		res := l.reply(in.Request, 200, "")
		header(res, "Accept", acceptTypes)
		header(res, "Accept-Encoding", "identity")
		l.respond(tx, res)
	case sipmsg.NOTIFY:
		code := 481
		event, _, _ := strings.Cut(headerValue(in.Request, "event"), ";")
		if strings.EqualFold(strings.TrimSpace(event), "keep-alive") {
			code = 200
		}
		l.respond(tx, l.reply(in.Request, code, ""))
	case sipmsg.REFER:
		l.takeRefer(in, tx)
	case sipmsg.PRACK:
		l.takePrack(in, tx)
	case sipmsg.SUBSCRIBE, sipmsg.PUBLISH:
		res := l.reply(in.Request, 489, "")
		for _, h := range l.s.allowEvents() {
			res.AppendHeader(h)
		}
		l.respond(tx, res)
	default:
		code := 405
		if _, known := knownMethods[in.Method]; !known {
			code = 501
		}
		res := l.reply(in.Request, code, "")
		header(res, "Allow", legAllowed)
		l.respond(tx, res)
	}
}

// takeInfo answers INFO at once, so that keys pressed in a row are not sent again, and passes it on.
func (l *Leg) takeInfo(in *inbound, tx *serverTx) {
	if pkg := headerValue(in.Request, "info-package"); pkg != "" && len(in.Body()) > 0 {
		res := l.reply(in.Request, 469, "Bad Info Package") // RFC 6086 §4.2.2
		res.AppendHeader(sipmsg.NewHeader("Recv-Info", ""))
		l.respond(tx, res)
		return
	}
	l.respond(tx, l.reply(in.Request, 200, ""))
	if len(in.Body()) > 0 {
		l.emit(InfoEvent{ContentType: mediaType(headerValue(in.Request, "content-type")), Body: in.Body()})
	}
}

// follow keeps to the flow the peer uses now: a phone that lost its connection or its NAT mapping goes on with a new one.
func (l *Leg) follow(in *inbound) {
	l.flow, l.peer = in.flow, in.src
}

// learn reads what a request tells about the peer: its remote target (RFC 3261 §12.2.2) and its methods.
func (l *Leg) learn(req *sipmsg.Request) {
	l.target = target(req.Contact(), l.target)
	l.methods(req)
	l.sessionID.hear(headerValue(req, "session-id"))
	l.identify(req)
}

// retarget does the same with an answer to a re-INVITE or UPDATE of ours.
func (l *Leg) retarget(res *sipmsg.Response) {
	l.target = target(res.Contact(), l.target)
	l.methods(res)
	l.sessionID.hear(headerValue(res, "session-id"))
	l.identify(res)
}

func target(c *sipmsg.ContactHeader, old sipmsg.Uri) sipmsg.Uri {
	if c == nil || c.Address.Host == "" || c.Address.Wildcard {
		return old
	}
	u := *c.Address.Clone()
	u.Headers = nil // not allowed in a Request-URI
	return u
}

func (l *Leg) methods(m headerList) {
	list := headerTokens(m, "allow")
	if len(list) == 0 {
		return
	}
	l.allow = make(map[string]bool, len(list))
	for _, t := range list {
		l.allow[t] = true
	}
}

// busy answers a request that meets another one under way: 500 with a pause to choose at random, because the peer itself
// has the earlier one (RFC 3261 §14.2, RFC 3311 §5.2).
func (l *Leg) busy(in *inbound, tx *serverTx) {
	res := l.reply(in.Request, 500, "")
	header(res, "Retry-After", seconds(rand.IntN(11)))
	l.respond(tx, res)
}
