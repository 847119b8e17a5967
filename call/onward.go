package call

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

const (
	// maxDiversions is how many forwardings a call may go through, before it came here too: two lines that forward to each
	// other end here.
	maxDiversions = 5
	// trunkRing is how long a call by a trunk may ring.
	trunkRing = 3 * time.Minute
	// portsRetry is how long a caller is asked to wait when no media port is free (RFC 3261 §20.33).
	portsRetry = 10 * time.Second
)

// onward takes one call to whom it is for: it rings, follows forwardings, and joins the two when somebody answers. The
// handler's goroutine of the caller's leg owns it.
type onward struct {
	root     *Root
	leg      *sip.Leg // of the caller
	log      *slog.Logger
	caller   directory.Caller
	from     callerID
	hops     int // Max-Forwards of what goes on
	direct   bool
	urgent   bool      // a call for help: no drain stands before it
	media    mediaSide // of the caller
	offered  bool      // the caller has made an offer
	sides    []mediaSide
	diverted []diversion
	places   map[string]bool // that phones have sent the call to
	came     past
	releases []func()
	winner   *sip.Leg       // answered, and in no call yet
	early    []sip.LegEvent // what the caller told before the answer
	sounding mediaSide      // whose early media the caller hears, nil while it hears none
	sounded  bool           // the caller was told where to hear what comes before the answer
	rung     int            // the greatest provisional status the caller was told
	progress func(code int)
	// space calls, nil for other calls: whoever answers gets a session of a party's, and no side is the caller's.
	space *directory.Space

	// ---- of a call that may be handed over; see own ----

	cancel    context.CancelCauseFunc
	handovers chan *handover
	found     chan struct{} // closed when it rings no longer
	decided   func()        // closes it

	mu     sync.Mutex
	handed *handover // who has the call now; nil while it is the caller's
}

// serveOnward serves the routes that ring somebody.
func (r *Root) serveOnward(ctx context.Context, leg *sip.Leg, caller directory.Caller, route Route, log *slog.Logger) error {
	in := leg.Invite()
	o := &onward{
		root: r, leg: leg, log: log, caller: caller, from: identity(caller, leg, route.HideNumber),
		direct: r.isDirect(caller, route),
	}
	if route.Kind == ToEmergency {
		o.from, o.urgent = o.from.forHelp(route.Callback), true
		r.helped.note(caller.Device.Username)
	}
	defer o.close()
	var err error
	if o.hops, err = hopsLeft(in); err != nil {
		return err
	}
	o.came = pastOf(caller, in)
	o.media = r.newSide(o.direct, in.Source.Local.Addr(), secureOf(in.Source))
	if offer := leg.Offer(); offer != nil {
		o.offered = true
		if err := o.media.Offered(offer); err != nil {
			return mediaStatus(err)
		}
	}
	ctx, done := o.own(ctx)
	defer done()
	won, err := o.find(ctx, route)
	o.decided()
	if o.handed != nil {
		return o.deliver(ctx, won, err)
	}
	if g, ok := errors.AsType[*atGateway](err); ok && !o.sounded {
		o.media.Close()
		o.media = nil
		return r.serveRoute(ctx, leg, caller, g.route, log)
	}
	if err != nil {
		if !o.sounded && len(o.diverted) == 0 { // the limits of a line that forwards are nothing to the caller
			r.speak(ctx, leg, caller, spokenFor(err))
		}
		return err
	}
	return o.join(ctx, won)
}

// close ends what the call holds, after a panic too.
func (o *onward) close() {
	if leg := o.winner; leg != nil {
		o.root.spawn(func() { hangup(leg, broken) }) // returns when the leg has ended
		o.root.records.end(leg, sip.ErrPanic)
	}
	for _, release := range o.releases {
		release()
	}
	for _, s := range o.sides {
		s.Close()
	}
	if o.media != nil {
		o.media.Close()
	}
}

// isDirect tells whether a call's media goes from phone to phone: where all sites want it at which phones of the call stand,
// and between lines only.
func (r *Root) isDirect(c directory.Caller, route Route) bool {
	if c.User == nil || route.Kind != ToLine {
		return false
	}
	for _, site := range r.places(r.dir.Current(), c, route.User) {
		if !site.DirectMedia {
			return false
		}
	}
	return true
}

// hopsLeft is the Max-Forwards of what a call goes on with (RFC 3261 §16.6 step 3), which ends loops through other servers.
func hopsLeft(in *sip.Invite) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(in.Header("Max-Forwards")))
	if err != nil || n > 70 {
		n = 70
	}
	if n <= 1 {
		return 0, &sip.StatusError{Code: 483, Reason: "Too Many Hops"}
	}
	return n - 1, nil
}

// find rings where the route leads, and where the forwardings of the called lines lead.
func (o *onward) find(ctx context.Context, route Route) (*forkEvent, error) {
	return o.findFor(ctx, route, o.caller.User)
}

// findFor is find at the expense of a line, nil for a trunk's caller.
func (o *onward) findFor(ctx context.Context, route Route, payer *directory.User) (*forkEvent, error) {
	for {
		won, err := o.reach(ctx, route, payer)
		if err == nil {
			return won, nil
		}
		if places, redirected := contactsOf(err); route.Kind == ToLine && redirected && ctx.Err() == nil {
			return o.redirected(ctx, route.User, places, err)
		}
		next, ok := o.forward(route, err)
		if !ok || ctx.Err() != nil {
			return nil, err
		}
		payer = route.User // a call onwards is the line's own
		if route = next; route.Kind == Refused {
			o.root.barred(ctx, payer, route)
			if errors.Is(err, errForwarded) {
				return nil, route.Err()
			}
			return nil, err // what became of the line itself: its calling plan is no matter of the caller's
		}
	}
}

// reach rings where the route leads. payer is the line whose limits count, nil for a trunk's caller.
func (o *onward) reach(ctx context.Context, route Route, payer *directory.User) (*forkEvent, error) {
	switch route.Kind {
	case ToLine:
		return o.byLine(ctx, route.User)
	case ToTrunk, ToEmergency, ToURI:
		if payer != nil && o.root.limits.Fraud != nil {
			release, err := o.root.limits.Fraud.Admit(context.WithoutCancel(ctx), payer, route.Class)
			if err != nil {
				return nil, err
			}
			o.releases = append(o.releases, release)
		}
		if route.Kind == ToURI {
			return o.byURI(ctx, route)
		}
		return o.byTrunks(ctx, route)
	case ToGateway:
		return nil, &atGateway{route}
	}
	return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("no way to " + route.Kind.String())}
}

// byLine rings the phones of a line.
func (o *onward) byLine(ctx context.Context, u *directory.User) (*forkEvent, error) {
	switch {
	case u.Forwards.Always != "":
		return nil, errForwarded
	case o.from.hidden && u.RejectAnonymous:
		return nil, &sip.StatusError{Code: 433, Reason: "Anonymity Disallowed"}
	case u.DND:
		return nil, errBusy
	case !u.WaitsCalls() && o.root.records.busy(u, o.leg):
		return nil, errEngaged
	}
	if !o.root.isDirect(o.caller, Route{Kind: ToLine, User: u}) {
		if err := o.through(); err != nil {
			return nil, err
		}
	}
	attempts, err := o.lineAttempts(u)
	if err != nil {
		return nil, err
	}
	if len(attempts) == 0 {
		return nil, errNowhere
	}
	won, err := o.ring(ctx, u.RingTime(), attempts)
	if isGone(err) && ctx.Err() == nil {
		err = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: err} // 408 would be the caller's own time-out
	}
	return won, err
}

// byTrunks tries one way out after the other, until one takes the call or says what only the callee can say.
func (o *onward) byTrunks(ctx context.Context, route Route) (*forkEvent, error) {
	if err := o.through(); err != nil {
		return nil, err
	}
	var last error = &sip.StatusError{Code: 503, Reason: "Service Unavailable", Err: errors.New("no trunk with an address")}
	trunks := route.InOrder(o.root.limits.Health)
	for i, t := range trunks {
		won, err, final := o.byTrunk(ctx, t, route, i < len(trunks)-1)
		if final {
			return won, err
		}
		if err != nil {
			last = err
		}
	}
	return nil, last
}

// byTrunk tries the addresses of one trunk. another says that there is a further trunk, final tells that none need be asked. A call for
// help is tried everywhere, whatever a trunk says. The channel stays taken for as long as a call goes by it.
func (o *onward) byTrunk(ctx context.Context, t *directory.Trunk, route Route, another bool) (won *forkEvent, last error, final bool) {
	if o.root.limits.Channels != nil {
		release, ok := o.root.limits.Channels.Take(context.WithoutCancel(ctx), t, route.Class)
		if !ok {
			return nil, ErrNoChannel, false
		}
		defer func() {
			if won == nil {
				release()
				return
			}
			o.releases = append(o.releases, release)
		}()
	}
	hops := o.root.hopsOf(t)
	for i, hop := range hops {
		a, err := o.trunkAttempt(t, hop, route.Called(t), i < len(hops)-1 || another)
		if err != nil {
			return nil, err, true
		}
		won, err := o.ring(ctx, trunkRing, []*attempt{a})
		if err == nil || ctx.Err() != nil || !elsewhereMayHelp(err) && route.Kind != ToEmergency {
			return won, err, true
		}
		o.log.WarnContext(ctx, "trunk failed, trying the next", "trunk", TrunkName(t), "way", hop.String(), "err", err)
		if o.root.limits.Ways != nil {
			o.root.limits.Ways.Failed(t, hop, err)
		}
		last = err
	}
	return nil, last, false
}

// byURI calls a mailbox or a forwarding's target outside that is a URI.
func (o *onward) byURI(ctx context.Context, route Route) (*forkEvent, error) {
	if err := o.through(); err != nil {
		return nil, err
	}
	hops, err := o.root.hopsTo(ctx, route.URI)
	if err != nil {
		return nil, err
	}
	for i, hop := range hops {
		elsewhere := i < len(hops)-1
		a, err := o.uriAttempt(route.URI, hop, elsewhere)
		if err != nil {
			return nil, err
		}
		won, err := o.ring(ctx, trunkRing, []*attempt{a})
		if err == nil || !elsewhere || ctx.Err() != nil || !elsewhereMayHelp(err) {
			return won, err
		}
	}
	return nil, noWay(errors.New("the target's host has no address"))
}

// elsewhereMayHelp tells whether a failure is the trunk's and not the callee's.
func elsewhereMayHelp(err error) bool {
	switch code, _ := sip.StatusOf(err); code {
	case 408, 500, 502, 503, 504:
		return true
	}
	return false
}

// forward says where the call goes after a failure at a line.
func (o *onward) forward(route Route, failure error) (Route, bool) {
	if route.Kind != ToLine || len(o.diverted)+o.came.forwardings() >= maxDiversions {
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
	if isGone(err) {
		return ForwardNotReachable
	}
	switch code, _ := sip.StatusOf(err); code {
	case 486, 600, 603:
		return ForwardBusy
	case 408:
		return ForwardNoAnswer
	}
	return ForwardNotReachable
}

var (
	errForwarded = errors.New("the line forwards every call")
	errEngaged   = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the line is in a call and has no call waiting")}
	errBusy      = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the line does not want to be disturbed")}
)
