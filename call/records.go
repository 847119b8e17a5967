package call

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/media"
	"passerelle/party"
	"passerelle/sip"
)

// records keeps the account of each leg while it is up.
type records struct {
	journal *cdr.Journal
	lines   lineCalls
	live    liveLegs

	mu   sync.Mutex
	open map[*sip.Leg]*cdr.Record
}

// begin opens the account of an incoming leg. host is the line whose phone its caller is a guest on, empty for who is at home.
func (rs *records) begin(dir *directory.Directory, leg *sip.Leg, caller directory.Caller, host string, route Route) {
	r := &cdr.Record{
		ID: rand.Text(), Call: rand.Text(), CallID: leg.CallID(), Direction: cdr.In,
		Number: meant(dir, leg.Invite().RequestURI, route), Route: route.Kind.String(), Start: time.Now().UTC(),
	}
	if caller.Site != nil {
		r.Site = caller.Site.Domain
	}
	if caller.User != nil {
		r.User, r.Device, r.Host = caller.User.Line(), caller.Device.Username, host
	}
	if caller.Trunk != nil {
		r.Trunk = caller.Trunk.Name
	}
	rs.add(leg, r)
	rs.live.caller(leg, caller)
	rs.lines.begin(leg, r.ID, caller.User, true)
}

// callOf is what joins the accounts of a call's legs. It is asked for before a leg of ours is dialled: the call may be over
// before whoever dialled it sees it begun.
func (rs *records) callOf(caller *sip.Leg) string {
	call := rand.Text()
	rs.with(caller, func(c *cdr.Record) { call = c.Call })
	return call
}

// beginOut opens the account of a leg of ours in a call. from is the caller's number.
func (rs *records) beginOut(call string, leg *sip.Leg, a *attempt, from string) {
	r := &cdr.Record{
		ID: rand.Text(), Call: call, CallID: leg.CallID(), Direction: cdr.Out, Number: from, Start: time.Now().UTC(),
	}
	switch {
	case a.user != nil:
		r.Site, r.User, r.Device, r.Host, r.Route = a.user.Site.Domain, a.user.Line(), a.binding.Username, a.host, ToLine.String()
	case a.trunk == nil:
		r.Route = ToURI.String()
	default:
		r.Site, r.Trunk, r.Route = a.trunk.Site.Domain, a.trunk.Name, ToTrunk.String()
	}
	rs.add(leg, r)
	rs.live.callee(leg, a)
	rs.lines.begin(leg, r.ID, a.user, false)
}

func (rs *records) add(leg *sip.Leg, r *cdr.Record) {
	rs.journal.Begin(*r) // a slow disk holds up this leg and no other one's account
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.open == nil {
		rs.open = make(map[*sip.Leg]*cdr.Record)
	}
	rs.open[leg] = r
}

// meant is the number that was called as the plan understood it. What the plan refused is recorded only where it cannot be a
// space ID that somebody dialled by mistake: those are digits without a plus sign, four at least.
func meant(dir *directory.Directory, uri sip.URI, route Route) string {
	switch {
	case route.Kind == ToGateway:
		return string(route.Site.Gateway.Number)
	case route.Kind == ToLine:
		return route.User.Line()
	case route.Number != "":
		return string(route.Number)
	case route.Digits != "":
		return route.Digits
	}
	n := parseDialled(uri).number()
	if len(n) >= directory.MinSpaceIDLength && n[0] != '+' {
		return masked
	}
	for _, site := range dir.Sites() {
		if _, isSpace := dir.SpaceByID(site, strings.TrimPrefix(n, "+")); isSpace {
			return masked
		}
	}
	return n
}

// masked stands for a number that may be a space ID.
const masked = "…"

// media notes what became of the media of a leg.
func (rs *records) media(leg *sip.Leg, s media.SideState) {
	rs.with(leg, func(r *cdr.Record) {
		a := s.Audio
		r.Codec = a.Codec
		r.Received = cdr.NewQuality(a.Received, a.Lost, a.Jitter, a.RoundTripTime/2)
		r.Sent = cdr.NewQuality(a.Sent, a.RemoteLost, a.RemoteJitter, a.RoundTripTime/2)
	})
}

// with changes the account of a leg that is up.
func (rs *records) with(leg *sip.Leg, change func(*cdr.Record)) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.open[leg]; r != nil {
		change(r)
	}
}

// answered notes that a leg is up.
func (rs *records) answered(leg *sip.Leg, at time.Time) {
	var up cdr.Record
	rs.with(leg, func(r *cdr.Record) {
		if r.Answer.IsZero() { // else it goes from one call to another
			r.Answer = at.UTC()
			up = *r
		}
	})
	if up.ID != "" {
		rs.journal.Answered(up)
	}
	rs.lines.answered(leg)
}

// busy tells whether a phone of a line is in another call than that of the leg, ringing ones too. Calls outside that its space makes
// on its account are on no phone.
func (rs *records) busy(u *directory.User, leg *sip.Leg) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	mine := rs.open[leg]
	for _, r := range rs.open {
		if r.Device != "" && r.User == u.Line() && r.Site == u.Site.Domain && (mine == nil || r.Call != mine.Call) {
			return true
		}
	}
	return false
}

// end closes the account: err is what the destination returned.
func (rs *records) end(leg *sip.Leg, err error) {
	rs.mu.Lock()
	r := rs.open[leg]
	delete(rs.open, leg)
	rs.mu.Unlock()
	rs.live.end(leg)
	if r == nil {
		return
	}
	r.End = time.Now().UTC()
	r.Ended, r.Cause = cdr.Server, "hung up"
	cause := leg.Cause()
	if cause == nil {
		cause = err // refused: the status follows from the error
	}
	switch {
	case errors.Is(cause, sip.ErrBye), errors.Is(cause, sip.ErrCancelled):
		r.Ended = cdr.Peer
	case refusedByPeer(cause, r.Direction):
		r.Ended = cdr.Peer
	case errors.Is(cause, sip.ErrNoACK), errors.Is(cause, sip.ErrDialogGone), errors.Is(cause, sip.ErrSessionExpired):
		r.Ended = cdr.Peer
	}
	if cause != nil {
		r.Cause = cause.Error()
	}
	r.Code = 200
	switch {
	case !r.Answer.IsZero():
	case r.Direction == cdr.Out && errors.Is(cause, sip.ErrLegEnded):
		r.Code = 487 // cancelled by us
	default:
		r.Code, _ = sip.StatusOf(cause)
	}
	rs.journal.End(*r)
	rs.lines.end(leg, r)
}

// refusedByPeer tells whether a call of ours got a final status from its callee.
func refusedByPeer(cause error, d cdr.Direction) bool {
	_, ok := errors.AsType[*sip.StatusError](cause)
	return ok && d == cdr.Out
}

// Seated notes the space that a leg entered.
func (r *Root) Seated(leg *sip.Leg, space *directory.Space) {
	r.records.with(leg, func(rec *cdr.Record) { rec.Space = space.Ref })
}

// PartyBegun notes that a leg was answered.
func (r *Root) PartyBegun(p *party.Party) {
	r.records.answered(p.Leg(), p.Since())
	r.records.live.sounds(p.Leg(), func() (string, bool) {
		s := p.Session().State()
		return s.Codec.String(), s.Held
	})
}

// PartyEnded notes what became of the media of a leg.
func (r *Root) PartyEnded(p *party.Party) {
	s := p.Session().State()
	r.records.with(p.Leg(), func(rec *cdr.Record) {
		rec.Codec = s.Codec.String()
		rec.Received = cdr.NewQuality(s.Received, s.Lost, s.Jitter, s.Delay)
		rec.Sent = cdr.NewQuality(s.Sent, s.RemoteLost, s.RemoteJitter, s.RoundTripTime/2)
	})
}
