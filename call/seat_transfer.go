package call

import (
	"context"
	"errors"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// seatMoveLimit bounds the time for which a seat is held: the re-INVITE of whoever is to have it has a minute.
const seatMoveLimit = 90 * time.Second

// replaced is why a leg ends whose place somebody else has taken.
var replaced = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Replaced"}

// serveReplacingSeat serves an INVITE with Replaces of a leg at the gateway: the caller takes its seat, so that it counts once
// (RFC 3891 §3). Who may: the line whose leg it is.
func (r *Root) serveReplacingSeat(ctx context.Context, leg *sip.Leg, caller directory.Caller, old *sip.Leg, replaces sip.Replaces, who directory.Caller) error {
	switch {
	case !sameUser(who, caller):
		return errNotYours
	case replaces.EarlyOnly:
		return &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the dialog is confirmed")}
	}
	defer r.seats.put(leg, caller)()
	err := r.gateway.Replace(ctx, old, func(ctx context.Context) (*party.Party, directory.Caller, error) {
		leg.SetFocus(true)
		p, err := party.Answer(ctx, leg, r.party)
		return p, caller, err
	})
	if err != nil {
		return err
	}
	hangup(old, replaced)
	<-leg.Done()
	return nil
}

// seatNamed is the leg at the gateway that a Replaces names, if it is of the asker's line; nil for a leg that is elsewhere.
func (r *Root) seatNamed(asker directory.Caller, named sip.Replaces) (*sip.Leg, error) {
	old, ok := r.legs.Replaced(named)
	if !ok {
		return nil, nil
	}
	who, atGateway := r.seats.of(old)
	switch {
	case !atGateway:
		return nil, nil
	case !sameUser(who, asker):
		return nil, errNotYours
	}
	return old, nil
}

// roadIn is how a side of a call comes to the gateway; the zero value is no road. Exactly one of its fields is set.
type roadIn struct {
	instead    *sip.Leg        // in the place of this one
	beside     *sip.Leg        // into the space where this one sits
	conference *directory.User // into the conference of this line
	visit      Route           // as a caller does
}

// roadOf says how a transfer leads to the gateway; false when it leads elsewhere.
func (t *twoParty) roadOf(asker member, e sip.ReferEvent) (road roadIn, ok bool, err error) {
	if e.Replaces != nil {
		road.instead, err = t.root.seatNamed(asker.caller, *e.Replaces)
		return road, road.instead != nil || err != nil, err
	}
	if road.beside = t.root.seats.named(e.To, asker.caller); road.beside != nil {
		return road, true, nil
	}
	switch route := Plan(t.root.dir.Current(), asker.caller, e.To); {
	case route.Kind == ToFeature && route.Feature == directory.FeatureConference:
		road.conference = asker.caller.User
	case route.Kind == ToGateway:
		road.visit = route
	default:
		return road, false, nil
	}
	return road, true, nil
}

// intoSpace brings about a transfer of one side to the gateway. It reports false for every other transfer.
func (t *twoParty) intoSpace(asker member, s side, e sip.ReferEvent) bool {
	road, leads, err := t.roadOf(asker, e)
	if !leads {
		return false
	}
	// The REFER is accepted once the seat is held: whoever asked may hang up both its calls when it has heard so much.
	accept := sync.OnceFunc(func() {
		if err := t.accept(asker.leg, e); err != nil {
			t.log.Debug("transfer not accepted", "err", err)
		}
	})
	if err != nil {
		accept()
		t.failed(err)
		return true
	}
	t.goIn(asker, s, e, road, accept)
	return true
}

// failed ends a transfer that has come to nothing: the call is as it was, or has ended meanwhile.
func (t *twoParty) failed(err error) {
	_ = t.do(context.Background(), func() { t.transferred(outcome{err: err}) })
}

// goIn has a side go to the gateway by a road, and tells who asked for it what became of that. accept answers the REFER.
func (t *twoParty) goIn(asker member, s side, e sip.ReferEvent, road roadIn, accept func()) {
	l := &leaver{t: t, side: s, begun: accept}
	defer l.done()
	settled := false
	settle := func(err error) {
		settled = true
		accept()
		if err != nil && l.told == nil {
			t.failed(err)
			return
		}
		code, _ := sip.StatusOf(err)
		if err == nil {
			code = 200
			t.log.Info("transferred into a space", "side", s.other().String())
		}
		t.tell(asker.leg, e, code)
	}
	defer func() {
		if !settled { // a panic
			settle(sip.ErrPanic)
		}
	}()
	err := t.take(road, l)
	settle(err)
	if err == nil && road.instead != nil {
		t.root.spawn(func() { hangup(road.instead, transferDone) }) // returns when the leg has ended
	}
}

// take has the leaver go to the gateway, and returns when it is there.
func (t *twoParty) take(road roadIn, l *leaver) error {
	g := t.root.gateway
	ctx, cancel := context.WithTimeout(context.Background(), seatMoveLimit)
	defer cancel()
	switch {
	case road.instead != nil:
		return g.Replace(ctx, road.instead, l.bring)
	case road.beside != nil:
		return g.Beside(ctx, road.beside, l.bring)
	case road.conference != nil:
		return g.Conference(ctx, road.conference, l.bring)
	}
	// The visit lasts as long as the leg does; it is enough that it has begun.
	begun := make(chan error, 1)
	referee := t.refereeOf(l.side)
	t.root.spawn(func() { // ends with the leg
		told := false
		err := sip.ErrPanic
		defer func() {
			if !told {
				begun <- err
			}
		}()
		err = g.ServeParty(context.Background(), referee, road.visit.Site, road.visit.SpaceID, func(ctx context.Context) (*party.Party, directory.Caller, error) {
			p, caller, err := l.bring(ctx)
			told = true
			begun <- err
			return p, caller, err
		})
	})
	return <-begun
}

// refereeOf is who is on a side, as one that calls; it does not change while a transfer is under way.
func (t *twoParty) refereeOf(s side) directory.Caller {
	c := directory.Caller{}
	_ = t.ask(context.Background(), func() error { // else the call has ended, and bring will tell
		c = t.legs[s].caller
		return nil
	})
	return c
}
