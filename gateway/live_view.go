package gateway

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"passerelle/party"
	"passerelle/sip"
)

// Bridges is the live view: every bridge with its participants.
func (g *Gateway) Bridges() []BridgeInfo {
	all := []BridgeInfo{}
	for _, b := range g.bridges.all() {
		if info, err := b.info(context.Background()); err == nil { // else it ended just now
			all = append(all, info)
		}
	}
	return all
}

// EndBridge hangs up on every participant of a space's bridge, cancels the calls that would bring others in, and returns
// when they are gone. Who is about to sit down is turned away then.
func (g *Gateway) EndBridge(ctx context.Context, space string) error {
	return g.remove(ctx, space, func(string) bool { return true }, ErrNoBridge)
}

// Remove hangs up on one participant, or cancels the call to it, and returns when it is gone.
func (g *Gateway) Remove(ctx context.Context, space, participant string) error {
	return g.remove(ctx, space, func(id string) bool { return id == participant }, ErrNoParticipant)
}

// remove ends the participants that are meant, by the IDs of their seats; if nobody is, the error is none.
func (g *Gateway) remove(ctx context.Context, space string, meant func(id string) bool, none error) error {
	b := g.bridges.find(space)
	if b == nil {
		return ErrNoBridge
	}
	called := g.outcalls.cancelWaiting(errCancelled, func(i OutcallInfo) bool { return i.Space == space && meant(i.Participant) })
	var out []*party.Party
	barred := 0
	err := b.do(ctx, func() {
		for _, p := range b.seats {
			if !meant(p.id) {
				continue
			}
			if p.party != nil {
				out = append(out, p.party)
			}
			if p.party == nil || p.held {
				p.barred = true
				barred++
			}
		}
	})
	switch {
	case errors.Is(err, errBridgeEnded):
		return ErrNoBridge
	case err != nil:
		return err
	case len(out)+len(called)+barred == 0:
		return none
	}
	var gone errgroup.Group
	for _, p := range out {
		gone.Go(func() error { return p.Hangup(ctx, removed) })
	}
	for _, o := range called {
		gone.Go(func() error { return o.wait(ctx) })
	}
	return gone.Wait()
}

// turnedAway is why somebody's leg ends who was answered and never sat down.
func turnedAway(err error) sip.Reason {
	if errors.Is(err, errRemoved) {
		return removed
	}
	return broken
}

// removed is why an administrator's removal ends a leg.
var removed = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Removed from the space"}
