package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call"
)

// Routes explains where calls go.
type Routes interface {
	// Explain says where a call from a line or trunk to what it dials would go now; call.ErrNoCaller means that there is
	// no such line or trunk.
	Explain(from, to string) (call.Explanation, error)
}

func (a *API) registerRoutes() {
	op := operation(ScopeRead, "Live", http.MethodGet, "/route", "explain-route", "Explain where a call would go", http.StatusUnprocessableEntity)
	op.Description = "The plan's own answer for the moment of the request, step by step. Nothing is called."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *struct {
		From string `query:"from" required:"true" minLength:"1" maxLength:"512" doc:"Line that calls, by number, extension@domain or user name of a device; or a trunk as domain/name." example:"+33170001201"`
		To   string `query:"to" required:"true" minLength:"1" maxLength:"512" doc:"What is dialled, or a SIP or tel URI." example:"0612345678"`
	}) (*struct{ Body call.Explanation }, error) {
		if !a.seesCaller(ctx, in.From) {
			return nil, invalid("query.from", call.ErrNoCaller.Error())
		}
		e, err := a.cfg.Routes.Explain(in.From, in.To)
		switch {
		case errors.Is(err, call.ErrNoCaller):
			return nil, invalid("query.from", err.Error())
		case err != nil:
			return nil, a.fail(ctx, "explain a route", err)
		}
		return &struct{ Body call.Explanation }{Body: e}, nil
	})
}

// seesCaller reports whether the caller sees the line or trunk that a route is asked for.
func (a *API) seesCaller(ctx context.Context, from string) bool {
	if callerOf(ctx).id.Site == "" {
		return true
	}
	if domain, _, trunk := strings.Cut(from, "/"); trunk {
		return sees(ctx, "", domain)
	}
	_, err := a.line(ctx, from)
	return err == nil
}
