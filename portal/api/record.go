package api

import (
	"cmp"
	"context"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/audit"
)

// record has what an operation does written into the journal of changes.
func (a *API) record(ctx huma.Context, next func(huma.Context)) {
	a.cfg.Auditor.Operation(ctx.Context(), ctx.Operation().OperationID, ctx.Method(), actorOf(ctx.Context()), ctx.Param, func(c context.Context) int {
		next(huma.WithContext(ctx, c))
		return ctx.Status()
	})
}

// actorOf is who calls, as the journal names them.
func actorOf(ctx context.Context) audit.Actor {
	c := callerOf(ctx)
	by := audit.Actor{ID: cmp.Or(c.id.Account, c.id.Name, "token"), Via: audit.ViaAPI, From: c.from}
	if c.id.Local {
		by.Via, by.From = audit.ViaSocket, ""
	}
	return by
}
