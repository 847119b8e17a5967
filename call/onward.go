package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// maxForwards is how many forwardings a call may go through: two lines that forward to each other end here.
const maxForwards = 5

// trunkRing is how long a call by a trunk may ring.
const trunkRing = 3 * time.Minute

// onward takes one call to whom it is for: it rings, follows forwardings, and joins the two when somebody answers. The
// handler's goroutine of the caller's leg owns it.
type onward struct {
	root     *Root
	leg      *sip.Leg
	log      *slog.Logger
	from     callerID
	media    mediaPath
	offer    []byte // what callees are offered
	diverted []diversion
	rung     int // the greatest provisional status the caller was told
	spoken   bool
}

// serveOnward serves the routes that ring somebody.
func (r *Root) serveOnward(ctx context.Context, leg *sip.Leg, caller directory.Caller, route Route, log *slog.Logger) error {
	o := &onward{root: r, leg: leg, log: log, from: identity(caller, leg, route.HideNumber), media: direct{}}
	defer o.media.Close()
	if leg.Offer() != nil {
		var err error
		if o.offer, err = o.media.Offer(sideA, leg.Offer()); err != nil {
			return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err}
		}
	}
	for {
		won, err := o.reach(ctx, route)
		if err == nil {
			return o.join(ctx, won)
		}
		next, ok := o.forward(route, err)
		if !ok || ctx.Err() != nil {
			return err
		}
		if route = next; route.Kind == Refused {
			return route.Err()
		}
	}
}

// reach rings where the route leads.
func (o *onward) reach(ctx context.Context, route Route) (*forkEvent, error) {
	switch route.Kind {
	case ToLine:
		u := route.User
		switch {
		case u.Forwards.Always != "":
			return nil, errForwarded
		case o.from.hidden && u.RejectAnonymous:
			return nil, &sip.StatusError{Code: 433, Reason: "Anonymity Disallowed"}
		case u.DND:
			return nil, errBusy
		}
		attempts := o.lineAttempts(u)
		if len(attempts) == 0 {
			return nil, errNowhere
		}
		won, err := fork(ctx, o.root.calls, attempts, u.RingTime(), func(e *forkEvent) { o.progress(ctx, e) })
		return won, err
	case ToTrunk, ToEmergency:
		return o.byTrunks(ctx, route)
	}
	return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("no way to " + route.Kind.String())}
}

// byTrunks tries one way out after the other, until one takes the call or says what only the callee can say.
func (o *onward) byTrunks(ctx context.Context, route Route) (*forkEvent, error) {
	var last error = &sip.StatusError{Code: 503, Reason: "Service Unavailable", Err: errors.New("no trunk with an address")}
	for _, t := range route.Trunks {
		for _, a := range o.trunkAttempts(t, route.Called(t)) {
			won, err := fork(ctx, o.root.calls, []*attempt{a}, trunkRing, func(e *forkEvent) { o.progress(ctx, e) })
			if err == nil || ctx.Err() != nil || !elsewhereMayHelp(err) {
				return won, err
			}
			o.log.WarnContext(ctx, "trunk failed, trying the next", "trunk", TrunkName(t), "err", err)
			last = err
		}
	}
	return nil, last
}

// elsewhereMayHelp tells whether a failure is the trunk's and not the callee's.
func elsewhereMayHelp(err error) bool {
	switch code, _ := sip.StatusOf(err); code {
	case 408, 500, 502, 503, 504:
		return true
	}
	return false
}

// progress tells the caller that it rings: 180 once, early media once.
func (o *onward) progress(ctx context.Context, e *forkEvent) {
	code, sdp := e.ringing.Code, []byte(nil)
	if e.ringing.SDP != nil && o.offer != nil && !o.spoken {
		if early, err := o.media.Answer(sideB, e.ringing.SDP); err == nil {
			code, sdp, o.spoken = 183, early, true
		}
	}
	if code < 180 || sdp == nil && code <= o.rung {
		return
	}
	o.rung = code
	if err := o.leg.Ring(ctx, code, sdp); err != nil && ctx.Err() == nil {
		o.log.InfoContext(ctx, "ringing not told", "err", err)
	}
}

// forward says where the call goes after a failure at a line.
func (o *onward) forward(route Route, failure error) (Route, bool) {
	if route.Kind != ToLine || len(o.diverted) >= maxForwards {
		return Route{}, false
	}
	cause := causeOf(failure)
	next, ok := Forward(o.root.dir.Current(), route.User, cause)
	if ok {
		o.diverted = append(o.diverted, diversion{route.User, cause})
		o.log.Info("call forwarded", "line", route.User.Line(), "cause", cause.String(), "route", next.Kind.String())
	}
	return next, ok
}

// causeOf says which forwarding a failure sets off.
func causeOf(err error) ForwardCause {
	if errors.Is(err, errForwarded) {
		return ForwardAlways
	}
	if errors.Is(err, errNoAnswer) {
		return ForwardNoAnswer
	}
	switch code, _ := sip.StatusOf(err); code {
	case 486, 600, 603:
		return ForwardBusy
	case 408:
		return ForwardNoAnswer
	}
	return ForwardNotReachable
}

// join answers the caller and passes media and offers until one of the two hangs up.
func (o *onward) join(ctx context.Context, won *forkEvent) error {
	t := &twoParty{media: o.media, log: o.log, legs: [2]*sip.Leg{o.leg, won.leg}, early: [2][]sip.LegEvent{sideB: won.early}}
	if err := o.answer(ctx, won, t); err != nil {
		hangup(won.leg, sip.ReasonOf(err))
		return err
	}
	return t.run(ctx)
}

// answer brings the callee's answer to the caller. A call without an offer in its INVITE gets the callee's offer, and the
// callee the caller's answer.
func (o *onward) answer(ctx context.Context, won *forkEvent, t *twoParty) error {
	t.last[sideB] = o.offer
	if o.offer != nil {
		sdp, err := o.media.Answer(sideB, won.answer)
		if err != nil {
			return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err}
		}
		t.last[sideA] = sdp
		return o.leg.Answer(ctx, sdp)
	}
	return errors.New("call without offer")
}

var (
	errForwarded = errors.New("the line forwards every call")
	errBusy      = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the line does not want to be disturbed")}
)

// direct is the path of media that does not go through us: descriptions pass as they are.
type direct struct{}

func (direct) Offer(_ side, sdp []byte) ([]byte, error)  { return sdp, nil }
func (direct) Answer(_ side, sdp []byte) ([]byte, error) { return sdp, nil }
func (direct) Close()                                    {}
