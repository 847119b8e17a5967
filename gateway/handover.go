package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// Bring makes the party that is to sit, and says who it is. It is called once the seat is sure. An error means that nothing has
// changed.
type Bring = func(ctx context.Context) (*party.Party, directory.Caller, error)

// Replace hands the seat of a leg to somebody else: the seat is held while bring works, so that nobody takes it, and neither
// sixteen nor fourteen sit of fifteen. When it returns nil the newcomer sits, and the leg that it replaced is the caller's to
// hang up.
// On error the leg sits as it did; ErrNotSeated means that it never sat, ErrHandedOver that somebody else is being brought.
func (g *Gateway) Replace(ctx context.Context, old *sip.Leg, bring Bring) error {
	seat := g.seats.of(old)
	if seat == nil {
		return ErrNotSeated
	}
	if err := seat.hold(ctx, old); err != nil {
		return err
	}
	handed := false
	defer func() {
		if !handed { // refused, or a panic
			seat.keep()
		}
	}()
	p, caller, err := bring(ctx)
	if err != nil {
		return err
	}
	remove := g.parties.add(p, g.languageOf(caller, seat.bridge.space))
	if err := seat.hand(ctx, p, whoCalled(p, caller, caller.Number), g.cfg.Party); err != nil {
		remove()
		go func() { _ = p.Hangup(context.Background(), turnedAway(err)) }() // ends with the leg, at most 64*T1
		return err
	}
	handed = true
	g.seated(p, seat)
	g.bridges.wg.Go(func() { // ends with the newcomer's leg
		<-p.Done()
		remove()
		g.seats.drop(p.Leg())
		seat.leaveAs(p)
	})
	return nil
}

// seated tells of a party that sits.
func (g *Gateway) seated(p *party.Party, seat *Participant) {
	g.seats.put(p.Leg(), seat)
	if g.cfg.Seated != nil {
		g.cfg.Seated(p.Leg(), seat.bridge.space)
	}
	g.metrics.joins.Inc()
}

// hold keeps the seat of a leg for whoever is to have it, even when the leg ends meanwhile.
func (p *Participant) hold(ctx context.Context, leg *sip.Leg) error {
	var err error
	if fault := p.bridge.do(ctx, func() {
		switch {
		case p.held || p.party == nil && !p.handed: // or its participant has not sat down yet
			err = ErrHandedOver
		case p.party == nil || p.party.Leg() != leg:
			err = ErrNotSeated
		default:
			p.held = true
		}
	}); fault != nil {
		return fault
	}
	return err
}

// keep ends the holding: the seat stays with its participant, or is free if that has left meanwhile.
func (p *Participant) keep() {
	_ = p.bridge.do(context.Background(), func() { // as in leave
		p.held = false
		if p.vacated {
			p.free()
		}
	})
}

// hand seats the newcomer in the place of whoever has the seat. The two are never on the bridge together.
func (p *Participant) hand(ctx context.Context, to *party.Party, who Who, cfg party.Config) error {
	var from *party.Party
	barred := false
	if err := p.bridge.do(ctx, func() { from, barred = p.party, p.barred }); err != nil {
		return err
	}
	if barred {
		return errRemoved
	}
	if from != nil {
		if err := from.MoveTo(ctx, cfg.Lobby); err != nil && !errors.Is(err, sip.ErrLegEnded) {
			return fmt.Errorf("stand up: %w", err)
		}
	}
	err := p.silence(ctx, to)
	if err == nil {
		err = to.MoveTo(ctx, p.bridge.mixer)
	}
	if err == nil {
		err = p.bridge.do(ctx, func() {
			to.Session().Mute(p.muted)
			if p.party != nil {
				p.bridge.told(ParticipantLeft, p)
			}
			p.party, p.who, p.since = to, who, time.Now()
			p.held, p.vacated, p.handed = false, false, true
			p.bridge.log.InfoContext(ctx, "seat handed over", "call_id", who.CallID, "participants", len(p.bridge.seats))
			p.bridge.entered(p)
			p.bridge.told(ParticipantJoined, p)
		})
	}
	if err != nil {
		if from != nil {
			_ = from.MoveTo(context.WithoutCancel(ctx), p.bridge.mixer) // its leg has ended, or the bridge has
		}
		return fmt.Errorf("sit down: %w", err)
	}
	return nil
}

// seatIndex finds the seat of a leg. The zero value is ready.
type seatIndex struct {
	mu    sync.Mutex
	byLeg map[*sip.Leg]*Participant
}

func (x *seatIndex) put(leg *sip.Leg, p *Participant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byLeg == nil {
		x.byLeg = make(map[*sip.Leg]*Participant)
	}
	x.byLeg[leg] = p
}

func (x *seatIndex) drop(leg *sip.Leg) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byLeg, leg)
}

func (x *seatIndex) of(leg *sip.Leg) *Participant {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byLeg[leg]
}
