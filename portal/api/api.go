package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/portal/account"
	"passerelle/portal/auditor"
	"passerelle/sip"
)

// Bridges is what the API asks of the live bridges.
type Bridges interface {
	// Bridges returns a snapshot of all live bridges.
	Bridges() []gateway.BridgeInfo
	// EndBridge says goodbye to everybody in the space's bridge and returns when the bridge has ended.
	EndBridge(ctx context.Context, space string) error
	// Remove ends one participant's leg.
	Remove(ctx context.Context, space, participant string) error
	// Mute keeps what a participant says from the others, or lets them hear it again.
	Mute(ctx context.Context, space, participant string, on bool) error
	// Lock lets nobody in but the space's owner and whom the owner brings, or everybody again.
	Lock(ctx context.Context, space string, on bool) error
}

// Registrations is what the API asks of the registrar.
type Registrations interface {
	// All yields the live bindings in any order.
	All() iter.Seq[sip.Binding]
	// Count returns how many there are.
	Count() int
}

// Legs counts the legs that live.
type Legs interface{ Legs() int }

// Ports counts the media port pairs in use.
type Ports interface{ InUse() int }

// Config is what an API stands on; all of it is required but Log and Started.
type Config struct {
	Version       string    // of the program
	Started       time.Time // of the process; zero means now
	Directory     *directory.Live
	Bridges       Bridges
	SpaceCalls    SpaceCalls
	LiveCalls     LiveCalls
	Registrations Registrations
	Legs          Legs
	Ports         Ports
	Routes        Routes
	Limits        Limits
	Trunks        Trunks
	TrunkCalls    TrunkCalls
	Mailboxes     Mailboxes
	Gateways      Gateways
	Records       Records
	Events        EventLog
	Webhooks      Webhooks
	Settings      Settings
	Editor        Editor
	HoldMusic     HoldMusic
	Hoteling      Hoteling
	Phones        Phones
	Configuration Configuration
	Tokens        TokenKeeper
	Answers       Answers // nil repeats none
	Accounts      PortalAccounts
	Reloader      Reloader
	Audit         Audit
	Health        Health
	Sources       Sources
	Auditor       *auditor.Auditor // records what is done; nil records nothing
	Log           *slog.Logger     // nil discards
}

// API answers requests under /api/v1/ and describes itself. It is safe for use by any number of goroutines.
type API struct {
	cfg      Config
	log      *slog.Logger
	mux      *http.ServeMux
	huma     huma.API
	document func() (rendered, error) // made when it is asked for first

	streams chan struct{}              // one token per open stream of events
	posts   map[string]*huma.Operation // by the mux's pattern
	run     string                     // names this run of the server
}

// New registers all operations and renders their description.
func New(cfg Config) (*API, error) {
	if cfg.Started.IsZero() {
		cfg.Started = time.Now()
	}
	a := &API{cfg: cfg, log: cfg.Log, mux: http.NewServeMux(), streams: make(chan struct{}, maxStreams), run: runID()}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.huma = humago.New(a.mux, description(cfg.Version))
	a.huma.UseMiddleware(a.authorize, a.record)
	a.registerSites()
	a.registerSpaces()
	a.registerBridges()
	a.registerSpaceCalls()
	a.registerLiveCalls()
	a.registerInvitations()
	a.registerRegistrations()
	a.registerRoutes()
	a.registerLimits()
	a.registerTrunks()
	a.registerCalls()
	a.registerEvents()
	a.registerWebhooks()
	a.registerSettings()
	a.registerUsers()
	a.registerTokens()
	a.registerSiteSettings()
	a.registerTrunkSettings()
	a.registerNumbers()
	a.registerMonitored()
	a.registerHoldMusic()
	a.registerMailboxes()
	a.registerHoteling()
	a.registerPhones()
	a.registerGatewayNumber()
	a.registerConfiguration()
	a.registerAccounts()
	a.registerReload()
	a.registerAudit()
	a.registerHealth()
	a.registerBlocked()
	a.registerStatus()
	a.describe()
	a.document = sync.OnceValues(a.render)
	return a, nil
}

// Handler serves the API to callers that who knows.
func (a *API) Handler(who Identifier) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		next, pattern := a.mux.Handler(r)
		if pattern == "" { // unknown path or method: let the mux tell which, in our words
			refused := refusal{header: h}
			next.ServeHTTP(&refused, r)
			h.Del("X-Content-Type-Options")
			Problem(w, refused.status, "no operation has this method and path; /openapi.yaml lists them all")
			return
		}
		id, err := who.Identify(r)
		again := func() (Identity, error) { return who.Identify(r) }
		a.once(w, r.WithContext(withCaller(r.Context(), caller{id: id, err: err, from: account.Source(r), again: again})), pattern)
	})
}

// refusal keeps the status and the Allow header of the mux's own refusal and drops its body.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }
func (r *refusal) WriteHeader(status int)      { r.status = status }

// authorize holds every operation to the scope it declares.
func (a *API) authorize(ctx huma.Context, next func(huma.Context)) {
	need := scopeOf(ctx.Operation())
	c := callerOf(ctx.Context())
	switch {
	case errors.Is(c.err, ErrUnavailable):
		ctx.SetHeader("Retry-After", "5")
		a.refuse(ctx, http.StatusServiceUnavailable, ErrUnavailable.Error())
	case c.err != nil:
		challenge := `Bearer realm="passerelle"`
		if !errors.Is(c.err, ErrNoToken) {
			challenge += `, error="invalid_token"`
		}
		ctx.SetHeader("WWW-Authenticate", challenge)
		a.refuse(ctx, http.StatusUnauthorized, c.err.Error())
	case !c.id.May(need):
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="passerelle", error="insufficient_scope", scope="`+string(need)+`"`)
		a.refuse(ctx, http.StatusForbidden, "the token's scope is "+names(c.id.Scopes)+", this needs "+string(need))
	case c.id.Site != "" && !isBySite(ctx.Operation()):
		a.refuse(ctx, http.StatusForbidden, "the token is for one site, this is for the whole enterprise")
	default:
		next(ctx)
	}
}

func (a *API) refuse(ctx huma.Context, status int, detail string, errs ...error) {
	if err := huma.WriteErr(a.huma, ctx, status, detail, errs...); err != nil {
		a.log.DebugContext(ctx.Context(), "refusal not sent", "err", err)
	}
}

// audit notes a change and who made it.
func (a *API) audit(ctx context.Context, msg string, args ...any) {
	a.log.With("by", callerOf(ctx).id.Name).InfoContext(ctx, msg, args...) //nolint:sloglint // constant at every call
}
