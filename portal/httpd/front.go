package httpd

import (
	"io"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"passerelle/portal/api"
)

// Config is what a Front shows.
type Config struct {
	API       *api.API
	Readiness *Readiness            // nil is always ready
	Pages     http.Handler          // the portal; nil shows a page that says that the server runs
	Phones    http.Handler          // what phones fetch, under /p/; nil serves none
	Version   string                // of the program, for that page
	Gatherer  prometheus.Gatherer   // behind /metrics; nil leaves the path out
	Metrics   prometheus.Registerer // nil keeps them to itself
	Log       *slog.Logger          // nil discards
}

// Front composes all that the server shows over HTTP.
type Front struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
}

// NewFront registers the metrics of the HTTP server.
func NewFront(cfg Config) *Front {
	if cfg.Readiness == nil {
		cfg.Readiness = &Readiness{}
		cfg.Readiness.Set(StateReady)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Front{cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Metrics)}
}

// Handler returns the composition for a listener whose API callers who knows.
func (f *Front) Handler(who api.Identifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", f.observed("api", f.cfg.API.Handler(who)))
	mux.Handle("GET /api/v1/events", f.observed("events", f.cfg.API.Handler(who))) // lasts, and would spoil the times of answers
	mux.Handle("GET /openapi.yaml", f.observed("description", f.cfg.API.Description()))
	mux.Handle("GET /openapi.json", f.observed("description", f.cfg.API.Description()))
	if f.cfg.Gatherer != nil {
		mux.Handle("GET /metrics", f.observed("metrics", promhttp.HandlerFor(f.cfg.Gatherer, promhttp.HandlerOpts{})))
	}
	mux.Handle("GET /healthz", f.observed("health", http.HandlerFunc(f.healthz)))
	mux.Handle("GET /readyz", f.observed("health", http.HandlerFunc(f.readyz)))
	if f.cfg.Phones != nil {
		mux.Handle("/p/", f.observed(areaPhones, f.cfg.Phones))
	}
	if f.cfg.Pages != nil {
		mux.Handle("/", f.observed("page", promptly(f.cfg.Pages)))
		for _, stream := range []string{"/live/events", "/import/events"} { // they last, and would spoil the times of pages
			mux.Handle("GET "+stream, f.observed("events", f.cfg.Pages))
		}
	} else {
		mux.Handle("GET /{$}", f.observed("page", http.HandlerFunc(f.page)))
		mux.Handle("GET /style.css", f.observed("page", http.HandlerFunc(f.style)))
	}
	return http.MaxBytesHandler(hardened(announced(sameOrigin(mux))), maxBody)
}

// healthz says that the process answers.
func (f *Front) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n") // fails only when the caller has gone
}

// readyz says whether the server takes calls.
func (f *Front) readyz(w http.ResponseWriter, _ *http.Request) {
	state := f.cfg.Readiness.State()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if state != StateReady {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = io.WriteString(w, state.String()+"\n") // fails only when the caller has gone
}
