package sip

import (
	"fmt"

	sipmsg "github.com/emiago/sipgo/sip"
)

// PeerEnd tells how the peer ended a leg and why. It is ErrBye or ErrCancelled to errors.Is.
type PeerEnd struct {
	Method string // "BYE" or "CANCEL"
	Reason Reason // of the request (RFC 3326), zero if it had none
}

// Error tells the method and the reason.
func (e *PeerEnd) Error() string {
	s := e.Unwrap().Error()
	if r := e.Reason.String(); r != "" {
		s += " (" + r + ")"
	}
	return s
}

// Unwrap returns ErrBye or ErrCancelled.
func (e *PeerEnd) Unwrap() error {
	if e.Method == "CANCEL" {
		return ErrCancelled
	}
	return ErrBye
}

// takeCancel answers a CANCEL and the INVITE it is for (RFC 3261 §9.2). After a final answer it changes nothing.
func (l *Leg) takeCancel(in *inbound, invite *serverTx) {
	in.send(l.reply(in.Request, 200, ""))
	switch {
	case invite == l.tx && l.state == legEarly:
		l.final(487, "", Reason{})
		l.over(&PeerEnd{Method: "CANCEL", Reason: parseReason(headerValue(in.Request, "reason"))})
		l.state = legTerminated
	case l.pending != nil && l.pending.tx == invite:
		l.settleOffer(487)
	}
}

// takeBye ends the dialog at the peer's wish (RFC 3261 §15.1.2).
func (l *Leg) takeBye(in *inbound, tx *serverTx) {
	l.respond(tx, l.reply(in.Request, 200, ""))
	l.payACK(nil)
	if l.state == legEarly {
		l.final(487, "", Reason{})
	}
	if l.pending != nil {
		l.settleOffer(487)
	}
	l.over(&PeerEnd{Method: "BYE", Reason: parseReason(headerValue(in.Request, "reason"))})
	l.state = legTerminated
}

// conclude ends what a handler left.
func (l *Leg) conclude(err error) {
	if l.isOver {
		return
	}
	if l.state == legEarly {
		code, reason := StatusOf(err)
		l.finalWith(code, reason, err)
		if err == nil {
			err = ErrRejected
		} else {
			err = fmt.Errorf("%w: %w", ErrRejected, err)
		}
		l.over(err)
		l.state = legTerminated
		return
	}
	r := Reason{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}
	if err != nil {
		r = ReasonOf(err)
	}
	l.hangup(r, ErrLegEnded)
}

// hangup ends the leg from our side.
func (l *Leg) hangup(r Reason, cause error) {
	switch l.state {
	case legEarly:
		code := 480
		if r.Protocol == "SIP" && r.Cause >= 300 && r.Cause <= 699 {
			code = r.Cause
		}
		l.final(code, "", r)
		l.over(cause)
		l.state = legTerminated
	case legCalling:
		l.over(cause)
		if l.call.invite.req == nil { // never sent: whoever called gave up before
			l.state = legTerminated
			return
		}
		l.call.reason = r
		l.cancelCall(l.call.invite)
	case legAnswered:
		// RFC 3261 §15: the callee sends no BYE before the ACK.
		l.hangupFor = &r
		l.over(cause)
	case legConfirmed:
		l.over(cause)
		if l.pending != nil {
			l.settleOffer(487)
		}
		l.bye(r)
	}
}

// bye sends BYE; its answer, or none within its time, ends the owner.
func (l *Leg) bye(r Reason) {
	if l.state == legEnding || l.state == legTerminated {
		return
	}
	l.payACK(nil)
	l.state = legEnding
	l.session.stop()
	headers := []sipmsg.Header{}
	if v := r.String(); v != "" {
		headers = append(headers, sipmsg.NewHeader("Reason", v))
	}
	err := l.send(&outCall{method: sipmsg.BYE, headers: headers, done: func(*sipmsg.Response, error) {
		l.state = legTerminated
	}})
	if err != nil {
		l.log.Debug("BYE not sent", "err", err)
		l.state = legTerminated
	}
}
