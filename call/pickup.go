package call

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// pickup is a leg that calls in to answer what rings at another line (RFC 5359 §2.12).
type pickup struct {
	leg    *sip.Leg
	caller directory.Caller
	from   callerID
	result chan error // room for one: nil when the call is the leg's

	// ---- of the call that is picked up ----

	media  mediaSide
	answer []byte // for the leg
}

// ringer is a line where a call rings now.
type ringer struct {
	user  *directory.User
	turn  uint64        // counts up with each call
	taken chan *pickup  // to the owner of the call
	over  chan struct{} // closed when it rings no longer
	legs  []*sip.Leg    // guarded by ringers.mu
}

// ringers knows what rings. The zero value is ready.
type ringers struct {
	mu     sync.Mutex
	turns  uint64
	byLine map[uint64][]*ringer // by Ref, the oldest first
	byLeg  map[*sip.Leg]*ringer
}

// open notes that a call rings at a line, until close.
func (rs *ringers) open(u *directory.User) *ringer {
	g := &ringer{user: u, taken: make(chan *pickup), over: make(chan struct{})}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byLine == nil {
		rs.byLine, rs.byLeg = make(map[uint64][]*ringer), make(map[*sip.Leg]*ringer)
	}
	rs.turns++
	g.turn = rs.turns
	rs.byLine[u.Ref] = append(rs.byLine[u.Ref], g)
	return g
}

func (rs *ringers) close(g *ringer) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	close(g.over)
	for _, leg := range g.legs {
		delete(rs.byLeg, leg)
	}
	all := slices.DeleteFunc(rs.byLine[g.user.Ref], func(o *ringer) bool { return o == g })
	if rs.byLine[g.user.Ref] = all; len(all) == 0 {
		delete(rs.byLine, g.user.Ref)
	}
}

// rings notes the leg of one of the line's phones, by which an INVITE with Replaces may name the call.
func (rs *ringers) rings(g *ringer, leg *sip.Leg) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	g.legs = append(g.legs, leg)
	rs.byLeg[leg] = g
}

// at returns what rings at a line, the oldest first.
func (rs *ringers) at(u *directory.User) []*ringer {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Clone(rs.byLine[u.Ref])
}

// inGroupOf returns what rings at the lines of a line's pickup group, the oldest first; the line's own are among them.
func (rs *ringers) inGroupOf(u *directory.User) []*ringer {
	var all []*ringer
	if u.PickupGroup == "" {
		return nil
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, ringing := range rs.byLine {
		for _, g := range ringing {
			if g.user.Site.Domain == u.Site.Domain && g.user.PickupGroup == u.PickupGroup {
				all = append(all, g)
			}
		}
	}
	slices.SortFunc(all, func(a, b *ringer) int { return cmp.Compare(a.turn, b.turn) })
	return all
}

// of returns what rings at the phone of a leg of ours, nil for other legs.
func (rs *ringers) of(leg *sip.Leg) *ringer {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.byLeg[leg]
}

var errNothingRings = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("nothing rings there")}

// mayFetch tells whether a line may take calls that ring or are parked at another: lines of its site, and those it monitors.
func mayFetch(dir *directory.Directory, by, at *directory.User) bool {
	if by == nil {
		return false
	}
	if by.Ref == at.Ref || by.Site.Domain == at.Site.Domain {
		return true
	}
	return slices.ContainsFunc(by.Monitored, func(line string) bool {
		u, ok := dir.LineAt(by.Site, line)
		return ok && u.Ref == at.Ref
	})
}

// pickUp lets a leg answer the first call that still rings.
func (r *Root) pickUp(ctx context.Context, leg *sip.Leg, caller directory.Caller, ringing []*ringer) error {
	if leg.Offer() == nil {
		return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: errors.New("a call is picked up with an offer")}
	}
	for _, g := range ringing {
		if !mayFetch(r.dir.Current(), caller.User, g.user) {
			return errNotYours
		}
		p := &pickup{leg: leg, caller: caller, from: identity(caller, leg, caller.User.CLIR), result: make(chan error, 1)}
		select {
		case g.taken <- p:
		case <-g.over:
			continue
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var err error
		select {
		case err = <-p.result:
		case <-g.over: // the answer was given before
			select {
			case err = <-p.result:
			default:
				err = errNothingRings
			}
		}
		if err != nil {
			return err
		}
		<-leg.Done() // the call's owner answers it and hangs it up
		return leg.Cause()
	}
	return errNothingRings
}

// pick makes a leg that calls in the one that answers. On an error the call rings on.
func (o *onward) pick(p *pickup) (*forkEvent, error) {
	in, own := p.leg.Invite(), o.media
	direct := o.direct
	if direct && o.progress == nil { // the caller has no answer yet: two offers meet only here
		if o.rung > 180 {
			return nil, &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: errors.New("the caller has an answer of another phone")}
		}
		direct = false
		own = o.root.newSide(false, o.leg.Invite().Source.Local.Addr(), secureOf(o.leg.Invite().Source))
	}
	p.media = o.root.newSide(direct, in.Source.Local.Addr(), secureOf(in.Source))
	err := p.media.Offered(p.leg.Offer())
	if err == nil && own != o.media && o.offered {
		err = own.Offered(o.leg.Offer())
	}
	if err == nil {
		from := own
		if !o.offered {
			from = nil
		}
		p.answer, err = p.media.Answer(from)
	}
	if err != nil {
		p.media.Close()
		if own != o.media {
			own.Close()
		}
		return nil, mediaStatus(err)
	}
	if own != o.media {
		o.media.Close()
		o.media, o.direct = own, false
	}
	o.sides = append(o.sides, p.media)
	return &forkEvent{attempt: &attempt{user: p.caller.User, media: p.media}, leg: p.leg, answer: []byte{}, picked: p}, nil
}

// settle makes a member of the leg that has won, for a call whose other side is up already.
func (o *onward) settle(ctx context.Context, won *forkEvent) outcome {
	err := o.agree(ctx, won)
	m := o.callee(won)
	o.winner = nil
	if err != nil {
		m.leave(o.root, sip.Reason{Protocol: "SIP", Cause: 488})
		return outcome{err: err}
	}
	o.root.records.answered(m.leg, time.Now())
	return outcome{member: m}
}

// agree takes the answer of the leg that has won into its media. One that picked the call up gets its answer now.
func (o *onward) agree(ctx context.Context, won *forkEvent) error {
	if won.picked != nil {
		return won.leg.Answer(ctx, won.picked.answer, o.from.shownTo(won.picked.caller).connected()...)
	}
	if won.attempt.late {
		return o.agreeLate(ctx, won)
	}
	if won.attempt.amended {
		return nil
	}
	return mediaStatus(won.attempt.media.Answered(won.answer))
}
