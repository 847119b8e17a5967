package call

import (
	"context"
	"errors"
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// servePark parks the call that the phone has besides this one, which only hears that it is done.
func (r *Root) servePark(ctx context.Context, leg *sip.Leg, caller directory.Caller, at *directory.User) error {
	p, err := r.place(caller, at)
	if err != nil {
		return err
	}
	m, err := r.takeHeld(ctx, leg, caller)
	if err != nil {
		p.cancel()
		return err
	}
	p.begin(m)
	return r.confirm(ctx, leg)
}

// place reserves a line for a call that the caller parks.
func (r *Root) place(caller directory.Caller, at *directory.User) (*parked, error) {
	if !mayFetch(r.dir.Current(), caller.User, at) {
		return nil, errNotYours
	}
	return r.reserve(at, caller.User)
}

// takeHeld takes the peer of the call that the caller's phone has besides a leg: the one it answered last.
func (r *Root) takeHeld(ctx context.Context, besides *sip.Leg, caller directory.Caller) (member, error) {
	mine := func(self, _ *member) error {
		if self.caller.Device == nil || caller.Device == nil || self.caller.Device.Username != caller.Device.Username {
			return errNotYours
		}
		return ownedBy(self, caller)
	}
	for range 5 {
		negotiates := false
		for _, leg := range r.records.up(caller, besides) {
			m, err := r.take(ctx, leg, mine)
			if err == nil {
				return m, nil
			}
			negotiates = negotiates || errors.Is(err, errNegotiate)
		}
		if !negotiates {
			return member{}, errNothingHeld
		}
		select { // a hold that is under way
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return member{}, context.Cause(ctx)
		}
	}
	return member{}, errNegotiate
}

// up are the answered legs of a caller's phone, the latest first.
func (rs *records) up(caller directory.Caller, besides *sip.Leg) []*sip.Leg {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var legs []*sip.Leg
	for leg, r := range rs.open {
		if leg != besides && !r.Answer.IsZero() && caller.Device != nil && r.Device == caller.Device.Username {
			legs = append(legs, leg)
		}
	}
	slices.SortFunc(legs, func(a, b *sip.Leg) int { return rs.open[b].Answer.Compare(rs.open[a].Answer) })
	return legs
}

// serveUnpark joins the caller to the call that is parked at a line. When that fails the call is parked as before.
func (r *Root) serveUnpark(ctx context.Context, leg *sip.Leg, caller directory.Caller, at *directory.User) error {
	if !mayFetch(r.dir.Current(), caller.User, at) {
		return errNotYours
	}
	p := r.parkedAt(at)
	if p == nil {
		return errNotParked
	}
	other, err := p.fetch(ctx)
	if err != nil {
		return err
	}
	return newComer(leg, caller).joinTo(ctx, r, other, func(reason sip.Reason) {
		if again, err := r.reserve(p.at, p.by); err == nil {
			again.begin(other)
			return
		}
		r.spawn(func() { other.leave(r, reason) }) // returns when the leg has ended
	})
}

// parkFor parks the other side of the call for who asked for it by REFER.
func (t *twoParty) parkFor(asker member, e sip.ReferEvent, route Route) outcome {
	if route.Feature != directory.FeaturePark {
		return outcome{err: &sip.StatusError{Code: 501, Reason: "Not Implemented", Err: errors.New("no transfer to " + string(route.Feature))}}
	}
	p, err := t.root.place(asker.caller, route.User)
	if err != nil {
		return outcome{err: err}
	}
	t.tell(asker.leg, e, 200) // it is hung up as soon as the call is parked
	return outcome{parked: p}
}

// park gives the other side of the call away, which ends it.
func (t *twoParty) park(by side, p *parked) {
	other := by.other()
	t.given = &other
	t.root.joined.drop(t.legs[other].leg, t)
	p.begin(t.legs[other])
}
