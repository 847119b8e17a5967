package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Timers of RFC 3261 §17.1.1.1 and what follows from them.
const (
	timerT1     = 500 * time.Millisecond
	timerT2     = 4 * time.Second
	ackLimit    = 64 * timerT1     // RFC 3261 §13.3.1.4
	ringRefresh = time.Minute      // RFC 3261 §13.3.1.1
	offerLimit  = 40 * time.Second // for the handler to answer a re-INVITE
	updateLimit = 10 * time.Second // for an UPDATE, whose sender gives up sooner
)

// awaitedACK is a 2xx to an INVITE that is repeated until its ACK comes.
type awaitedACK struct {
	tx       *serverTx
	res      *sipmsg.Response
	delayed  bool // our offer is in res, the answer in the ACK
	acked    chan ackResult
	interval time.Duration
	again    *time.Timer
	limit    *time.Timer
}

type ackResult struct {
	sdp []byte
	err error
}

func (a *awaitedACK) stop() {
	a.again.Stop()
	a.limit.Stop()
}

// reply builds an answer in the dialog.
func (l *Leg) reply(req *sipmsg.Request, code int, reason string) *sipmsg.Response {
	res := newResponse(req, code, reason, l.id.LocalTag)
	if code > 100 && (req.IsInvite() || req.Method == sipmsg.UPDATE) && code < 300 {
		res.AppendHeader(sipmsg.NewHeader("Contact", l.contact()))
	}
	if code > 100 && code < 300 && (req.IsInvite() || req.Method == sipmsg.OPTIONS || req.Method == sipmsg.UPDATE) {
		res.AppendHeader(sipmsg.NewHeader("Allow", legAllowed))
		res.AppendHeader(sipmsg.NewHeader("Supported", l.supported()))
	}
	if code > 100 {
		header(res, "Session-ID", l.sessionID.header())
	}
	return res
}

// legAllowed are the methods a leg takes.
const legAllowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"

// supported are the option tags of the leg's messages.
func (l *Leg) supported() string {
	if l.calling && !(l.state == legCalling && l.call.reliable) {
		return "timer, replaces"
	}
	return "timer, replaces, " + optionReliable
}

// respond sends an answer in the dialog.
func (l *Leg) respond(tx *serverTx, res *sipmsg.Response) {
	if err := tx.respond(l.s.dress(res)); err != nil && res.StatusCode >= 200 {
		l.log.Debug("answer not sent", "method", methodLabel(tx.req.Method), "code", res.StatusCode, "err", err)
	}
}

// armExpires starts the timer that repeats a provisional answer each minute, so that proxies keep the call
// (RFC 3261 §13.3.1.1), or ends it when the INVITE expires (§13.3.1).
func (l *Leg) armExpires() {
	if l.expires != nil {
		l.expires.Stop()
	}
	wait, ends := ringRefresh, false
	if n, err := strconv.ParseUint(headerValue(l.req, "expires"), 10, 31); err == nil && n > 0 {
		if left := time.Until(l.since.Add(time.Duration(n) * time.Second)); left <= wait {
			wait, ends = max(left, 0), true
		}
	}
	l.expires = l.after(wait, func() {
		switch {
		case l.state != legEarly:
		case ends:
			l.final(487, "", Reason{})
			l.over(fmt.Errorf("the INVITE expired: %w", ErrCancelled))
			l.state = legTerminated
		default:
			if l.ringing != nil {
				l.ringing()
			}
			l.armExpires()
		}
	})
}

// answer sends the 200 of the INVITE, at once or as soon as it may.
func (l *Leg) answer(sdp []byte, delayed bool, headers []Header, acked chan ackResult) error {
	if l.state != legEarly || l.rel.held != nil ||
		delayed && (l.rel.settled || l.rel.waiting != nil && l.rel.waiting.offer) {
		return fmt.Errorf("answer: %w", ErrWrongState)
	}
	if !l.mayAnswer() {
		l.rel.held = func() { l.sendAnswer(sdp, delayed, headers, acked) }
		return nil
	}
	l.sendAnswer(sdp, delayed, headers, acked)
	return nil
}

func (l *Leg) sendAnswer(sdp []byte, delayed bool, headers []Header, acked chan ackResult) {
	l.stopProvisional()
	res := l.reply(l.req, 200, "")
	l.session.agree(l, l.req, res)
	addHeaders(res, headers)
	withBody(res, "application/sdp", l.bodyOfAnswer(sdp))
	l.state = legAnswered
	l.up.Store(true)
	l.expires.Stop()
	if sdp != nil {
		l.sdp = sdp
	}
	l.s.legs.settled(l)
	l.log.Info("leg answered")
	l.await(l.tx, res, delayed, acked)
}

// await sends a 2xx to an INVITE and repeats it, whatever the transport, until the ACK is there.
func (l *Leg) await(tx *serverTx, res *sipmsg.Response, delayed bool, acked chan ackResult) {
	a := &awaitedACK{tx: tx, res: res, delayed: delayed, acked: acked, interval: timerT1}
	seq := tx.req.CSeq().SeqNo
	l.awaiting[seq] = a
	l.respond(tx, res)
	a.again = l.after(a.interval, func() { l.repeat(seq, a) })
	a.limit = l.after(ackLimit, func() { l.noACK(seq, a) })
}

func (l *Leg) repeat(seq uint32, a *awaitedACK) {
	if l.awaiting[seq] != a {
		return
	}
	l.respond(a.tx, a.res)
	a.interval = min(2*a.interval, timerT2)
	a.again.Reset(a.interval)
}

// noACK ends a dialog whose 2xx nobody acknowledged (RFC 3261 §13.3.1.4).
func (l *Leg) noACK(seq uint32, a *awaitedACK) {
	if l.awaiting[seq] != a {
		return
	}
	delete(l.awaiting, seq)
	a.stop()
	l.tell(a.acked, ackResult{err: ErrNoACK})
	r := Reason{Protocol: "SIP", Cause: 408, Text: "No ACK"}
	if l.hangupFor != nil {
		r = *l.hangupFor
	}
	l.over(ErrNoACK)
	l.bye(r)
}

// takeACK matches the ACK of a 2xx by its CSeq.
func (l *Leg) takeACK(in *inbound) {
	seq := in.CSeq().SeqNo
	a := l.awaiting[seq]
	if a == nil {
		return // a repeated one
	}
	delete(l.awaiting, seq)
	a.stop()
	l.follow(in)
	r := ackResult{}
	if a.delayed {
		if r.sdp, _, _ = l.s.readBody(in.Request); r.sdp == nil {
			r.err = ErrNoAnswer
		}
	}
	if l.state == legAnswered {
		l.state = legConfirmed
		l.log.Info("leg confirmed")
	}
	if l.hangupFor != nil && len(l.awaiting) == 0 {
		l.bye(*l.hangupFor)
		return
	}
	switch {
	case a.acked != nil:
		l.tell(a.acked, r)
		l.amend()
	case a.delayed && r.err == nil:
		l.emit(AnswerEvent{SDP: r.sdp})
	}
	if a.delayed && r.err != nil {
		// The offer we made stays unanswered: there is no session (RFC 3261 §13.2.2.4).
		l.hangup(Reason{Protocol: "SIP", Cause: 400, Text: "No SDP answer in ACK"}, ErrNoAnswer)
	}
}

func (l *Leg) tell(c chan ackResult, r ackResult) {
	if c != nil {
		c <- r // has room for the one result
	}
}

// finalWith refuses the INVITE with what its handler's error has to say.
func (l *Leg) finalWith(code int, reason string, err error) {
	res := l.reply(l.req, code, reason)
	if retryAfter := retryAfterOf(err); retryAfter > 0 {
		header(res, "Retry-After", seconds(int((retryAfter+time.Second-1)/time.Second)))
	}
	if se, ok := errors.AsType[*StatusError](err); ok && se.Warning != "" {
		host, _ := l.s.host(l.peer.Local)
		header(res, "Warning", "399 "+host+` "`+quote(se.Warning)+`"`)
	}
	l.sendFinal(res)
}

// final refuses the INVITE for a reason of the leg's own.
func (l *Leg) final(code int, reason string, r Reason) {
	res := l.reply(l.req, code, reason)
	header(res, "Reason", r.String())
	l.sendFinal(res)
}

func (l *Leg) sendFinal(res *sipmsg.Response) {
	l.stopProvisional()
	if l.pending != nil {
		l.settleOffer(487)
	}
	l.respond(l.tx, res)
	l.s.legs.settled(l)
}

// contact is where the peer reaches this dialog.
func (l *Leg) contact() string {
	addr := l.flow.local(l.peer.Remote)
	if l.peer.Transport == "UDP" && l.peer.Local.IsValid() {
		addr = l.peer.Local
	}
	at := string(l.id.LocalTag) + "@" + l.s.hostPort(addr)
	switch t := l.peer.Transport; {
	case l.invite.RequestURI.Scheme == "sips" && (t == "TLS" || t == "WSS"): // RFC 3261 §12.1.1
		at = "<sips:" + at + ">"
	case t == "UDP":
		at = "<sip:" + at + ">"
	default:
		at = "<sip:" + at + ";transport=" + strings.ToLower(t) + ">"
	}
	if l.focus.Load() {
		at += ";isfocus"
	}
	return at
}
