package call

import (
	"context"

	"passerelle/sip"
)

// Offers before the answer (RFC 3311, RFC 3262 §5): who has settled a session by reliable provisional answers may change it. Where the
// media passes through us the change concerns the two of us only, and is answered at once, as RFC 3311 §5.2 wants it; what the other side
// would have to know of it is offered when the call is up. From phone to phone a change is refused: the session stands.

// alone tells whether the caller's leg is in no other call, which would have its events.
func (o *onward) alone() bool { return o.progress == nil && o.space == nil }

// settled takes up a session that a callee has settled before the answer, where no caller is to hear it.
func (o *onward) settled(e *forkEvent) {
	if _, ok := e.attempt.media.(relayed); ok && o.offered && e.ringing.Reliable && e.ringing.SDP != nil {
		_ = e.attempt.media.Answered(e.ringing.SDP) // else the answer tells
	}
}

// calleeOffers meets the offer of a callee that has not answered.
func (o *onward) calleeOffers(ctx context.Context, e *forkEvent) {
	if len(e.leg.EarlyDialogs()) != 1 { // the session is another place's, perhaps
		o.refuse(ctx, e.leg, 488)
		return
	}
	if o.amend(ctx, e.leg, e.attempt.media, o.media, e.offer.SDP) {
		e.attempt.amended = true
	}
}

// callerTells meets what the caller does before the answer: an offer at once, all else when the call is up.
func (o *onward) callerTells(ctx context.Context, e sip.LegEvent) {
	offer, ok := e.(sip.OfferEvent)
	switch {
	case !ok:
		o.early = append(o.early, e)
	case o.sounding == nil: // whose session it was has refused the call
		o.refuse(ctx, o.leg, 500)
	default:
		o.amend(ctx, o.leg, o.media, o.sounding, offer.SDP)
	}
}

// amend answers an offer of one side with what the other one has agreed to, or refuses it.
func (o *onward) amend(ctx context.Context, leg *sip.Leg, own, other mediaSide, sdp []byte) bool {
	if _, ok := own.(relayed); !ok || other == nil {
		o.refuse(ctx, leg, 488)
		return false
	}
	err := own.Offered(sdp)
	var answer []byte
	if err == nil {
		answer, err = own.Answer(other)
	}
	if err != nil {
		own.Refused()
		o.log.InfoContext(ctx, "offer before the answer refused", "err", err)
		code, _ := sip.StatusOf(mediaStatus(err))
		o.refuse(ctx, leg, code)
		return false
	}
	if err := leg.Accept(ctx, answer); err != nil {
		o.log.InfoContext(ctx, "offer before the answer not answered", "err", err)
	}
	return true
}

func (o *onward) refuse(ctx context.Context, leg *sip.Leg, code int) {
	if err := leg.Refuse(ctx, code); err != nil && ctx.Err() == nil {
		o.log.DebugContext(ctx, "offer before the answer not refused", "err", err)
	}
}

// holdOff keeps what the caller tells from now on until stop is called. Offers are refused for now: the answer of the call would wait for
// theirs.
func (o *onward) holdOff(ctx context.Context) (stop func()) {
	if !o.alone() {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	o.root.spawn(func() { // ends with the answer, which stop tells
		defer close(ended)
		events := o.leg.Events()
		for {
			select {
			case e, ok := <-events:
				if offer, is := e.(sip.OfferEvent); !ok {
					return
				} else if is && offer.Early {
					o.refuse(ctx, o.leg, 500)
				} else {
					o.early = append(o.early, e)
				}
			case <-end:
				return
			}
		}
	})
	return func() {
		close(end)
		<-ended
	}
}
