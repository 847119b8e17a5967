package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// TokenKeeper makes and revokes the tokens that are kept; package token satisfies it.
type TokenKeeper interface {
	// Tokens gives every token, the newest first.
	Tokens() []directory.APIToken
	// Make makes a token with the name, account, site, scopes and end of t and gives it with what is kept of it. Errors are
	// for people, but for those of the store.
	Make(ctx context.Context, t directory.APIToken) (directory.Secret, directory.APIToken, error)
	// Revoke ends a token at once.
	Revoke(ctx context.Context, id string) error
}

// APIToken is what is kept of a token: never the token itself.
type APIToken struct {
	ID      string     `json:"id" doc:"Names the token; it opens nothing." example:"tok-k5wz3qh2aa"`
	Name    string     `json:"name" doc:"What its maker calls it."`
	Account string     `json:"account,omitempty" doc:"Whose it is, such as user-7; absent for those of the server itself."`
	Site    string     `json:"site,omitempty" doc:"SIP domain of the only site that it is for; absent means all that its account sees."`
	Scopes  []string   `json:"scopes" nullable:"false"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used,omitempty" doc:"About when it was used last, to the hour; absent means never."`

	key string
}

// NewAPIToken is a token that was just made.
type NewAPIToken struct {
	APIToken
	Token string `json:"token" doc:"The token itself. It is shown this once."`
}

// The life of tokens, in days.
const (
	TokenDays    = 90
	MaxTokenDays = 730
)

func newAPIToken(t directory.APIToken) APIToken {
	return APIToken{
		ID: t.ID, Name: t.Name, Account: t.Account, Site: t.Site, Scopes: t.Scopes, Created: t.Created, Expires: t.Expires, Used: moment(t.Used),
		key: t.Created.Format(time.RFC3339) + t.ID,
	}
}

// ownsToken reports whether the caller may see and revoke a token: its account's own, or for callers of the whole
// enterprise any.
func ownsToken(ctx context.Context, t directory.APIToken) bool {
	id := callerOf(ctx).id
	return id.Site == "" || id.Account != "" && id.Account == t.Account || id.Account == "" && t.Account == "" && sameDomain(id.Site, t.Site)
}

// TokenPath names a token.
type TokenPath struct {
	ID string `path:"id" maxLength:"32" doc:"The token's id." example:"tok-k5wz3qh2aa"`
}

func (a *API) registerTokens() {
	list := operation(ScopeAdmin, "Operation", http.MethodGet, "/tokens", "list-tokens", "List tokens")
	list.Description = "Those of the caller's account; callers of the whole enterprise see all. The tokens of the server's flags are not among them."
	huma.Register(a.huma, bySite(list), func(ctx context.Context, in *struct{ PageQuery }) (*pageOutput[APIToken], error) {
		all := []APIToken{}
		for _, t := range a.cfg.Tokens.Tokens() {
			if ownsToken(ctx, t) {
				all = append(all, newAPIToken(t))
			}
		}
		return paginate(in.PageQuery, "/api/v1/tokens", nil, all, func(t APIToken) string { return t.key })
	})
	post := operation(ScopeAdmin, "Operation", http.MethodPost, "/tokens", "create-token", "Make a token",
		http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	post.Description = "For the account of the caller, or for the server itself where the caller is nobody's. It lets no more than the caller may, and " +
		"at each request no more than its account may then."
	post.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, bySite(post), a.createToken)
	remove := operation(ScopeAdmin, "Operation", http.MethodDelete, "/tokens/{id}", "revoke-token", "Revoke a token", http.StatusNotFound, http.StatusServiceUnavailable)
	remove.Description = "Ends it at once; requests that are under way are answered."
	huma.Register(a.huma, bySite(remove), func(ctx context.Context, in *TokenPath) (*struct{}, error) {
		for _, t := range a.cfg.Tokens.Tokens() {
			if t.ID != in.ID || !ownsToken(ctx, t) {
				continue
			}
			if err := a.cfg.Tokens.Revoke(ctx, in.ID); err != nil {
				return nil, a.fail(ctx, "revoke a token", err)
			}
			a.audit(ctx, "token revoked", "token", t.ID, "account", t.Account)
			return nil, nil
		}
		return nil, huma.Error404NotFound("no token has this id")
	})
}

type createToken struct {
	Body struct {
		Name   string   `json:"name" minLength:"1" maxLength:"100" doc:"What it is for."`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"16" enum:"read,events,hoteling:release,phones:resync,hoteling:write,phones:write,calls:write,spaces:write,users:write,directory:write,admin"`
		Site   string   `json:"site,omitempty" maxLength:"255" doc:"SIP domain of the only site that it is for; absent means all that the caller sees."`
		Days   int      `json:"days,omitempty" minimum:"1" maximum:"730" default:"90" doc:"How long it lives."`
	}
}

func (a *API) createToken(ctx context.Context, in *createToken) (*record[NewAPIToken], error) {
	id := callerOf(ctx).id
	t := directory.APIToken{Name: in.Body.Name, Account: id.Account, Site: id.Site, Scopes: in.Body.Scopes, Expires: time.Now().AddDate(0, 0, in.Body.Days)}
	for _, s := range in.Body.Scopes {
		if !id.May(Scope(s)) {
			return nil, huma.Error403Forbidden("a token gives no scope that it has not")
		}
	}
	if in.Body.Site != "" {
		site, err := a.site(ctx, in.Body.Site)
		if err != nil {
			return nil, invalid("body.site", "no site has this domain")
		}
		t.Site = site.Domain
	}
	secret, t, err := a.cfg.Tokens.Make(ctx, t)
	if err != nil {
		return nil, a.fail(ctx, "make a token", err)
	}
	a.audit(ctx, "token made", "token", t.ID, "account", t.Account, "scopes", t.Scopes)
	return &record[NewAPIToken]{Location: "/api/v1/tokens/" + t.ID, Body: NewAPIToken{newAPIToken(t), secret.Reveal()}}, nil
}
