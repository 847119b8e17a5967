package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"passerelle/party"
)

// Who is the caller as the live view names it.
type Who struct {
	User   uint64 // ref of the line's user, or of whoever brings somebody; zero for those outside
	Name   string
	Number string
	CallID string
}

// Participant is a seat on a bridge: reserved by take, occupied by sit, freed by leave.
type Participant struct {
	id     string
	who    Who
	since  time.Time
	bridge *Bridge

	// ---- owned by the bridge's run ----
	party   *party.Party // nil until the participant sits
	held    bool         // for somebody who is to have the seat
	vacated bool         // the participant left while the seat was held
	handed  bool         // to somebody else than the one that took the seat
	barred  bool         // removed before anybody sat, or while the seat was held
	muted   bool         // the others do not hear whoever has the seat
}

// become names the callee for whom the seat was taken.
func (p *Participant) become(ctx context.Context, who Who) error {
	return p.bridge.do(ctx, func() { p.who = who })
}

// sit puts the party on the bridge: everybody hears it and it hears everybody else.
func (p *Participant) sit(ctx context.Context, pt *party.Party) error {
	if err := p.silence(ctx, pt); err != nil {
		return err
	}
	if err := pt.MoveTo(ctx, p.bridge.mixer); err != nil {
		return err
	}
	var err error
	fault := p.bridge.do(ctx, func() {
		if p.barred {
			err = errRemoved
			return
		}
		pt.Session().Mute(p.muted)
		p.party, p.who.CallID = pt, pt.Leg().CallID()
		p.bridge.log.InfoContext(ctx, "participant in", "call_id", p.who.CallID, "participants", len(p.bridge.seats))
		p.bridge.entered(p)
		p.bridge.told(ParticipantJoined, p)
	})
	return errors.Join(err, fault)
}

// leave frees the seat unless it was handed to somebody else; the last one ends the bridge. The leg of the one that took the
// seat has ended or is about to.
func (p *Participant) leave() { p.leaveAs(nil) }

// leaveAs frees the seat if it is the party's to whom it was handed.
func (p *Participant) leaveAs(pt *party.Party) {
	// A seat must be freed whatever became of the call's context. run serves the inbox until the last seat is free, so
	// this waits for nothing but the owner's turn.
	_ = p.bridge.do(context.Background(), func() {
		switch {
		case p.handed && p.party != pt:
		case p.held:
			p.vacated = true
		default:
			p.free()
		}
	})
}

// free gives the seat back; only the bridge's run calls it.
func (p *Participant) free() {
	b := p.bridge
	i := slices.Index(b.seats, p)
	if i < 0 {
		return
	}
	b.seats = slices.Delete(b.seats, i, i+1)
	if p.party == nil {
		return
	}
	b.told(ParticipantLeft, p)
	p.party = nil
	b.log.Info("participant out", "call_id", p.who.CallID, "after", time.Since(p.since).Round(time.Second), "participants", len(b.seats))
	b.left()
}

// info is the participant as the live view shows it; only the bridge's run calls it.
func (p *Participant) info() ParticipantInfo {
	i := ParticipantInfo{ID: p.id, Name: p.who.Name, Number: p.who.Number, CallID: p.who.CallID, Since: p.since, Joining: p.party == nil, Muted: p.muted}
	if p.party != nil {
		s := p.party.Session().State()
		i.Codec, i.Talking, i.Held, i.Delay, i.Lost = s.Codec.String(), s.Talking, s.Held, s.Delay, s.Lost
	}
	return i
}
