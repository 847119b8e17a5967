package call

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"passerelle/call/cdr"
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
	media    mediaSide // of the caller
	offered  bool      // the caller has made an offer
	sides    []mediaSide
	diverted []diversion
	came     past
	releases []func()
	winner   *sip.Leg // answered, and in no call yet
	sounded  bool     // the caller was told where to hear what comes before the answer
	rung     int      // the greatest provisional status the caller was told
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
		o.from = o.from.forHelp(route.Callback)
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
	payer := o.caller.User
	for {
		won, err := o.reach(ctx, route, payer)
		if err == nil {
			return won, nil
		}
		next, ok := o.forward(route, err)
		if !ok || ctx.Err() != nil {
			return nil, err
		}
		payer = route.User // a call onwards is the line's own
		if route = next; route.Kind == Refused {
			o.root.barred(ctx, payer, route)
			return nil, route.Err()
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

// ring rings attempts at once; the media of those that do not win is closed.
func (o *onward) ring(ctx context.Context, limit time.Duration, attempts []*attempt) (*forkEvent, error) {
	call := o.root.records.callOf(o.leg)
	f := &forking{
		calls: o.root.calls, ring: limit, again: o.plainly, failed: o.failed,
		progress: func(e *forkEvent) { o.rings(ctx, e) },
		begun:    func(a *attempt, leg *sip.Leg) { o.account(call, leg, a) },
		ended:    o.root.records.end, recovered: o.root.recovered,
		handovers: o.handovers, handOver: func(h *handover) error { return o.handOver(ctx, h) },
	}
	if u := attempts[0].user; u != nil && o.space == nil {
		g := o.root.ringers.open(u)
		defer o.root.ringers.close(g)
		f.taken, f.pick = g.taken, func(p *pickup) (*forkEvent, error) {
			o.root.records.with(p.leg, func(r *cdr.Record) { r.Call = call })
			return o.pick(p)
		}
		f.begun = func(a *attempt, leg *sip.Leg) {
			o.account(call, leg, a)
			o.root.ringers.rings(g, leg)
		}
	}
	won, err := f.run(ctx, attempts)
	if won != nil {
		o.winner = won.leg
	}
	o.sides = slices.DeleteFunc(o.sides, func(s mediaSide) bool {
		if won != nil && s == won.attempt.media {
			return false
		}
		s.Close()
		return true
	})
	return won, err
}

// failed demotes a phone that is where it registered no more: other registrations of it are tried first, and this one is given up
// sooner.
func (o *onward) failed(a *attempt, err error) {
	if a.binding == nil || !isGone(err) {
		return
	}
	o.root.phones.Demote(a.binding.Key())
	o.log.Info("phone does not answer where it registered", "line", a.user.Line(), "device", a.binding.Username, "remote", a.binding.Source.Remote.String(), "err", err)
}

// isGone tells whether nothing at all answers where somebody was called.
func isGone(err error) bool {
	return errors.Is(err, sip.ErrNoResponse) || errors.Is(err, sip.ErrFlowGone)
}

// plainly repeats an attempt that offered secured media to a phone that knows none.
func (o *onward) plainly(a *attempt, err error) *attempt {
	if code, _ := sip.StatusOf(err); a.binding == nil || a.late || a.secure == 0 || code != 488 && code != 415 && code != 606 {
		return nil
	}
	b, err := o.phoneAttempt(a.user, a.binding, 0)
	if err != nil {
		return nil
	}
	return b
}

// rings tells the caller that it rings: 180 once, and what is to be heard before the answer.
func (o *onward) rings(ctx context.Context, e *forkEvent) {
	code, sdp := e.ringing.Code, []byte(nil)
	o.root.records.lines.ringing(e.leg, o.from)
	if o.progress != nil {
		o.progress(code)
		return
	}
	if o.handed != nil {
		o.handed.tell(code)
		return
	}
	if e.ringing.SDP != nil && o.offered {
		if err := e.attempt.media.Answered(e.ringing.SDP); err == nil {
			if sdp, err = o.media.Answer(e.attempt.media); err == nil {
				o.media.Join(e.attempt.media)
				code = max(code, 183)
			}
		}
	}
	if code < 180 || code <= o.rung {
		return
	}
	o.rung = code
	o.sounded = o.sounded || sdp != nil
	o.root.records.lines.ringing(o.leg, o.from)
	_, id := o.who(e.attempt)
	if err := o.leg.Ring(ctx, code, sdp, id.shownTo(o.caller).connected()...); err != nil && ctx.Err() == nil {
		o.log.InfoContext(ctx, "ringing not told", "err", err)
	}
}

// forward says where the call goes after a failure at a line.
func (o *onward) forward(route Route, failure error) (Route, bool) {
	if route.Kind != ToLine || len(o.diverted)+o.came.forwardings() >= maxDiversions {
		return Route{}, false
	}
	cause := causeOf(failure)
	next, ok := Forward(o.root.dir.Current(), route.User, cause)
	if contact := contactOf(failure); contact != "" { // the phone forwards by itself (RFC 3261 §21.3)
		next, ok = Reach(o.root.dir.Current(), route.User, contact), true
		cause = ForwardAlways
	}
	if ok {
		o.diverted = append(o.diverted, diversion{route.User, cause})
		o.log.Info("call forwarded", "line", route.User.Line(), "cause", cause.String(), "route", next.Kind.String())
	}
	return next, ok
}

// contactOf is where a 3xx wants the call to go, empty for other failures.
func contactOf(err error) string {
	if s, ok := errors.AsType[*sip.StatusError](err); ok && s.Code >= 300 && s.Code < 400 && len(s.Contacts) > 0 {
		return s.Contacts[0]
	}
	return ""
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

// join answers the caller and passes media and offers until one of the two hangs up.
func (o *onward) join(ctx context.Context, won *forkEvent) error {
	callee := o.memberOf(won)
	err := o.answer(ctx, won, callee.from.shownTo(o.caller).connected())
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
		{leg: o.leg, media: o.media, caller: o.caller, from: o.from}, o.callee(won),
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

var (
	errForwarded = errors.New("the line forwards every call")
	errEngaged   = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the line is in a call and has no call waiting")}
	errBusy      = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the line does not want to be disturbed")}
)
