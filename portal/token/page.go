package token

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

//go:embed templates/*.html
var files embed.FS

var pages = page.MustSet(files, "templates/*.html")

// Pages serve the tokens of who is signed in. They are safe for concurrent use.
type Pages struct {
	keeper api.TokenKeeper
	view   *page.Renderer
	log    *slog.Logger
}

// NewPages does no work yet; a nil log discards.
func NewPages(keeper api.TokenKeeper, view *page.Renderer, log *slog.Logger) *Pages {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pages{keeper: keeper, view: view, log: log}
}

// Routes adds the pages to mux.
func (p *Pages) Routes(mux page.Router) {
	mux.HandleFunc("GET /account/tokens", p.view.Staff(p.list))
	mux.HandleFunc("POST /account/tokens", p.view.Staff(p.make))
	mux.HandleFunc("POST /account/tokens/{id}/revoke", p.view.Staff(p.revoke))
}

// maxForm bounds the body of a form.
const maxForm = 16 << 10

// choice is a scope that may be given.
type choice struct {
	Scope, Key string
	Given      bool
}

// sheet is what the page shows.
type sheet struct {
	Tokens []directory.APIToken
	Scopes []choice
	Days   []int
	Day    int
	Name   string
	Fault  string
	Secret string            // a token that was just made, shown once
	Site   string            // of the tokens of a site's administrator
	Keys   map[string]string // text keys of scopes
	Zone   *time.Location
}

// lives are how long tokens may be chosen to live, in days.
var lives = []int{30, api.TokenDays, 365, api.MaxTokenDays}

// scopeKey is the key of the text that says what a scope lets.
func scopeKey(s string) string { return "token." + strings.NewReplacer(":", "_").Replace(s) }

func (p *Pages) list(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, sheet{Day: api.TokenDays})
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, s sheet) {
	who := account.Of(r.Context())
	may, site := Allowed(who)
	given := make(map[string]bool)
	for _, c := range s.Scopes {
		given[c.Scope] = c.Given
	}
	s.Scopes, s.Days, s.Keys = nil, lives, make(map[string]string)
	for _, scope := range api.Scopes() {
		s.Keys[string(scope)] = scopeKey(string(scope))
		if slices.Contains(may, scope) {
			s.Scopes = append(s.Scopes, choice{string(scope), scopeKey(string(scope)), given[string(scope)]})
		}
	}
	if who.User != nil {
		s.Zone, _ = time.LoadLocation(who.User.Site.Timezone) // nil is UTC
	}
	if site != "" {
		s.Site = who.User.Site.Name
	}
	for _, t := range p.keeper.Tokens() {
		if t.Account == who.Account.ID {
			s.Tokens = append(s.Tokens, t)
		}
	}
	pr := p.view.Printer(r)
	p.view.Render(w, r, pages, "tokens", status, page.Frame{Title: pr.T("token.title"), Area: "account", Data: s,
		Trail: []page.Crumb{{Text: pr.T("account.title"), Href: "/account"}, {Text: pr.T("token.title")}}})
}

func (p *Pages) make(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	who, s := account.Of(r.Context()), sheet{Name: strings.TrimSpace(r.PostFormValue("name")), Day: api.TokenDays}
	if days, err := strconv.Atoi(r.PostFormValue("days")); err == nil && slices.Contains(lives, days) {
		s.Day = days
	}
	may, _ := Allowed(who)
	t := directory.APIToken{Name: s.Name, Account: who.Account.ID, Expires: time.Now().AddDate(0, 0, s.Day)}
	for _, scope := range may { // what somebody may not give is not looked for
		if r.PostFormValue(string(scope)) != "" {
			t.Scopes = append(t.Scopes, string(scope))
			s.Scopes = append(s.Scopes, choice{Scope: string(scope), Given: true})
		}
	}
	text := p.view.Printer(r).T
	switch {
	case s.Name == "" || len(s.Name) > 100:
		s.Fault = text("token.bad_name")
	case len(t.Scopes) == 0:
		s.Fault = text("token.no_scope")
	}
	if s.Fault != "" {
		p.show(w, r, http.StatusUnprocessableEntity, s)
		return
	}
	secret, kept, err := p.keeper.Make(r.Context(), t)
	switch {
	case errors.Is(err, api.ErrTooManyTokens):
		s.Fault = text("token.too_many")
		p.show(w, r, http.StatusConflict, s)
	case err != nil:
		p.view.Fail(w, r, "make a token", err)
	default:
		p.log.InfoContext(r.Context(), "token made", "by", who.String(), "token", kept.ID, "scopes", kept.Scopes)
		p.show(w, r, http.StatusOK, sheet{Day: api.TokenDays, Secret: secret.Reveal()})
	}
}

func (p *Pages) revoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	who, id := account.Of(r.Context()), r.PathValue("id")
	if !slices.ContainsFunc(p.keeper.Tokens(), func(t directory.APIToken) bool { return t.ID == id && t.Account == who.Account.ID }) {
		p.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	if err := p.keeper.Revoke(r.Context(), id); err != nil && !errors.Is(err, api.ErrNoSuchToken) {
		p.view.Fail(w, r, "revoke a token", err)
		return
	}
	p.log.InfoContext(r.Context(), "token revoked", "by", who.String(), "token", id)
	p.view.Note(w, r, "/account/tokens", page.Note{Key: "token.revoked"})
}
