package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call"
)

// LiveCalls is what the API asks of the calls that are up.
type LiveCalls interface {
	// LiveCalls gives the calls that are up or on their way, the oldest first.
	LiveCalls() []call.LiveCall
	// EndCall hangs up on everybody in a call; call.ErrNoCall and call.ErrCallForHelp tell why not.
	EndCall(ctx context.Context, id string) error
}

// LiveCall is a call that is up or on its way.
type LiveCall struct {
	ID     string     `json:"id" doc:"Shared by the records of its legs; of calls that a transfer has joined, the oldest one's."`
	Since  time.Time  `json:"since" doc:"When its first leg began."`
	Answer *time.Time `json:"answer,omitempty" doc:"When its first leg was answered; absent before."`
	Help   bool       `json:"help" doc:"To an emergency number: it cannot be ended from here."`
	Legs   []LiveLeg  `json:"legs" nullable:"false" doc:"The oldest first, who called before who is called."`
}

// LiveLeg is one leg of a live call.
type LiveLeg struct {
	ID        string     `json:"id" doc:"Of the record that its end will leave."`
	CallID    string     `json:"call_id" doc:"SIP Call-ID of the leg."`
	Direction string     `json:"direction" enum:"in,out" doc:"in is a leg that called us, out one that we called."`
	State     string     `json:"state" enum:"trying,ringing,up,held" doc:"held is up, and its phone holds the call."`
	Name      string     `json:"name,omitempty" doc:"Of the line's user, or as somebody outside calls itself; absent when withheld."`
	Line      string     `json:"line,omitempty" doc:"Line that called or was called; absent for a trunk."`
	Device    string     `json:"device,omitempty" doc:"User name of the phone."`
	Host      string     `json:"host,omitempty" doc:"Owner of the phone, when somebody else is signed in on it."`
	Trunk     string     `json:"trunk,omitempty"`
	Outside   string     `json:"outside,omitempty" doc:"Number of somebody outside who called, or is called by a trunk; absent when withheld."`
	Site      string     `json:"site,omitempty" doc:"SIP domain of the site."`
	Number    string     `json:"number,omitempty" doc:"The other side, as dialled or asserted; … where it could be a space ID."`
	Route     string     `json:"route,omitempty" doc:"Where the call went: line, trunk, emergency, gateway, uri, feature, refused."`
	Space     string     `json:"space,omitempty" doc:"Ref of the space that the leg is in."`
	Since     time.Time  `json:"since"`
	Answer    *time.Time `json:"answer,omitempty" doc:"Absent before it is answered."`
	Codec     string     `json:"codec,omitempty" doc:"Absent before media flows, and where it does not pass the server."`
}

func newLiveCall(c call.LiveCall) LiveCall {
	out := LiveCall{ID: c.ID, Since: c.Legs[0].Start.UTC(), Help: c.Help(), Legs: make([]LiveLeg, 0, len(c.Legs))}
	for _, l := range c.Legs {
		leg := LiveLeg{
			ID: l.ID, CallID: l.CallID, Direction: string(l.Direction), State: string(l.State()), Name: l.Name, Line: l.User, Device: l.Device, Host: l.Host,
			Trunk: l.Trunk, Outside: l.Outside, Site: l.Site, Number: l.Number, Route: l.Route, Space: l.Space, Since: l.Start.UTC(), Codec: l.Codec,
		}
		if !l.Answer.IsZero() {
			at := l.Answer.UTC()
			leg.Answer = &at
			if out.Answer == nil || at.Before(*out.Answer) {
				out.Answer = &at
			}
		}
		out.Legs = append(out.Legs, leg)
	}
	return out
}

// LiveCallPath names a live call.
type LiveCallPath struct {
	ID string `path:"id" maxLength:"64" doc:"The call's id."`
}

func (a *API) registerLiveCalls() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/live-calls", "list-live-calls", "List the calls that are up or on their way")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only calls with a leg of the site with this SIP domain."`
		}) (*pageOutput[LiveCall], error) {
			all := []LiveCall{}
			for _, c := range a.cfg.LiveCalls.LiveCalls() {
				if seesCall(ctx, in.Site, c) {
					all = append(all, newLiveCall(c))
				}
			}
			return paginate(in.PageQuery, "/api/v1/live-calls", url.Values{"site": {in.Site}}, all, func(c LiveCall) string { return c.ID })
		})

	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/live-calls/{id}", "get-live-call", "Show one live call", http.StatusNotFound)),
		func(ctx context.Context, in *LiveCallPath) (*struct{ Body LiveCall }, error) {
			c, ok := a.liveCall(ctx, in.ID)
			if !ok {
				return nil, huma.Error404NotFound("no such call is up")
			}
			return &struct{ Body LiveCall }{newLiveCall(c)}, nil
		})

	op := operation(ScopeCalls, "Live", http.MethodDelete, "/live-calls/{id}", "end-live-call", "End a call for everybody in it", http.StatusNotFound, http.StatusConflict)
	op.Description = "Who is in is hung up on, who rings rings no longer. A call to an emergency number is not ended: 409."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *LiveCallPath) (*struct{}, error) {
		c, ok := a.liveCall(ctx, in.ID)
		if !ok {
			return nil, huma.Error404NotFound("no such call is up")
		}
		switch err := a.cfg.LiveCalls.EndCall(ctx, c.ID); {
		case errors.Is(err, call.ErrNoCall): // it has ended by itself just now
		case errors.Is(err, call.ErrCallForHelp):
			return nil, huma.Error409Conflict("a call to an emergency number is ended by those who speak")
		case err != nil:
			return nil, a.fail(ctx, "end call", err)
		}
		a.audit(ctx, "call ended by api", "call", c.ID)
		return nil, nil
	})
}

// seesCall tells whether the caller sees a leg of the call, and whether that is of the site that is asked for.
func seesCall(ctx context.Context, filter string, c call.LiveCall) bool {
	return slices.ContainsFunc(c.Legs, func(l call.LiveLeg) bool { return sees(ctx, filter, l.Site) })
}

// liveCall finds a live call that the caller sees.
func (a *API) liveCall(ctx context.Context, id string) (call.LiveCall, bool) {
	for _, c := range a.cfg.LiveCalls.LiveCalls() {
		if c.ID == id && seesCall(ctx, "", c) {
			return c, true
		}
	}
	return call.LiveCall{}, false
}
