package hub

import (
	"context"
	"embed"
	"log/slog"
	"net/http"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

//go:embed templates/*.html
var files embed.FS

var pages = page.MustSet(files, "templates/*.html")

// Config is what the pages stand on; all of it is required but Log.
type Config struct {
	View      *page.Renderer
	Directory *directory.Live
	Bridges   api.Bridges
	Settings  api.Settings
	Desk      Desk
	Records   api.Records
	Calls     api.SpaceCalls
	Log       *slog.Logger // nil discards
}

// Desk signs guests in and out; package hoteling satisfies it.
type Desk interface {
	// Of gives where a guest is.
	Of(guest uint64) (hoteling.Association, bool)
	// On gives who is on a host.
	On(host uint64) (hoteling.Association, bool)
	// SignIn signs a guest in on a host; who is there already gets the time they may stay anew. The error is a
	// *hoteling.Denial, or tells that the desk is closed.
	SignIn(ctx context.Context, host, guest uint64, by hoteling.Source) (hoteling.Association, error)
	// SignOutGuest signs a guest out, wherever they are, and says whether they were anywhere.
	SignOutGuest(ctx context.Context, guest uint64, by hoteling.Source) (bool, error)
}

// Hub serves the pages. It is safe for concurrent use.
type Hub struct {
	cfg  Config
	view *page.Renderer
	log  *slog.Logger
}

// New does no work yet.
func New(cfg Config) *Hub {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{cfg: cfg, view: cfg.View, log: cfg.Log}
}

// Routes adds the pages to mux.
func (h *Hub) Routes(mux page.Router) {
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request, *directory.User){
		"GET /hub/calls":                   h.history,
		"GET /hub/settings":                h.settings,
		"GET /hub/settings/calling":        h.calling,
		"GET " + settingsAt:                h.callSettings,
		"GET " + settingsAt + "/hosts":     h.hosts,
		"POST " + settingsAt + "/hoteling": h.saveHoteling,
		"POST " + settingsAt + "/sign-out": h.signOutGuest,
		"POST " + settingsAt + "/forwards": h.saveForwards,
		"POST " + settingsAt + "/calls":    h.saveCalls,
		"GET /hub/settings/calling/pin":    h.pin,
		"POST /hub/settings/calling/pin":   h.savePIN,
		"GET /hub":                         h.space,
		"GET /hub/space/calls":             h.calls,
		"POST /hub/space/calls":            h.launch,
		"POST /hub/space/calls/{id}/end":   h.launchEnd,
		"POST /hub/space/calls/{id}/retry": h.launchAgain,
		"GET /hub/space/regenerate":        h.regenerateForm,
		"GET /hub/space/session":           h.session,
		"GET /hub/space/session/end":       h.endSessionForm,
		"POST /hub/space/session/end":      h.endSession,
		"POST /hub/space/session/lock":     h.lockSession,

		"POST /hub/space/session/participants/{id}/mute":   h.mute,
		"POST /hub/space/session/participants/{id}/remove": h.remove,
		"POST /hub/space/regenerate":                       h.regenerate,
	} {
		mux.HandleFunc(pattern, h.view.SignedIn(h.own(serve)))
	}
}

// settingsAt is the page of call settings.
const settingsAt = "/hub/settings/calling/call-settings"

// maxForm bounds the body of a form.
const maxForm = 64 << 10

// own gives a page the user who is signed in, as the directory knows them now. The owner of the server is no user and has
// the administrator's portal only.
func (h *Hub) own(serve func(http.ResponseWriter, *http.Request, *directory.User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := account.Of(r.Context())
		if p.User == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		serve(w, r, p.User)
	}
}

// render writes a page of the hub.
func (h *Hub) render(w http.ResponseWriter, r *http.Request, name string, status int, f page.Frame) {
	h.view.Render(w, r, pages, name, status, f)
}

func (h *Hub) text(r *http.Request, key string, args ...any) string {
	return h.view.Printer(r).T(key, args...)
}

// audit notes a change that a user made.
func (h *Hub) audit(ctx context.Context, msg string, args ...any) {
	h.log.With("by", account.Of(ctx).String()).InfoContext(ctx, msg, args...) //nolint:sloglint // constant at every call
}
