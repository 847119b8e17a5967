package call

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// Gateway serves the calls to the gateway number of a site; an empty space ID is asked for. ServeLeg returns when the leg
// has ended; an error before the final response becomes its status.
type Gateway interface {
	ServeLeg(ctx context.Context, leg *sip.Leg, caller directory.Caller, site *directory.Site, spaceID directory.Secret) error
	// ServeParty is ServeLeg for somebody in a call, whose party bring makes once it is sure to be let in.
	ServeParty(ctx context.Context, caller directory.Caller, site *directory.Site, spaceID directory.Secret, bring Bring) error
	// ServeConference opens a conference with a line as its first participant, and returns when its leg has ended.
	ServeConference(ctx context.Context, leg *sip.Leg, caller directory.Caller) error
	Seats
}

// Seats is how people come to sit at the gateway beside those who call it. Each returns when the newcomer sits; an error means
// that nothing has changed. Where replaced, the leg that asked has lost its seat and is the caller's to hang up.
type Seats interface {
	// Replace hands the seat of a leg to whom bring makes a party of.
	Replace(ctx context.Context, old *sip.Leg, bring Bring) error
	// Join brings somebody whom a leg names by Replaces: into a conference beside it, into a space in its place.
	Join(ctx context.Context, leg *sip.Leg, bring Bring) (replaced bool, err error)
	// Beside brings somebody into the space where a leg sits, Conference into the conference of a line.
	Beside(ctx context.Context, leg *sip.Leg, bring Bring) error
	Conference(ctx context.Context, owner *directory.User, bring Bring) error
	// Add has the space where a leg sits call somebody, CallIn the space of an ID or the caller's own.
	Add(ctx context.Context, leg *sip.Leg, payer *directory.User, target string, progress func(code int)) (replaced bool, err error)
	CallIn(ctx context.Context, caller directory.Caller, site *directory.Site, spaceID directory.Secret, target string, progress func(code int)) error
	// Dismiss hangs up on whoever has one of some numbers in the asker's space: where a leg sits, of an ID, or the asker's own.
	Dismiss(ctx context.Context, asker directory.Caller, leg *sip.Leg, site *directory.Site, spaceID directory.Secret, numbers ...string) error
}

// Bring makes a party of somebody who is to come to the gateway, and says who it is.
type Bring = func(ctx context.Context) (*party.Party, directory.Caller, error)

// Root serves every leg of the server.
type Root struct {
	dir     *directory.Live
	gateway Gateway
	calls   Dialler
	phones  Phones
	records records
	media   MediaConfig
	directs sync.Mutex // of direct sides; held for no longer than it takes to copy
	limits  Limits
	panics  prometheus.Counter // nil counts nothing
	party   party.Config

	hotel  Hotel
	helped helped
	guests Guests // nil: no hoteling code

	joined     registry
	ringers    ringers
	parking    parking
	seats      seats
	legs       Legs
	unanswered unanswered // calls that ring

	settings Settings // nil: codes set nothing
	log      *slog.Logger
}

// Limits is what bounds calls to the outside; each may be nil.
type Limits struct {
	Fraud    *FraudGuard
	Channels *Channels
	Health   Health
	Ways     Ways  // nil means the addresses of the site file that are numeric
	Names    Names // nil means that a URI outside is called by its address only
	// Hotel is for explanations only: calls have Root.Hotel. Nil means that nobody is a guest.
	Hotel Hotel
}

// NewRoot returns the handler of the server's legs; journal may be nil. Gateway is called before the first leg.
func NewRoot(dir *directory.Live, journal *cdr.Journal, log *slog.Logger) *Root {
	return &Root{dir: dir, records: records{journal: journal}, hotel: home{}, log: log}
}

// Gateway sets where calls to a gateway number go.
func (r *Root) Gateway(g Gateway) { r.gateway = g }

// Legs finds the leg of a dialog; sip.Server satisfies it.
type Legs interface {
	Replaced(sip.Replaces) (*sip.Leg, bool)
}

// Server makes calls of ours and knows the legs that are up; sip.Server satisfies it.
type Server interface {
	Dialler
	Legs
}

// Calls sets who makes calls of ours and who knows where phones are, before the first leg.
func (r *Root) Calls(s Server, p Phones) { r.calls, r.legs, r.phones = s, s, p }

// Media sets how the media of calls passes, before the first leg.
func (r *Root) Media(m MediaConfig) { r.media = m }

// Limit sets what bounds calls to the outside, before the first leg.
func (r *Root) Limit(l Limits) { r.limits = l }

var (
	_ sip.Handler = (*Root)(nil)
	_ sip.Urgent  = (*Root)(nil)
)

// ServeLeg implements sip.Handler.
func (r *Root) ServeLeg(ctx context.Context, leg *sip.Leg) error {
	dir := r.dir.Current()
	caller, err := r.callerOf(dir, leg.Invite())
	if err != nil {
		return &sip.StatusError{Code: 403, Reason: "Forbidden", Err: err}
	}
	route := Plan(dir, caller, dialledBy(caller, leg.Invite()))
	replaces, sound, asked := leg.Invite().Replaces()
	if r.away(dir, caller, route) {
		route, asked = refusedAway, false
	}
	log := r.log.With("call_id", leg.CallID(), "caller", caller.String())
	log.InfoContext(ctx, "call", "route", route.Kind.String(), "why", route.Why, "remote", leg.Invite().Source.Remote.String())
	r.records.begin(dir, leg, caller, r.hostLine(dir, caller.User, caller.Device), route)
	defer func() { r.records.end(leg, sip.ErrPanic) }() // after a panic; else the account is closed already
	start := time.Now()
	if caller.Trunk != nil && r.limits.Channels != nil {
		release, ok := r.limits.Channels.Take(context.WithoutCancel(ctx), caller.Trunk, route.Class)
		if !ok {
			r.records.end(leg, ErrNoChannel)
			return ErrNoChannel
		}
		defer release()
	}
	switch {
	case asked && !sound:
		err = &sip.StatusError{Code: 400, Reason: "Bad Replaces"}
	case asked:
		err = r.serveReplacing(ctx, leg, caller, replaces)
	default:
		err = r.serveRoute(ctx, leg, caller, route, log)
	}
	r.records.end(leg, err)
	if after := time.Since(start).Round(time.Millisecond); err != nil {
		log.InfoContext(ctx, "call ended", "after", after, "err", err)
	} else {
		log.InfoContext(ctx, "call ended", "after", after)
	}
	return err
}

// Urgent implements sip.Urgent: calls for help are served to the end.
func (r *Root) Urgent(in *sip.Invite) bool {
	dir := r.dir.Current()
	caller, err := r.callerOf(dir, in)
	if err != nil {
		return false
	}
	_, help := Emergency(dir, caller, dialledBy(caller, in))
	return help
}

// serveRoute serves a call where the plan sends it.
func (r *Root) serveRoute(ctx context.Context, leg *sip.Leg, caller directory.Caller, route Route, log *slog.Logger) error {
	switch route.Kind {
	case ToGateway:
		defer r.seats.put(leg, caller)()
		return r.gateway.ServeLeg(ctx, leg, caller, route.Site, route.SpaceID)
	case ToLine, ToTrunk, ToEmergency, ToURI:
		return r.serveOnward(ctx, leg, caller, route, log)
	case ToFeature:
		return r.serveFeature(ctx, leg, caller, route, log)
	case Refused:
		r.barred(ctx, caller.User, route)
		r.speak(ctx, leg, caller, route.Spoken)
		return route.Err()
	default:
		return &sip.StatusError{Code: 404, Reason: "Not Found", Err: fmt.Errorf("plan: %s", route.Why)}
	}
}

// barred counts a call of a line that its calling plan has refused, whichever way it was asked for.
func (r *Root) barred(ctx context.Context, u *directory.User, route Route) {
	if route.Spoken == SpokenNotInPlan && u != nil && r.limits.Fraud != nil {
		r.limits.Fraud.Barred(ctx, u)
	}
}
