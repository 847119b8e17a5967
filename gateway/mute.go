package gateway

import (
	"context"
	"errors"
	"slices"

	"passerelle/media/prompts"
	"passerelle/party"
)

// Mute keeps what a participant says from the others, or lets them hear it again; the participant hears them as before and is
// told. It belongs to the seat: whoever is to sit there, or is handed the seat, is muted too.
func (g *Gateway) Mute(ctx context.Context, space, participant string, on bool) error {
	b := g.bridges.find(space)
	if b == nil {
		return ErrNoBridge
	}
	found := false
	var told *party.Party
	err := b.do(ctx, func() {
		i := slices.IndexFunc(b.seats, func(p *Participant) bool { return p.id == participant })
		if i < 0 {
			return
		}
		p := b.seats[i]
		found = true
		if p.muted == on {
			return
		}
		p.muted = on
		if told = p.party; told != nil {
			told.Session().Mute(on)
		}
		b.log.InfoContext(ctx, "participant muted", "call_id", p.who.CallID, "muted", on)
		b.told(either(on, ParticipantMuted, ParticipantUnmuted), p)
	})
	switch {
	case errors.Is(err, errBridgeEnded):
		return ErrNoBridge
	case err != nil:
		return err
	case !found:
		return ErrNoParticipant
	}
	if told != nil {
		prompt := prompts.Unmuted
		if on {
			prompt = prompts.Muted
		}
		told.Say(prompts.Get(g.parties.language(told, string(b.space.Site.Language)), prompt))
	}
	return nil
}

// silence mutes a party that is about to sit as its seat is muted, so that no word of it is heard.
func (p *Participant) silence(ctx context.Context, pt *party.Party) error {
	return p.bridge.do(ctx, func() { pt.Session().Mute(p.muted) })
}

// Lock lets nobody into a space's session any more but its owner and whom the owner brings, or lets everybody in again. Who is
// in stays and may hand the seat over. The session's end unlocks the space.
func (g *Gateway) Lock(ctx context.Context, space string, on bool) error {
	b := g.bridges.find(space)
	if b == nil {
		return ErrNoBridge
	}
	err := b.do(ctx, func() {
		if b.locked == on {
			return
		}
		b.locked = on
		b.log.InfoContext(ctx, "bridge locked", "locked", on)
		b.told(either(on, BridgeLocked, BridgeUnlocked), nil)
	})
	if errors.Is(err, errBridgeEnded) {
		return ErrNoBridge
	}
	return err
}
