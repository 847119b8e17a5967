package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/sip"
)

// SpaceCalls makes the calls of spaces.
type SpaceCalls interface {
	// Call has a space call somebody, empty for its owner, and returns when the call has begun.
	Call(ctx context.Context, space, to string) (gateway.OutcallInfo, error)
	// Outcalls gives the calls of a space, the oldest first, those of the last minutes too.
	Outcalls(space string) []gateway.OutcallInfo
	// EndOutcall cancels a call or hangs up on its callee.
	EndOutcall(ctx context.Context, space, id string) error
	// RetryOutcall makes a call that is over again.
	RetryOutcall(ctx context.Context, space, id string) (gateway.OutcallInfo, error)
}

// SpaceCall is a call that a space makes to bring somebody in.
type SpaceCall struct {
	ID          string     `json:"id" example:"17"`
	Space       string     `json:"space" doc:"Reference of the space."`
	To          string     `json:"to" doc:"As asked for."`
	State       string     `json:"state" enum:"calling,ringing,confirming,in,ended,failed,cancelled" doc:"confirming is answered outside, where the callee must press 1 to enter; in is in the space; ended, failed and cancelled are final."`
	Code        int        `json:"code,omitempty" doc:"SIP status of a failure: 486 busy, 480 no answer or no key pressed, 603 declined."`
	Reason      string     `json:"reason,omitempty" doc:"Of a failure."`
	Participant string     `json:"participant,omitempty" doc:"ID of the seat that is kept for the callee, until the call is over."`
	Since       time.Time  `json:"since"`
	Ended       *time.Time `json:"ended,omitempty"`
}

func newSpaceCall(i gateway.OutcallInfo) SpaceCall {
	c := SpaceCall{
		ID: i.ID, Space: i.Space, To: i.To, State: string(i.State), Code: i.Code, Reason: i.Reason, Participant: i.Participant, Since: i.Since.UTC(),
	}
	if i.Over() {
		ended := i.Ended.UTC()
		c.Ended = &ended
	}
	return c
}

// SpacePath names a space.
type SpacePath struct {
	Space string `path:"space" maxLength:"128" doc:"Reference of the space, such as space-7; never its ID." example:"space-7"`
}

// SpaceCallPath names a call of a space.
type SpaceCallPath struct {
	SpacePath
	ID string `path:"id" maxLength:"32" doc:"The call's id."`
}

type spaceCallOutput struct{ Body SpaceCall }

// begunOutput is a call that has begun.
type begunOutput struct {
	Location string `header:"Location" doc:"Where its progress is told."`
	Body     SpaceCall
}

func (a *API) registerSpaceCalls() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/spaces/{space}/calls", "list-space-calls", "List the calls that a space makes", http.StatusNotFound)),
		func(ctx context.Context, in *struct {
			SpacePath
			PageQuery
		}) (*pageOutput[SpaceCall], error) {
			if _, err := a.space(ctx, in.Space); err != nil {
				return nil, err
			}
			all := []SpaceCall{}
			for _, i := range a.cfg.SpaceCalls.Outcalls(in.Space) {
				all = append(all, newSpaceCall(i))
			}
			return paginate(in.PageQuery, "/api/v1/spaces/"+url.PathEscape(in.Space)+"/calls", nil, all, func(c SpaceCall) string { return fmt.Sprintf("%20s", c.ID) })
		})

	call := operation(ScopeCalls, "Live", http.MethodPost, "/spaces/{space}/calls", "call-into-space", "Call somebody into a space",
		http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	call.DefaultStatus = http.StatusAccepted
	call.Description = "The callee sees the gateway's number. The owner's calling plan and limits apply. A seat is kept until the call is over. " +
		"A phone of the enterprise is in when it answers; whoever answers elsewhere must press 1, so that no voice mail joins."
	huma.Register(a.huma, bySite(call), func(ctx context.Context, in *struct {
		SpacePath
		Body struct {
			To string `json:"to,omitempty" maxLength:"255" doc:"What the owner would dial: a number, an extension, or a SIP or tel URI. Absent calls the owner: \"call me into my space\"." example:"0612345678"`
		}
	}) (*begunOutput, error) {
		if _, err := a.space(ctx, in.Space); err != nil {
			return nil, err
		}
		i, err := a.cfg.SpaceCalls.Call(ctx, in.Space, in.Body.To)
		return a.begun(ctx, i, err)
	})

	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/spaces/{space}/calls/{id}", "get-space-call", "Show how far a call of a space is", http.StatusNotFound)),
		func(ctx context.Context, in *SpaceCallPath) (*spaceCallOutput, error) {
			if _, err := a.space(ctx, in.Space); err != nil {
				return nil, err
			}
			for _, i := range a.cfg.SpaceCalls.Outcalls(in.Space) {
				if i.ID == in.ID {
					return &spaceCallOutput{Body: newSpaceCall(i)}, nil
				}
			}
			return nil, errNoSpaceCall
		})

	end := operation(ScopeCalls, "Live", http.MethodDelete, "/spaces/{space}/calls/{id}", "end-space-call", "Cancel a call of a space, or hang up on its callee", http.StatusNotFound)
	huma.Register(a.huma, bySite(end), func(ctx context.Context, in *SpaceCallPath) (*struct{}, error) {
		if _, err := a.space(ctx, in.Space); err != nil {
			return nil, err
		}
		switch err := a.cfg.SpaceCalls.EndOutcall(ctx, in.Space, in.ID); {
		case errors.Is(err, gateway.ErrNoOutcall):
			return nil, errNoSpaceCall
		case err != nil:
			return nil, a.fail(ctx, "end a call of a space", err)
		}
		a.audit(ctx, "call of a space ended by api", "space", in.Space, "outcall", in.ID)
		return nil, nil
	})

	again := operation(ScopeCalls, "Live", http.MethodPost, "/spaces/{space}/calls/{id}/retry", "retry-space-call", "Make a call of a space that is over again",
		http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	again.DefaultStatus = http.StatusAccepted
	huma.Register(a.huma, bySite(again), func(ctx context.Context, in *SpaceCallPath) (*begunOutput, error) {
		if _, err := a.space(ctx, in.Space); err != nil {
			return nil, err
		}
		i, err := a.cfg.SpaceCalls.RetryOutcall(ctx, in.Space, in.ID)
		return a.begun(ctx, i, err)
	})
}

var errNoSpaceCall = huma.Error404NotFound("the space has made no such call, or long ago")

// space finds a space that the caller sees.
func (a *API) space(ctx context.Context, ref string) (*directory.Space, error) {
	if sp, ok := a.cfg.Directory.Current().SpaceByRef(ref); ok && sees(ctx, "", sp.Site.Domain) {
		return sp, nil
	}
	return nil, huma.Error404NotFound("no space has this reference")
}

// begun answers for a call that has begun, or says why it has not.
func (a *API) begun(ctx context.Context, i gateway.OutcallInfo, err error) (*begunOutput, error) {
	if err == nil {
		a.audit(ctx, "space calls by api", "space", i.Space, "outcall", i.ID)
		return &begunOutput{Location: "/api/v1/spaces/" + url.PathEscape(i.Space) + "/calls/" + i.ID, Body: newSpaceCall(i)}, nil
	}
	var refused *sip.StatusError
	switch {
	case errors.Is(err, gateway.ErrUnknownSpace):
		return nil, huma.Error404NotFound("no space has this reference")
	case errors.Is(err, gateway.ErrNoOutcall):
		return nil, errNoSpaceCall
	case errors.Is(err, gateway.ErrUnassigned):
		return nil, huma.Error409Conflict("no gateway number is assigned to the site, so its spaces call nobody: assign one first")
	case errors.Is(err, gateway.ErrSpaceFull):
		return nil, huma.Error409Conflict("all seats of the space are taken")
	case errors.Is(err, gateway.ErrOutcallUp):
		return nil, huma.Error409Conflict("the call is not over")
	case errors.Is(err, gateway.ErrDraining), errors.Is(err, gateway.ErrNoDialer):
		return nil, a.fail(ctx, "call out of a space", fmt.Errorf("%w: %w", ErrUnavailable, err))
	case errors.As(err, &refused):
		_, why := sip.StatusOf(refused)
		if refused.Err != nil {
			why += ": " + refused.Err.Error()
		}
		return nil, invalid("body.to", why)
	}
	return nil, a.fail(ctx, "call out of a space", err)
}
