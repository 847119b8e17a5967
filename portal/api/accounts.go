package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/directory/audit"
)

// PortalAccounts is what the API asks of the accounts of the portal.
type PortalAccounts interface {
	// OwnerLink gives the address of a one-time link that makes the owner's account, or makes it anew, and until when it
	// holds. Any link drawn before holds no more.
	OwnerLink(ctx context.Context) (url string, until time.Time, err error)
	// ResetSecondFactor takes all second factors away from the user with that Ref; had is false when there was none.
	ResetSecondFactor(ctx context.Context, ref uint64) (had bool, err error)
}

// OwnerLink opens the owner's account to whoever has it.
type OwnerLink struct {
	URL   string    `json:"url" doc:"Opens once, in a browser." example:"https://portal.acme.test/setup/…"`
	Until time.Time `json:"until"`
}

func (a *API) registerAccounts() {
	op := operation(ScopeAdmin, "Operation", http.MethodPost, "/owner/link", "draw-owner-link", "Draw a link that makes the owner's account anew")
	op.Description = "For an owner who has lost the password or the second factor: name, address and password are given anew, second factors are taken away, sessions end. " +
		"It is for the admin socket and for the server's own token; tokens of accounts are refused."
	huma.Register(a.huma, op, func(ctx context.Context, _ *struct{}) (*struct{ Body OwnerLink }, error) {
		if callerOf(ctx).id.Account != "" {
			return nil, huma.Error403Forbidden("an account's token opens no other account")
		}
		url, until, err := a.cfg.Accounts.OwnerLink(ctx)
		if err != nil {
			return nil, a.fail(ctx, "draw a link to the owner's account", err)
		}
		a.audit(ctx, "owner's link drawn", "until", until)
		return &struct{ Body OwnerLink }{OwnerLink{URL: url, Until: until.UTC()}}, nil
	})

	reset := operation(ScopeAdmin, "Operation", http.MethodDelete, "/users/{id}/second-factor", "reset-second-factor", "Take a user's second factors away", http.StatusNotFound)
	reset.Description = "For a user who has lost the phone, the passkeys and the recovery codes: the portal password suffices until another second factor is set up."
	huma.Register(a.huma, reset, func(ctx context.Context, in *UserPath) (*struct{}, error) {
		u, err := a.userByID(ctx, directory.Person, in.ID)
		if err != nil {
			return nil, err
		}
		had, err := a.cfg.Accounts.ResetSecondFactor(ctx, u.Ref)
		if err != nil {
			return nil, a.fail(ctx, "take a second factor away", err)
		}
		audit.Of(ctx).About(u.Name)
		if !had {
			audit.Of(ctx).Refused()
			return nil, nil
		}
		a.audit(ctx, "second factor taken away", "line", u.Line(), "site", u.Site.Domain)
		return nil, nil
	})
}
