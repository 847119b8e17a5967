package call

import (
	"context"

	"passerelle/sip"
)

// A caller who makes no offer wants one (RFC 3261 §13.2.1). Phones that it rings get none either, so that what goes on is theirs:
// their offer in the 200, the caller's answer in the ACK. Trunks and those who pick the call up agree on something with us first.

// late tells whether an attempt gets no offer.
func (o *onward) late(a *attempt) bool {
	return !o.offered && a.binding != nil && o.leg != nil && o.progress == nil && o.leg.Offer() == nil
}

// answerLate brings the offer of the phone that answered to the caller, and the caller's answer to the phone.
func (o *onward) answerLate(ctx context.Context, won *forkEvent, connected []sip.Header) error {
	b := won.attempt.media
	if err := b.Offered(won.answer); err != nil {
		return mediaStatus(err)
	}
	offer, err := o.media.Offer(b)
	if err != nil {
		return mediaStatus(err)
	}
	answer, err := o.leg.AnswerWithOffer(ctx, offer, connected...)
	if err != nil {
		return err
	}
	if err := o.media.Answered(answer); err != nil {
		return mediaStatus(err)
	}
	sdp, err := b.Answer(o.media)
	if err != nil {
		return mediaStatus(err)
	}
	o.media.Join(b)
	return won.leg.Acknowledge(ctx, sdp)
}

// through lets the media of a call that was to go from phone to phone go through us, when it comes to somebody who is no phone of
// such a site. A caller that was transferred is asked anew once the call is up.
func (o *onward) through() error {
	if !o.direct || o.space != nil {
		return nil
	}
	o.direct = false
	if o.progress != nil {
		o.offered = false
		return nil
	}
	src := o.leg.Invite().Source
	own := o.root.newSide(false, src.Local.Addr(), secureOf(src))
	o.media.Close()
	o.media = own
	if !o.offered {
		return nil
	}
	return mediaStatus(own.Offered(o.leg.Offer()))
}

// relayBoth lets the media of both legs pass through us when one of them has its own way to a phone that has left the call.
func (t *twoParty) relayBoth() {
	_, a := t.legs[sideA].media.(*direct)
	_, b := t.legs[sideB].media.(*direct)
	if a == b || t.root.media.Relay == nil {
		return
	}
	s := sideA
	if b {
		s = sideB
	}
	m := &t.legs[s]
	src := m.leg.Invite().Source
	m.media.Close()
	m.media = t.root.newSide(false, src.Local.Addr(), secureOf(src))
	t.again[s] = true
}
