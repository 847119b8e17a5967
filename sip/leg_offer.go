package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// pendingOffer is a re-INVITE or UPDATE that the handler has not answered yet.
type pendingOffer struct {
	in      *inbound
	tx      *serverTx
	sdp     []byte
	early   *earlyDialog // that it belongs to; nil is the leg's
	delayed bool         // re-INVITE without offer: we make one
	limit   *time.Timer
}

// glare tells how to refuse an offer of the peer that meets another offer: 491 when it is ours (RFC 3261 §14.2,
// RFC 3311 §5.2), 500 when it is the peer's own; 0 when there is none.
func (l *Leg) glare() int {
	if l.reinvite != nil || l.owed != nil || l.state == legCalling && (l.current == nil || !l.current.settled) {
		return 491
	}
	for _, a := range l.awaiting {
		if a.delayed {
			return 491
		}
	}
	if l.pending != nil || l.state == legEarly && !(l.rel.settled && l.heard.Load()) {
		return 500
	}
	return 0
}

func (l *Leg) takeReinvite(in *inbound, tx *serverTx) {
	l.keep(tx)
	switch l.glare() {
	case 491:
		l.respond(tx, l.reply(in.Request, 491, ""))
		return
	case 500:
		l.busy(in, tx)
		return
	}
	l.respond(tx, l.reply(in.Request, 100, ""))
	sdp, code, headers := l.s.readBody(in.Request)
	if code == 0 {
		code, headers = l.s.checkInterval(in.Request)
	}
	if code != 0 {
		l.refuseWith(in, tx, code, headers)
		return
	}
	l.learn(in.Request)
	l.offered(in, tx, OfferEvent{Method: "INVITE", SDP: sdp}, offerLimit)
}

func (l *Leg) takeUpdate(in *inbound, tx *serverTx) {
	sdp, code, headers := l.s.readBody(in.Request)
	if code == 0 {
		code, headers = l.s.checkInterval(in.Request)
	}
	if code != 0 {
		l.refuseWith(in, tx, code, headers)
		return
	}
	if sdp == nil { // a refresh (RFC 4028 §7.4): no offer, no glare
		l.learn(in.Request)
		res := l.reply(in.Request, 200, "")
		if !l.isEarly() {
			l.session.agree(l, in.Request, res)
		}
		l.respond(tx, res)
		l.emit(RefreshEvent{})
		return
	}
	switch l.glare() {
	case 491:
		l.respond(tx, l.reply(in.Request, 491, ""))
		return
	case 500:
		l.busy(in, tx)
		return
	}
	l.learn(in.Request)
	l.offered(in, tx, OfferEvent{Method: "UPDATE", SDP: sdp}, updateLimit)
}

func (l *Leg) refuseWith(in *inbound, tx *serverTx, code int, headers []sipmsg.Header) {
	res := l.reply(in.Request, code, "")
	for _, h := range headers {
		res.AppendHeader(h)
	}
	l.respond(tx, res)
}

// offered waits for the handler's answer to an offer.
func (l *Leg) offered(in *inbound, tx *serverTx, e OfferEvent, limit time.Duration) {
	p := &pendingOffer{in: in, tx: tx, sdp: e.SDP, early: l.current, delayed: e.Method == "INVITE" && e.SDP == nil}
	l.pending = p
	e.Early = l.isEarly()
	p.limit = l.after(limit, func() {
		if l.pending == p {
			l.settleOffer(500)
		}
	})
	if !l.emit(e) {
		l.settleOffer(500)
	}
}

// settleOffer refuses the pending offer; 500 lets the peer come again (RFC 3311 §5.2).
func (l *Leg) settleOffer(code int) {
	p := l.pending
	l.pending = nil
	p.limit.Stop()
	if code == 500 {
		l.busy(p.in, p.tx)
	} else {
		l.respond(p.tx, l.reply(p.in.Request, code, ""))
	}
	l.releaseAnswer()
}

// accept answers the pending offer.
func (l *Leg) accept(sdp []byte, headers []Header) error {
	p := l.pending
	if p == nil {
		return fmt.Errorf("accept: %w", ErrNoOffer)
	}
	l.pending = nil
	p.limit.Stop()
	res := l.reply(p.in.Request, 200, "")
	if !l.isEarly() {
		l.session.agree(l, p.in.Request, res)
	}
	addHeaders(res, headers)
	withBody(res, "application/sdp", sdp)
	l.sdp = sdp
	if p.early != nil {
		p.early.answer = p.sdp
	}
	if p.in.IsInvite() {
		l.await(p.tx, res, p.delayed, nil)
		return nil
	}
	l.respond(p.tx, res)
	l.rel.sdp = sdp
	l.releaseAnswer()
	return nil
}

func (l *Leg) refuse(code int) error {
	if l.pending == nil {
		return fmt.Errorf("refuse: %w", ErrNoOffer)
	}
	if code < 300 || code > 699 {
		code = 488
	}
	l.settleOffer(code)
	return nil
}

// Reoffer sends our offer in a re-INVITE and returns the peer's answer. A nil offer leaves it to the peer: its offer is returned,
// and Acknowledge answers it. headers are further ones, such as P-Asserted-Identity. When it meets an offer of the peer it is tried again
// after the pause of RFC 3261 §14.1, until ctx ends. A refusal is a *StatusError; the session stays as it was then. When ctx
// ends before the answer, the answer comes as an AnswerEvent.
func (l *Leg) Reoffer(ctx context.Context, offer []byte, headers ...Header) (answer []byte, err error) {
	for {
		answer, err = l.reofferOnce(ctx, offer, headers)
		if !errors.Is(err, ErrOfferPending) {
			return answer, err
		}
		// RFC 3261 §14.1: who does not own the Call-ID waits up to two seconds, in steps of 10 ms.
		pause := time.Duration(rand.IntN(201)) * 10 * time.Millisecond
		if l.isCaller() {
			pause = 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-l.done:
			return nil, l.overError()
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}

func (l *Leg) reofferOnce(ctx context.Context, offer []byte, headers []Header) ([]byte, error) {
	result := make(chan ackResult, 1)
	c := &outCall{method: sipmsg.INVITE, body: offer, delayed: offer == nil}
	left := false
	c.done = func(res *sipmsg.Response, err error) {
		l.endReinvite(c)
		r := l.reoffered(c, res, err)
		if left && r.err == nil && r.sdp != nil {
			if l.owed == c { // nobody answers the peer's offer any more: it gets what it has
				l.payACK(l.sdp)
				return
			}
			l.emit(AnswerEvent{SDP: r.sdp})
			return
		}
		result <- r
	}
	err := l.do(ctx, func() error {
		switch {
		case l.state != legConfirmed && l.state != legAnswered:
			return fmt.Errorf("offer: %w", ErrWrongState)
		case l.glare() != 0 || l.state == legAnswered:
			return fmt.Errorf("offer: %w", ErrOfferPending)
		}
		c.headers = append(l.session.ask(l), ofOurs(headers)...)
		if err := l.send(c); err != nil {
			return err
		}
		l.beginReinvite(c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r, err := await(ctx, l, result)
	if err != nil {
		l.post(command(func() { left = true }))
		return nil, err
	}
	return r.sdp, r.err
}

// reoffered reads the result of our re-INVITE.
func (l *Leg) reoffered(c *outCall, res *sipmsg.Response, err error) ackResult {
	switch {
	case dialogGone(res, err):
		l.over(errors.Join(ErrDialogGone, err))
		l.bye(Reason{Protocol: "SIP", Cause: 481})
		return ackResult{err: ErrDialogGone}
	case res.StatusCode == 491:
		return ackResult{err: ErrOfferPending}
	case !res.IsSuccess():
		if res.StatusCode == 422 {
			l.session.raise(res)
		}
		return ackResult{err: &StatusError{Code: res.StatusCode, Reason: res.Reason}}
	}
	l.session.told(l, res)
	if !c.delayed {
		l.sdp = c.body
	}
	sdp, ok := l.s.sdpOf(res)
	if !ok {
		return ackResult{err: ErrNoAnswer}
	}
	return ackResult{sdp: sdp}
}

// isEarly reports whether the INVITE has no final answer yet.
func (l *Leg) isEarly() bool { return l.state == legEarly || l.state == legCalling }

// isCaller reports whether we own the Call-ID.
func (l *Leg) isCaller() bool { return l.calling }

// reinviteLimit is how long a re-INVITE of ours may stay without a final answer before it is cancelled.
const reinviteLimit = time.Minute

func (l *Leg) beginReinvite(c *outCall) {
	l.reinvite = c
	c.limit = l.after(reinviteLimit, func() {
		if !c.final {
			l.cancelCall(c)
		}
	})
}

func (l *Leg) endReinvite(c *outCall) {
	c.stopLimit()
	if l.reinvite == c {
		l.reinvite = nil
	}
}
