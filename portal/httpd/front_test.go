package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/portal/api"
	"passerelle/sip"
)

// quiet is a server on which nothing happens.
type quiet struct{}

func (quiet) Bridges() []gateway.BridgeInfo                    { return nil }
func (quiet) Mute(context.Context, string, string, bool) error { return nil }
func (quiet) Lock(context.Context, string, bool) error         { return nil }
func (quiet) EndBridge(context.Context, string) error          { return nil }
func (quiet) Remove(context.Context, string, string) error     { return nil }
func (quiet) All() iter.Seq[sip.Binding]                       { return slices.Values([]sip.Binding(nil)) }
func (quiet) Count() int                                       { return 0 }
func (quiet) Legs() int                                        { return 0 }
func (quiet) InUse() int                                       { return 0 }
func (quiet) AssignGateway(context.Context, string, directory.Number, *directory.Number) error {
	return nil
}
func (quiet) Export(context.Context, sitefile.SecretMode) ([]byte, error) { panic("export is broken") }
func (quiet) Import(context.Context, []sitefile.Source, bool, func(int, int)) (api.Imported, error) {
	return api.Imported{}, nil
}

const token = "admin-token-of-the-tests"

func newFront(t *testing.T, cfg Config) (*Front, *bytes.Buffer) {
	t.Helper()
	dir, err := directory.New(&directory.Enterprise{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	q := quiet{}
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.API, err = api.New(api.Config{
		Version: "v1.2.3", Directory: directory.NewLive(dir), Bridges: q, Registrations: q, Legs: q, Ports: q, Gateways: q, Configuration: q, Log: cfg.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Version = "v1.2.3"
	return NewFront(cfg), &log
}

func tokens(t *testing.T) *api.Tokens {
	t.Helper()
	k, err := api.NewTokens(api.Token{Name: "ops", Scope: api.ScopeAdmin, Secret: token})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fetch(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestFront(t *testing.T) {
	reg := prometheus.NewRegistry()
	front, _ := newFront(t, Config{Metrics: reg, Gatherer: reg})
	h := front.Handler(tokens(t))
	for _, c := range []struct {
		method, path string
		code         int
		kind, part   string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "Le serveur fonctionne."},
		{"GET", "/", 200, "text/html; charset=utf-8", "The server is running."},
		{"GET", "/", 200, "text/html; charset=utf-8", `href="/openapi.yaml"`},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/style.css", 200, "text/css; charset=utf-8", "font"},
		{"GET", "/openapi.yaml", 200, "application/yaml", "openapi: 3.1.0"},
		{"GET", "/openapi.json", 200, "application/json", `"openapi":"3.1.0"`},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok"},
		{"GET", "/readyz", 200, "text/plain; charset=utf-8", "ready"},
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "passerelle_http_requests_total"},
		{"GET", "/api/v1/status", 401, "application/problem+json", "bearer"},
		{"GET", "/nothing", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/..%2f..%2fetc/passwd", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
	} {
		rec := fetch(t, h, c.method, c.path)
		if rec.Code != c.code || rec.Header().Get("Content-Type") != c.kind || !strings.Contains(rec.Body.String(), c.part) {
			t.Errorf("%s %s: %d %q %.200s", c.method, c.path, rec.Code, rec.Header().Get("Content-Type"), rec.Body)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "",
		} {
			if got := rec.Header().Get(name); !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, got)
			}
		}
	}
	if rec := fetch(t, h, "GET", "/api/v1/status", "Authorization", "Bearer "+token); rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("status with token: %d %s", rec.Code, rec.Body)
	}
	if rec := fetch(t, front.Handler(api.Owner{}), "GET", "/api/v1/status"); rec.Code != http.StatusOK {
		t.Errorf("status for the owner: %d %s", rec.Code, rec.Body)
	}
}

func TestReadiness(t *testing.T) {
	ready := &Readiness{}
	front, _ := newFront(t, Config{Readiness: ready})
	h := front.Handler(tokens(t))
	for _, c := range []struct {
		state State
		code  int
		word  string
		page  string
	}{
		{StateStarting, 503, "starting\n", "takes no calls"},
		{StateReady, 200, "ready\n", "is running."},
		{StateDraining, 503, "draining\n", "takes no calls"},
	} {
		ready.Set(c.state)
		rec := fetch(t, h, "GET", "/readyz")
		if rec.Code != c.code || rec.Body.String() != c.word || (rec.Header().Get("Retry-After") != "") != (c.code == 503) {
			t.Errorf("%v: %d %q", c.state, rec.Code, rec.Body)
		}
		if rec := fetch(t, h, "GET", "/healthz"); rec.Code != http.StatusOK {
			t.Errorf("%v: healthz %d", c.state, rec.Code)
		}
		if page := fetch(t, h, "GET", "/").Body.String(); !strings.Contains(page, c.page) {
			t.Errorf("%v: page %s", c.state, page)
		}
	}
}

func TestCrossOriginChangesAreRefused(t *testing.T) {
	front, _ := newFront(t, Config{})
	h := front.Handler(api.Owner{}) // even a caller without need of a token
	const path = "/api/v1/bridges/space-1"
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.test"}} {
		if rec := fetch(t, h, "DELETE", path, header...); rec.Code != http.StatusForbidden || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q: %d %s", header, rec.Code, rec.Body)
		}
	}
	if rec := fetch(t, h, "DELETE", path); rec.Code != http.StatusNotFound {
		t.Errorf("no browser: %d %s", rec.Code, rec.Body)
	}
}

func TestPanicEndsItsRequestOnly(t *testing.T) {
	front, log := newFront(t, Config{})
	h := front.Handler(api.Owner{})
	rec := fetch(t, h, "GET", "/api/v1/export")
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "broken") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := testutil.ToFloat64(front.metrics.panics); got != 1 {
		t.Errorf("%v panics counted", got)
	}
	if got := testutil.ToFloat64(front.metrics.requests.WithLabelValues("api", "get", "500")); got != 1 {
		t.Errorf("%v requests of code 500 counted", got)
	}
	if !strings.Contains(log.String(), "export is broken") {
		t.Error("the cause is not in the log")
	}
	if rec := fetch(t, h, "GET", "/healthz"); rec.Code != http.StatusOK {
		t.Errorf("afterwards: %d", rec.Code)
	}
}

// goneWriter is the connection of a caller who has left.
type goneWriter struct{ http.ResponseWriter }

func (goneWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestCallerWhoLeftIsNoPanic(t *testing.T) {
	front, log := newFront(t, Config{})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("panic %v, want the quiet abort", err)
		}
		if got := testutil.ToFloat64(front.metrics.panics); got != 0 || strings.Contains(log.String(), "ERROR") {
			t.Errorf("%v panics counted, log %s", got, log)
		}
	}()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/status", nil)
	front.Handler(api.Owner{}).ServeHTTP(goneWriter{httptest.NewRecorder()}, r)
}

func TestAccessLogHoldsNoQueryAndNoToken(t *testing.T) {
	front, log := newFront(t, Config{})
	h := front.Handler(tokens(t))
	fetch(t, h, "GET", "/api/v1/registrations?aor=hidden-question@paris.test", "Authorization", "Bearer "+token, "Cookie", "c=hidden-cookie")
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, log)
	}
	if line["level"] != "DEBUG" || line["path"] != "/api/v1/registrations" || line["code"] != 200.0 || line["method"] != "GET" {
		t.Errorf("log line %v", line)
	}
	for _, hidden := range []string{"hidden", token} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}

func TestMetricsAreSound(t *testing.T) {
	reg := prometheus.NewRegistry()
	front, _ := newFront(t, Config{Metrics: reg, Gatherer: reg})
	h := front.Handler(tokens(t))
	fetch(t, h, "GET", "/healthz")
	fetch(t, h, "BREW", "/api/v1/coffee")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	if got := testutil.ToFloat64(front.metrics.requests.WithLabelValues("api", "other", "404")) + testutil.ToFloat64(front.metrics.requests.WithLabelValues("api", "other", "405")); got != 1 {
		t.Errorf("an odd method is counted %v times as other", got)
	}
}
