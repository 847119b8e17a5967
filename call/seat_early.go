package call

import (
	"context"
	"time"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// ringingSeatLimit bounds the time for which a seat is held for somebody whose phone rings: longer than any call rings.
const ringingSeatLimit = trunkRing + seatMoveLimit

// seatRinging has whoever answers a call of the asker's that still rings come to where a leg sits: an attended transfer before the
// answer. The seat is held until then, whether the asker hangs up or not. replaced tells that the newcomer has the seat of the leg.
// errDecidedAlready means that the dialog named rings no longer.
func (r *Root) seatRinging(leg *sip.Leg, asker directory.Caller, named sip.Replaces, accept func(), tell func(code int)) (replaced bool, err error) {
	ringing, ok := r.legs.Replaced(named)
	if !ok {
		return false, errNotInCall
	}
	o := r.unanswered.of(ringing)
	if o == nil {
		return false, errDecidedAlready
	}
	ctx, cancel := context.WithTimeout(context.Background(), ringingSeatLimit)
	defer cancel()
	return r.gateway.Join(ctx, leg, func(ctx context.Context) (*party.Party, directory.Caller, error) {
		accept() // the seat is sure: whoever asked may hang up both its calls now
		m, err := o.take(&handover{
			ctx: ctx, asker: member{caller: asker}, agreed: make(chan error, 1), result: make(chan outcome, 1),
			tell: func(code int) {
				if code == 180 {
					r.spawn(func() { tell(code) }) // returns with the answer to the NOTIFY
				}
			},
		})
		if err != nil {
			return nil, directory.Caller{}, err
		}
		within, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		session, _, err := r.renegotiate(within, m)
		if err != nil {
			m.leave(r, sip.ReasonOf(err))
			return nil, directory.Caller{}, err
		}
		return r.adopt(ctx, m, session)
	})
}
