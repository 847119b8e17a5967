package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/gateway"
)

// BridgeChange is what changes about a live session.
type BridgeChange struct {
	Locked bool `json:"locked" doc:"Let nobody in any more but the owner and whom the owner brings; others hear why. It ends with the session."`
}

// ParticipantChange is what changes about a participant.
type ParticipantChange struct {
	Muted bool `json:"muted" doc:"Keep what the participant says from the others. The participant is told, and hears them as before."`
}

// registerBridgeChanges registers what changes a live session without ending anything.
func (a *API) registerBridgeChanges() {
	huma.Register(a.huma, bySite(operation(ScopeCalls, "Live", http.MethodPatch, "/bridges/{space}", "change-bridge", "Lock or unlock a bridge",
		http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)),
		func(ctx context.Context, in *struct {
			BridgePath
			Body BridgeChange
		}) (*bridgeOutput, error) {
			if _, ok := a.bridge(ctx, in.Space); !ok {
				return nil, huma.Error404NotFound("no bridge is live in this space")
			}
			err := a.cfg.Bridges.Lock(ctx, in.Space, in.Body.Locked)
			b, ok := a.bridge(ctx, in.Space)
			switch {
			case !ok, errors.Is(err, gateway.ErrNoBridge): // it ended just now
				return nil, huma.Error404NotFound("no bridge is live in this space")
			case err != nil:
				return nil, a.fail(ctx, "lock bridge", err)
			}
			a.audit(ctx, "bridge locked by api", "space", in.Space, "locked", in.Body.Locked)
			return &bridgeOutput{Body: newBridge(b)}, nil
		})

	huma.Register(a.huma, bySite(operation(ScopeCalls, "Live", http.MethodPatch, "/bridges/{space}/participants/{id}", "change-participant",
		"Mute or unmute a participant", http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)),
		func(ctx context.Context, in *struct {
			BridgePath
			ID   string `path:"id" maxLength:"128" doc:"The participant's id."`
			Body ParticipantChange
		}) (*struct{ Body Participant }, error) {
			if !a.seated(ctx, in.Space, in.ID) {
				return nil, huma.Error404NotFound("no such participant in this space")
			}
			err := a.cfg.Bridges.Mute(ctx, in.Space, in.ID, in.Body.Muted)
			if err != nil && !errors.Is(err, gateway.ErrNoBridge) && !errors.Is(err, gateway.ErrNoParticipant) {
				return nil, a.fail(ctx, "mute participant", err)
			}
			b, _ := a.bridge(ctx, in.Space)
			for _, p := range b.Participants {
				if err == nil && p.ID == in.ID {
					a.audit(ctx, "participant muted by api", "space", in.Space, "participant", in.ID, "muted", in.Body.Muted)
					return &struct{ Body Participant }{newParticipant(p)}, nil
				}
			}
			return nil, huma.Error404NotFound("no such participant in this space")
		})
}
