package call

import (
	"context"
	"errors"
	"sync"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// Referred takes a REFER in the dialog of a leg at the gateway. With Replaces it is an attended transfer: the other side of the
// asker's other call takes the asker's seat, or, in a conference, comes in beside it. Without it is a wish that the space calls
// somebody (RFC 4579 §5.5). It does not wait.
func (r *Root) Referred(p *party.Party, e sip.ReferEvent) {
	r.spawn(func() { r.referredAtGateway(p.Leg(), e) }) // ends with the outcome
}

func (r *Root) referredAtGateway(leg *sip.Leg, e sip.ReferEvent) {
	ctx := context.Background()
	asker, ok := r.seats.of(leg)
	log := r.log.With("call_id", leg.CallID())
	if !ok || asker.User == nil { // whoever is outside does not call on our account
		if err := leg.RefuseRefer(ctx, e, 403); err != nil {
			log.DebugContext(ctx, "REFER not refused", "err", err)
		}
		return
	}
	log.InfoContext(ctx, "space is asked to bring somebody", "line", asker.User.Line(), "attended", e.Replaces != nil)
	tell := func(code int) {
		ctx, cancel := context.WithTimeout(ctx, hangupLimit)
		defer cancel()
		if err := leg.NotifyRefer(ctx, e, code, ""); err != nil {
			log.DebugContext(ctx, "progress not told", "code", code, "err", err)
		}
	}
	accept := sync.OnceFunc(func() {
		if err := leg.AcceptRefer(ctx, e); err != nil {
			log.DebugContext(ctx, "REFER not accepted", "err", err)
			return
		}
		tell(100)
	})
	var handed bool
	var err error
	settled := false
	defer func() {
		if !settled { // a panic
			accept()
			tell(500)
		}
	}()
	if e.Replaces != nil {
		handed, err = r.seatRinging(leg, asker, *e.Replaces, accept, tell)
		if errors.Is(err, errDecidedAlready) {
			var l *leaver
			if l, err = r.leaverNamed(asker, *e.Replaces); err == nil {
				defer l.done()
				l.begun = accept
				handed, err = r.takeSeat(leg, l)
			}
		}
	} else {
		accept()
		handed, err = r.gateway.Add(ctx, leg, asker.User, targetOf(r.dir.Current(), asker, e.To), func(code int) {
			r.spawn(func() { tell(code) }) // returns with the answer to the NOTIFY
		})
	}
	settled = true
	accept()
	code := 200
	if err != nil {
		code, _ = sip.StatusOf(err)
		log.InfoContext(ctx, "nobody was brought", "code", code, "err", err)
	}
	tell(code)
	if handed {
		r.spawn(func() { hangup(leg, transferDone) }) // returns when the leg has ended
	}
}

// takeSeat has the leaver come to where a leg sits; replaced tells that it has the seat of the leg.
func (r *Root) takeSeat(leg *sip.Leg, l *leaver) (replaced bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), seatMoveLimit)
	defer cancel()
	replaced, err = r.gateway.Join(ctx, leg, l.bring)
	if err != nil && l.told == nil {
		_ = l.t.do(context.Background(), func() { l.t.transfer = nil }) // else the call has ended
	}
	return replaced, err
}

// leaverNamed is the other side of a call of the asker's that a Replaces names. The call knows of no other transfer until the
// leaver has left or stays.
func (r *Root) leaverNamed(asker directory.Caller, named sip.Replaces) (*leaver, error) {
	leg, ok := r.legs.Replaced(named)
	if !ok {
		return nil, errNotInCall
	}
	t := r.joinedSoon(leg)
	if t == nil {
		return nil, errNotInCall
	}
	l := &leaver{t: t}
	return l, t.ask(context.Background(), func() error {
		s := sideA
		if t.legs[sideB].leg == leg {
			s = sideB
		}
		switch {
		case t.legs[s].leg != leg:
			return errNotInCall
		case !sameUser(t.legs[s].caller, asker):
			return errNotYours
		case t.transfer != nil || t.given != nil:
			return errNegotiate
		}
		l.side = s.other()
		t.transfer = &transfer{by: s}
		return nil
	})
}

// targetOf is what a REFER wants called, as the asker's line would dial it: a host that is no site's is ours by another name.
func targetOf(dir *directory.Directory, asker directory.Caller, to sip.URI) string {
	if to.Scheme == "tel" {
		return "tel:" + to.User
	}
	host := to.Host
	if _, ours := dir.SiteByDomain(host); !ours {
		host = asker.Site.Domain
	}
	return "sip:" + to.User + "@" + host
}
