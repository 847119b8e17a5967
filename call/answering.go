package call

import (
	"context"
	"time"

	"passerelle/sip"
)

// join answers the caller and passes media and offers until one of the two hangs up.
func (o *onward) join(ctx context.Context, won *forkEvent) error {
	callee := o.memberOf(won)
	stop := o.holdOff(ctx)
	err := o.answer(ctx, won, callee.from.shownTo(o.caller).connected())
	stop()
	if err != nil {
		o.winner = nil
		hangup(won.leg, sip.ReasonOf(err))
		o.root.records.end(won.leg, err)
		return err
	}
	now := time.Now()
	for _, leg := range []*sip.Leg{o.leg, won.leg} {
		o.root.records.answered(leg, now)
	}
	t := &twoParty{root: o.root, log: o.log, legs: [2]member{
		{leg: o.leg, media: o.media, caller: o.caller, from: o.from, early: o.early}, o.callee(won),
	}}
	o.media, o.winner = nil, nil // its call ends them
	return t.run(ctx)
}

// memberOf is the leg that answered, as far as it is known by itself.
func (o *onward) memberOf(won *forkEvent) member {
	m := member{leg: won.leg, media: won.attempt.media}
	if won.picked != nil {
		m.caller, m.from = won.picked.caller, won.picked.from
	} else {
		m.caller, m.from = o.who(won.attempt)
	}
	for _, e := range won.early {
		if told, ok := e.(sip.IdentityEvent); ok {
			m.identified(told)
			continue
		}
		m.early = append(m.early, e)
	}
	return m
}

// callee is the leg that answered, with what the call holds for it.
func (o *onward) callee(won *forkEvent) member {
	m := o.memberOf(won)
	m.releases = o.releases
	o.sides, o.releases = nil, nil // the call's
	return m
}

// answer brings the callee's answer to the caller. A caller without an offer in its INVITE gets one now, of what the callee
// has agreed to.
func (o *onward) answer(ctx context.Context, won *forkEvent, connected []sip.Header) error {
	b := won.attempt.media
	if won.attempt.late {
		return o.answerLate(ctx, won, connected)
	}
	if err := o.agree(ctx, won); err != nil {
		return err
	}
	if o.offered {
		sdp, err := o.media.Answer(b)
		if err != nil {
			return mediaStatus(err)
		}
		o.media.Join(b) // media may arrive before the ACK (RFC 3264 §5.1)
		return o.leg.Answer(ctx, sdp, connected...)
	}
	offer, err := o.media.Offer(b)
	if err != nil {
		return mediaStatus(err)
	}
	answer, err := o.leg.AnswerWithOffer(ctx, offer, connected...)
	if err != nil {
		return err
	}
	return mediaStatus(o.media.Answered(answer))
}
