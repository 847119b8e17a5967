package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// OwnerLinks draws links to the account of the server's owner.
type OwnerLinks interface {
	// OwnerLink gives the address of a one-time link that makes the owner's account, or makes it anew, and until when it
	// holds. Any link drawn before holds no more.
	OwnerLink(ctx context.Context) (url string, until time.Time, err error)
}

// OwnerLink opens the owner's account to whoever has it.
type OwnerLink struct {
	URL   string    `json:"url" doc:"Opens once, in a browser." example:"https://portal.acme.test/setup/…"`
	Until time.Time `json:"until"`
}

func (a *API) registerOwner() {
	op := operation(ScopeAdmin, "Operation", http.MethodPost, "/owner/link", "draw-owner-link", "Draw a link that makes the owner's account anew")
	op.Description = "For an owner who has lost the password or the second factor: name, address and password are given anew, second factors are taken away, sessions end. " +
		"It is for the admin socket and for the server's own token; tokens of accounts are refused."
	huma.Register(a.huma, op, func(ctx context.Context, _ *struct{}) (*struct{ Body OwnerLink }, error) {
		if callerOf(ctx).id.Account != "" {
			return nil, huma.Error403Forbidden("an account's token opens no other account")
		}
		url, until, err := a.cfg.Owner.OwnerLink(ctx)
		if err != nil {
			return nil, a.fail(ctx, "draw a link to the owner's account", err)
		}
		a.audit(ctx, "owner's link drawn", "until", until)
		return &struct{ Body OwnerLink }{OwnerLink{URL: url, Until: until.UTC()}}, nil
	})
}
