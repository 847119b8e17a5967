package call

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/media"
	"passerelle/party"
	"passerelle/sip"
)

// errNotCallable is a target that a space does not call: itself, another gateway, a code.
var errNotCallable = &sip.StatusError{Code: 403, Reason: "Forbidden", Err: errors.New("a space calls lines and numbers outside only")}

// Check says why a line that pays may not have a space call a target now, nil if it may. Calls of the same road are
// counted and limited when they are made, so DialOut may still refuse.
func (r *Root) Check(payer *directory.User, target string) error {
	route, err := r.routeOut(r.dir.Current(), payer, target)
	if err == nil && route.External() && r.limits.Fraud != nil {
		err = r.limits.Fraud.Check(payer, route.Class)
	}
	return err
}

// routeOut plans a call that a space makes. The target is what the payer would dial, or a SIP or tel URI; nobody calls for
// help in a space's name.
func (r *Root) routeOut(dir *directory.Directory, payer *directory.User, target string) (Route, error) {
	target = strings.TrimSpace(target)
	if _, isURI := parseTarget(target); !isURI && strings.Contains(target, "@") {
		target = "sip:" + target
	}
	if target == "" || target == directory.ForwardVoicemail {
		return Route{}, errNotCallable
	}
	route := Reach(dir, payer, target)
	switch route.Kind {
	case Refused:
		return route, route.Err()
	case ToLine, ToTrunk, ToURI:
		return route, nil
	}
	return route, errNotCallable
}

// DialOut calls somebody for a space: the caller is the gateway's number, the payer's calling plan and limits apply, and
// the call rings and is forwarded as any other. It returns when somebody has answered, with a party in the lobby; the
// callee has no User when it is not one of our phones. progress is told of provisional answers. When ctx ends before the
// answer the call is cancelled; afterwards it is the party that is hung up.
func (r *Root) DialOut(ctx context.Context, space *directory.Space, payer *directory.User, target string, progress func(code int)) (*party.Party, directory.Caller, error) {
	dir := r.dir.Current()
	route, err := r.routeOut(dir, payer, target)
	if err != nil {
		if route.Spoken == SpokenNotInPlan && r.limits.Fraud != nil {
			r.limits.Fraud.Barred(ctx, payer)
		}
		return nil, directory.Caller{}, err
	}
	log := r.log.With("space", space.Ref)
	o := &onward{
		root: r, log: log, space: space, progress: progress, hops: transferHops,
		caller: directory.Caller{User: payer, Site: payer.Site, Number: payer.Line(), Language: payer.Site.Language},
		from:   gatewayID(space),
	}
	log.InfoContext(ctx, "space calls", "route", route.Kind.String(), "why", route.Why, "payer", payer.Line())
	defer o.close()
	won, err := o.find(ctx, route)
	if err != nil {
		log.InfoContext(ctx, "space's call not answered", "err", err)
		return nil, directory.Caller{}, err
	}
	p, callee, err := o.seat(ctx, won)
	if err != nil {
		return nil, directory.Caller{}, err
	}
	return p, callee, nil
}

// gatewayID is a space as those it calls see it: the number they would dial to come back.
func gatewayID(space *directory.Space) callerID {
	id := callerID{number: string(space.Site.Gateway.Number), display: space.Owner.Name, domain: space.Site.Domain, space: true}
	id.uri = "sip:" + id.number + "@" + id.domain
	return id
}

// account opens the account of a leg that the call dials. A space's names the space, and outside the line that pays.
func (o *onward) account(call string, leg *sip.Leg, a *attempt) {
	o.root.records.beginOut(call, leg, a, o.from.number)
	if o.space == nil {
		return
	}
	o.root.records.with(leg, func(r *cdr.Record) {
		r.Space = o.space.Ref
		if a.user == nil {
			r.User = o.caller.User.Line()
		}
	})
}

// seat makes a party of the leg that has answered. The limits that the call counts under are given back when it ends.
func (o *onward) seat(ctx context.Context, won *forkEvent) (*party.Party, directory.Caller, error) {
	r := o.root
	m := o.callee(won)
	o.winner = nil
	side, _ := m.media.(*sessionSide)
	err := mediaStatus(side.Answered(won.answer))
	var p *party.Party
	if err == nil {
		p, err = party.Adopt(ctx, m.leg, side.take(), m.early, r.party)
	}
	if err != nil {
		m.leave(r, sip.ReasonOf(err))
		return nil, directory.Caller{}, err
	}
	r.records.answered(m.leg, time.Now())
	r.keep(p, m)
	return p, m.caller, nil
}

// keep looks after the account of a party's leg that no handler has, and after what it holds, until it ends.
func (r *Root) keep(p *party.Party, m member) {
	drop := r.seats.put(m.leg, m.caller)
	r.spawn(func() { // ends with the party
		<-p.Done()
		drop()
		r.records.end(m.leg, nil)
		for _, release := range m.releases {
			release()
		}
	})
}

// newSide makes the media of an attempt.
func (o *onward) newSide(local netip.Addr, secure media.SRTPPolicy) (mediaSide, error) {
	if o.space == nil {
		return o.root.newSide(o.direct, local, secure), nil
	}
	cfg := o.root.party.Session
	cfg.Local, cfg.Secure = local, secure
	s, err := media.NewSession(o.root.party.Ports, cfg)
	if err != nil {
		return nil, err
	}
	return &sessionSide{session: s}, nil
}

// sessionSide is the media of a leg that is to be a party: its peer hears a mixer and not another side.
type sessionSide struct {
	session *media.Session // nil once somebody has taken it
	answer  []byte
}

// take hands the session over; the side closes it no more.
func (s *sessionSide) take() *media.Session {
	taken := s.session
	s.session = nil
	return taken
}

func (s *sessionSide) Offered(sdp []byte) (err error) {
	s.answer, err = s.session.Accept(sdp)
	return err
}

func (s *sessionSide) Refused()                         {}
func (s *sessionSide) Answered(sdp []byte) error        { return s.session.Complete(sdp) }
func (s *sessionSide) Offer(mediaSide) ([]byte, error)  { return s.session.Offer() }
func (s *sessionSide) Answer(mediaSide) ([]byte, error) { return slices.Clone(s.answer), nil }
func (s *sessionSide) Join(mediaSide)                   {}
func (s *sessionSide) NeedsOffer() bool                 { return false }
func (s *sessionSide) SetHoldMusic(*media.Sound)        {}
func (s *sessionSide) Keys() <-chan media.Digit         { return nil } // the party has them
func (s *sessionSide) Press(byte) bool                  { return false }
func (s *sessionSide) KeyEvents() (agreed, known bool)  { return false, false }
func (s *sessionSide) State() media.SideState           { return media.SideState{} }

func (s *sessionSide) Close() {
	if s.session != nil {
		s.session.Close()
	}
}

var _ mediaSide = (*sessionSide)(nil)
