package call

import (
	"context"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// comer is a leg that calls in to be joined to one that another call gives away.
type comer struct {
	member
	sdp []byte // the answer to its offer, nil if it made none
}

func newComer(leg *sip.Leg, caller directory.Caller) *comer {
	return &comer{member: member{leg: leg, caller: caller, from: identity(caller, leg, caller.User != nil && caller.User.CLIR)}}
}

// meet makes the media of the comer, and its answer, of what the other one has agreed to. An error means that the two have nothing in
// common; the other one is as it was, whichever call has it.
func (c *comer) meet(r *Root, other *member) error {
	in := c.leg.Invite()
	_, isDirect := other.media.(*direct)
	c.media = r.newSide(isDirect, in.Source.Local.Addr(), secureOf(in.Source))
	if c.leg.Offer() == nil {
		return nil
	}
	err := c.media.Offered(c.leg.Offer())
	if err == nil {
		c.sdp, err = c.media.Answer(other.media)
	}
	return mediaStatus(err)
}

// close ends the media of a comer that was not joined.
func (c *comer) close() {
	if c.media != nil {
		c.media.Close()
	}
}

// joinTo answers the comer and joins it to a leg that another call has given. When that fails, failed has the given leg.
func (c *comer) joinTo(ctx context.Context, r *Root, other member, failed func(sip.Reason)) error {
	reason, joined := broken, false
	defer func() {
		if !joined { // refused, or a panic
			c.close()
			failed(reason)
		}
	}()
	var err error
	if c.media == nil {
		err = c.meet(r, &other)
	}
	if err == nil {
		err = c.answer(ctx, &other)
	}
	if err != nil {
		reason = sip.ReasonOf(err)
		return err
	}
	r.records.answered(c.leg, time.Now())
	joined = true
	t := &twoParty{root: r, log: r.log.With("call_id", c.leg.CallID()), legs: [2]member{c.member, other}}
	t.rename(sideA)
	return t.run(ctx)
}

// answer answers the comer with what the other one has agreed to, and with its name.
func (c *comer) answer(ctx context.Context, other *member) error {
	connected := other.from.shownTo(c.caller).connected()
	if c.leg.Offer() != nil {
		return c.leg.Answer(ctx, c.sdp, connected...)
	}
	offer, err := c.media.Offer(other.media)
	if err != nil {
		return mediaStatus(err)
	}
	answer, err := c.leg.AnswerWithOffer(ctx, offer, connected...)
	if err != nil {
		return err
	}
	return mediaStatus(c.media.Answered(answer))
}
