package sip

import (
	"slices"

	sipmsg "github.com/emiago/sipgo/sip"
)

// maxEarly bounds the early dialogs of one call: how many places a proxy may ring for it at once.
const maxEarly = 32

// remoteEnd is what a dialog knows of the peer's end (RFC 3261 §12).
type remoteEnd struct {
	remote sipmsg.ToHeader // the peer's address with its tag
	routes []sipmsg.Uri    // route set
	target sipmsg.Uri      // remote target
	seq    uint32          // CSeq of the peer's latest request
	heard  bool            // seq is set
}

// earlyDialog is a dialog that a provisional answer to a call of ours began (RFC 3261 §12.1.2). A call that a proxy forked has
// several. It belongs to the owner of its leg.
type earlyDialog struct {
	tag     RemoteTag
	end     remoteEnd
	rseq    uint32 // of the latest reliable answer, 0 before the first (RFC 3262 §4)
	settled bool   // offer and answer have been exchanged by reliable answers and PRACK
	answer  []byte // what the peer said in that exchange
}

// earlyOffer is the peer's offer in a reliable provisional answer to an INVITE that had none; the PRACK brings our answer.
type earlyOffer struct {
	dialog *earlyDialog
	rseq   uint32
}

// end returns the leg's own view of the peer's end.
func (l *Leg) end() remoteEnd {
	return remoteEnd{remote: l.remote, routes: l.routes, target: l.target, seq: l.remoteSeq, heard: l.heardSeq}
}

func (l *Leg) setEnd(e remoteEnd) {
	l.remote, l.routes, l.target, l.remoteSeq, l.heardSeq = e.remote, e.routes, e.target, e.seq, e.heard
}

// within runs f as if an early dialog were the leg's; nil is the leg's own.
func (l *Leg) within(d *earlyDialog, f func()) {
	if d == nil {
		f()
		return
	}
	own := l.end()
	l.setEnd(d.end)
	defer func() {
		d.end = l.end()
		l.setEnd(own)
	}()
	f()
}

// endOf reads the peer's end off an answer to our INVITE (RFC 3261 §12.1.2).
func (l *Leg) endOf(res *sipmsg.Response) remoteEnd {
	e := remoteEnd{remote: *sipmsg.HeaderClone(res.To()).(*sipmsg.ToHeader), target: target(res.Contact(), l.target)}
	for _, h := range res.GetHeaders("record-route") {
		if rr, ok := h.(*sipmsg.RecordRouteHeader); ok {
			e.routes = append(e.routes, *rr.Address.Clone())
		}
	}
	slices.Reverse(e.routes)
	return e
}

// earlyOf returns the early dialog of a provisional answer, a new one for a tag not seen before; nil when it has none.
func (l *Leg) earlyOf(res *sipmsg.Response) *earlyDialog {
	tag := RemoteTag(tagOf(res.To()))
	if tag == "" {
		return nil
	}
	if d := l.early(tag); d != nil {
		return d
	}
	if len(l.call.early) >= maxEarly {
		return nil
	}
	d := &earlyDialog{tag: tag, end: l.endOf(res)}
	l.call.early = append(l.call.early, d)
	tags := make([]RemoteTag, 0, len(l.call.early))
	for _, d := range l.call.early {
		tags = append(tags, d.tag)
	}
	l.ringsAt.Store(&tags)
	return d
}

// early returns the early dialog with that tag, nil if there is none.
func (l *Leg) early(tag RemoteTag) *earlyDialog {
	if l.call == nil {
		return nil
	}
	for _, d := range l.call.early {
		if d.tag == tag {
			return d
		}
	}
	return nil
}

// takeEarly handles a request in an early dialog of a call of ours. The callee may change the session there, not end it
// (RFC 3261 §15, RFC 3311 §5.1).
func (l *Leg) takeEarly(d *earlyDialog, in *inbound, tx *serverTx) {
	switch in.Method {
	case sipmsg.UPDATE, sipmsg.INFO, sipmsg.OPTIONS:
	default:
		l.respond(tx, l.reply(in.Request, 481, ""))
		return
	}
	l.within(d, func() {
		if l.inOrder(in, tx) {
			l.current = d
			l.dispatch(in, tx)
			l.current = nil
		}
	})
}
