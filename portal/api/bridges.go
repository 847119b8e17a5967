package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/gateway"
)

// Bridge is the live session of a space.
type Bridge struct {
	Space        string        `json:"space" doc:"Reference of the space."`
	Owner        string        `json:"owner"`
	Site         string        `json:"site" doc:"SIP domain of the site."`
	Since        time.Time     `json:"since"`
	Locked       bool          `json:"locked" doc:"Only the owner comes in, and whom the owner brings."`
	Participants []Participant `json:"participants" nullable:"false" doc:"In order of arrival."`
}

// Participant is one seat on a bridge.
type Participant struct {
	ID      string    `json:"id"`
	Name    string    `json:"name" doc:"Display name, or the number when there is none."`
	Number  string    `json:"number,omitempty" doc:"As asserted; absent when withheld."`
	Since   time.Time `json:"since"`
	Codec   string    `json:"codec"`
	Joining bool      `json:"joining,omitempty" doc:"The seat is kept for somebody who is being called or answered."`
	Talking bool      `json:"talking"`
	Muted   bool      `json:"muted" doc:"The others do not hear the participant."`
	Held    bool      `json:"held" doc:"The caller's phone has put the bridge on hold."`
	CallID  string    `json:"call_id" doc:"SIP Call-ID of the leg."`
	DelayMS int64     `json:"delay_ms" doc:"Playout delay of the jitter buffer, milliseconds."`
	Lost    uint64    `json:"packets_lost" doc:"RTP packets lost on the way to the server."`
}

func newBridge(b gateway.BridgeInfo) Bridge {
	out := Bridge{Space: b.Space, Owner: b.Owner, Site: b.Site, Since: b.Since.UTC(), Locked: b.Locked, Participants: make([]Participant, 0, len(b.Participants))}
	for _, p := range b.Participants {
		out.Participants = append(out.Participants, newParticipant(p))
	}
	return out
}

func newParticipant(p gateway.ParticipantInfo) Participant {
	return Participant{
		ID: p.ID, Name: p.Name, Number: p.Number, Since: p.Since.UTC(), Codec: p.Codec, Joining: p.Joining, Talking: p.Talking, Muted: p.Muted, Held: p.Held,
		CallID: p.CallID, DelayMS: p.Delay.Milliseconds(), Lost: p.Lost,
	}
}

// BridgePath names a bridge by its space.
type BridgePath struct {
	Space string `path:"space" maxLength:"128" doc:"Reference of the space, such as space-7; never its ID." example:"space-7"`
}

type bridgeOutput struct{ Body Bridge }

func (a *API) registerBridges() {
	a.registerBridgeChanges()
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/bridges", "list-bridges", "List live bridges")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only bridges of the site with this SIP domain."`
		}) (*pageOutput[Bridge], error) {
			all := []Bridge{}
			for _, b := range a.cfg.Bridges.Bridges() {
				if sees(ctx, in.Site, b.Site) {
					all = append(all, newBridge(b))
				}
			}
			return paginate(in.PageQuery, "/api/v1/bridges", url.Values{"site": {in.Site}}, all, func(b Bridge) string { return b.Space })
		})

	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/bridges/{space}", "get-bridge", "Show one live bridge", http.StatusNotFound)),
		func(ctx context.Context, in *BridgePath) (*bridgeOutput, error) {
			b, ok := a.bridge(ctx, in.Space)
			if !ok {
				return nil, huma.Error404NotFound("no bridge is live in this space")
			}
			return &bridgeOutput{Body: newBridge(b)}, nil
		})

	huma.Register(a.huma, bySite(operation(ScopeCalls, "Live", http.MethodDelete, "/bridges/{space}", "end-bridge", "End a bridge for everybody", http.StatusNotFound)),
		func(ctx context.Context, in *BridgePath) (*struct{}, error) {
			if _, ok := a.bridge(ctx, in.Space); !ok {
				return nil, huma.Error404NotFound("no bridge is live in this space")
			}
			if err := a.cfg.Bridges.EndBridge(ctx, in.Space); err != nil {
				if _, ok := a.bridge(ctx, in.Space); ok {
					return nil, a.fail(ctx, "end bridge", err)
				} // else the last participant left meanwhile: it has ended all the same
			}
			a.audit(ctx, "bridge ended by api", "space", in.Space)
			return nil, nil
		})

	huma.Register(a.huma, bySite(operation(ScopeCalls, "Live", http.MethodDelete, "/bridges/{space}/participants/{id}", "remove-participant",
		"Remove a participant from a bridge", http.StatusNotFound)),
		func(ctx context.Context, in *struct {
			BridgePath
			ID string `path:"id" maxLength:"128" doc:"The participant's id."`
		}) (*struct{}, error) {
			if !a.seated(ctx, in.Space, in.ID) {
				return nil, huma.Error404NotFound("no such participant in this space")
			}
			if err := a.cfg.Bridges.Remove(ctx, in.Space, in.ID); err != nil && a.seated(ctx, in.Space, in.ID) {
				return nil, a.fail(ctx, "remove participant", err)
			}
			a.audit(ctx, "participant removed by api", "space", in.Space, "participant", in.ID)
			return nil, nil
		})
}

// bridge finds a live bridge that the caller sees.
func (a *API) bridge(ctx context.Context, space string) (gateway.BridgeInfo, bool) {
	all := a.cfg.Bridges.Bridges()
	i := slices.IndexFunc(all, func(b gateway.BridgeInfo) bool { return b.Space == space && sees(ctx, "", b.Site) })
	if i < 0 {
		return gateway.BridgeInfo{}, false
	}
	return all[i], true
}

func (a *API) seated(ctx context.Context, space, participant string) bool {
	b, _ := a.bridge(ctx, space)
	return slices.ContainsFunc(b.Participants, func(p gateway.ParticipantInfo) bool { return p.ID == participant })
}

// seats counts the participants per space.
func (a *API) seats() (perSpace map[string]int, total int) {
	perSpace = map[string]int{}
	for _, b := range a.cfg.Bridges.Bridges() {
		perSpace[b.Space] = cmp.Or(perSpace[b.Space], len(b.Participants))
		total += len(b.Participants)
	}
	return perSpace, total
}
