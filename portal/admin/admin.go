package admin

import (
	"cmp"
	"context"
	"embed"
	"log/slog"
	"net/http"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

//go:embed templates/*.html
var files embed.FS

var pages = page.MustSet(files, "templates/*.html")

// Config is what the pages stand on; all of it is required but Log.
type Config struct {
	View          *page.Renderer
	Accounts      *account.Accounts
	Directory     *directory.Live
	Bridges       api.Bridges
	LiveCalls     api.LiveCalls
	Registrations api.Registrations
	Gateways      api.Gateways
	Settings      api.Settings
	Desk          Desk
	Trunks        api.Trunks
	Configuration api.Configuration
	Phones        Phones
	Audit         api.Audit
	Health        api.Health
	Sources       api.Sources
	Log           *slog.Logger // nil discards
}

// Portal serves the pages. It is safe for concurrent use.
type Portal struct {
	cfg  Config
	view *page.Renderer
	log  *slog.Logger

	watchers  chan struct{} // one token per page that is open and follows
	importing importing
}

// New does no work yet.
func New(cfg Config) *Portal {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Portal{cfg: cfg, view: cfg.View, log: cfg.Log, watchers: make(chan struct{}, maxWatchers)}
}

// Routes adds the pages to mux.
func (p *Portal) Routes(mux page.Router) {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /services":                                  p.services,
		"GET /services/gateway":                          p.gateway,
		"POST /services/gateway/assign":                  p.assign,
		"POST /services/gateway/unassign":                p.unassign,
		"GET /services/gateway/spaces.csv":               p.spacesCSV,
		"GET /services/gateway/spaces/{ref}":             p.space,
		"GET /services/gateway/spaces/{ref}/regenerate":  p.regenerateForm,
		"POST /services/gateway/spaces/{ref}/regenerate": p.regenerate,
		"GET /live":                                   p.live,
		"GET /live/events":                            p.liveEvents,
		"GET /live/{space}/end":                       p.endForm,
		"POST /live/{space}/end":                      p.end,
		"POST /live/{space}/lock":                     p.lock,
		"POST /live/{space}/participants/{id}/remove": p.remove,
		"POST /live/{space}/participants/{id}/mute":   p.mute,
		"GET /users":                                  p.users,
		"GET /users/{ref}":                            p.user,
		"POST /users/{ref}":                           p.changeUser,
		"POST /users/{ref}/second-factor":             p.resetSecondFactor,
		"GET /phones":                                 p.phones,
		"GET /phones/{mac}":                           p.phone,
		"POST /phones/{mac}/setup":                    p.phoneSetup,
		"POST /phones/{mac}/revoke":                   p.phoneRevoke,
		"POST /phones/{mac}/resync":                   p.phoneResync,
		"GET /live-calls":                             p.liveCalls,
		"GET /live-calls/events":                      p.liveCallEvents,
		"GET /live-calls/{id}/end":                    p.endCallForm,
		"POST /live-calls/{id}/end":                   p.endCall,
		"GET /registrations":                          p.registrations,
		"GET /registrations/events":                   p.registrationEvents,
		"GET /import":                                 p.imports(p.importForm),
		"POST /import":                                p.imports(p.importFiles),
		"GET /import/events":                          p.imports(p.importEvents),
		"GET /trunks":                                 p.trunks,
		"GET /numbers":                                p.numbers,
		"GET /services/hoteling":                      p.hosting,
		"POST /services/hoteling/{ref}/release":       p.release,
		"GET /health":                                 p.health,
		"POST /health/blocked/{id}/lift":              p.liftSource,
		"POST /health/allowed":                        p.allowSource,
		"POST /health/allowed/remove":                 p.disallowSource,
		"GET /audit":                                  p.audits,
		"POST /audit/{id}/undo":                       p.undoChange,
	} {
		mux.HandleFunc(pattern, p.view.Staff(h))
	}
	mux.HandleFunc("GET /{$}", p.view.SignedIn(p.home))
}

// maxForm bounds the body of a form.
const maxForm = 64 << 10

// site is the site that a request names, or the first that who is signed in sees. Without one the request is answered.
func (p *Portal) site(w http.ResponseWriter, r *http.Request) (*directory.Site, bool) {
	dir, who := p.cfg.Directory.Current(), account.Of(r.Context())
	name := r.FormValue("site")
	if name == "" {
		if sites := who.Sites(dir); len(sites) > 0 {
			return sites[0], true
		}
		p.view.Render(w, r, pages, "nosite", http.StatusOK, page.Frame{Title: p.text(r, "nosite.title")})
		return nil, false
	}
	site, ok := dir.SiteByDomain(name)
	if !ok || !who.Sees(site) {
		p.view.Refuse(w, r, http.StatusNotFound)
		return nil, false
	}
	return site, true
}

// changeable is the site of a request that changes it.
func (p *Portal) changeable(w http.ResponseWriter, r *http.Request) (*directory.Site, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.FormValue("site") == "" {
		p.view.Refuse(w, r, http.StatusBadRequest)
		return nil, false
	}
	site, ok := p.site(w, r)
	if ok && !account.Of(r.Context()).Changes(site) {
		p.view.Refuse(w, r, http.StatusForbidden)
		return nil, false
	}
	return site, ok
}

// text speaks the request's language.
func (p *Portal) text(r *http.Request, key string, args ...any) string {
	return p.view.Printer(r).T(key, args...)
}

// audit notes a change and who made it.
func (p *Portal) audit(ctx context.Context, msg string, args ...any) {
	p.log.With("by", account.Of(ctx).String()).InfoContext(ctx, msg, args...) //nolint:sloglint // constant at every call
}

// byName compares users as lists show them.
func byName(a, b *directory.User) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref, b.Ref))
}
