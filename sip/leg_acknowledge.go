package sip

import (
	"context"
	"fmt"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// acknowledgeLimit is for the handler to answer the offer of a 2xx. Who sent it waits 64*T1 for the ACK.
const acknowledgeLimit = 20 * time.Second

// Acknowledge answers the offer that the peer made to an INVITE of ours without one: sdp goes into the ACK of the 2xx, or into
// the PRACK of the reliable provisional answer that had the offer (RFC 3261 §13.2.2.4, RFC 3262 §5). Where a fork made several
// offers, they are answered in the order of their events. ErrNoOffer means that there is none to answer. A 2xx that is not
// acknowledged within 20 seconds ends the leg.
func (l *Leg) Acknowledge(ctx context.Context, sdp []byte) error {
	return l.do(ctx, func() error { return l.acknowledge(sdp) })
}

func (l *Leg) acknowledge(sdp []byte) error {
	if l.call != nil && len(l.call.offers) > 0 {
		o := l.call.offers[0]
		l.call.offers = l.call.offers[1:]
		o.dialog.settled = true
		l.sdp = sdp
		l.prack(o.dialog, o.rseq, sdp)
		if l.owed != nil { // a 2xx that did not wait for the PRACK
			l.payACK(nil)
		}
		return nil
	}
	if l.owed == nil {
		return fmt.Errorf("acknowledge: %w", ErrNoOffer)
	}
	l.sdp = sdp
	l.payACK(sdp)
	return nil
}

// oweACK keeps the ACK of a 2xx back until there is an answer to its offer.
func (l *Leg) oweACK(c *outCall) {
	l.owed = c
	l.owedLimit = l.after(acknowledgeLimit, func() {
		if l.owed == c {
			l.hangup(Reason{Protocol: "SIP", Cause: 488, Text: "No SDP answer"}, ErrNoAnswer)
		}
	})
}

// payACK sends the ACK that is owed, if one is.
func (l *Leg) payACK(sdp []byte) {
	c := l.owed
	if c == nil {
		return
	}
	l.owed = nil
	l.owedLimit.Stop()
	l.ackFor(c, sdp)
}

// offersIn tells whether the 2xx to an INVITE of ours brings an offer that is not answered yet.
func (l *Leg) offersIn(c *outCall, res *sipmsg.Response) bool {
	if !c.delayed || l.isOver || c.cancel {
		return false
	}
	if c == l.inviteCall() {
		if len(l.call.offers) > 0 {
			return true
		}
		if d := l.early(RemoteTag(tagOf(res.To()))); d != nil && d.settled {
			return false
		}
	}
	_, ok := l.s.sdpOf(res)
	return ok
}
