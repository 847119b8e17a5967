package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/health"
	"passerelle/portal/sources"
	"passerelle/sip"
)

var (
	_ = exercise("list-problems", sample{path: "/health/problems", prepare: troubled})
	_ = exercise("list-blocked-sources", sample{path: "/blocked-sources", prepare: troubled})
	_ = exercise("unblock-source", sample{path: "/blocked-sources/" + floodID, prepare: troubled})
	_ = exercise("list-allowed-sources", sample{path: "/allowed-sources", prepare: troubled})
	_ = exercise("allow-source", sample{path: "/allowed-sources", body: `{"source":"203.0.113.0/24","note":"office"}`})
	_ = exercise("disallow-source", sample{path: "/allowed-sources?source=198.51.100.0/24", prepare: troubled})
)

// fakeSources blocks what a test says, of SIP and of sign-ins, and keeps its list in memory.
type fakeSources struct {
	mu      sync.Mutex
	sip     []sip.Blocked
	signIns []account.Blocked
	allowed []directory.AllowedSource
	inUse   []netip.Prefix
}

type fakeGuard struct{ *fakeSources }

func (f fakeGuard) Blocked() []sip.Blocked { f.mu.Lock(); defer f.mu.Unlock(); return f.sip }
func (f fakeGuard) Allow(p []netip.Prefix) { f.mu.Lock(); defer f.mu.Unlock(); f.inUse = p }
func (f fakeGuard) Forgive(p netip.Prefix) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	had := len(f.sip) > 0 && f.sip[0].Source == p
	if had {
		f.sip = nil
	}
	return had
}

type fakeSignIns struct{ *fakeSources }

func (f fakeSignIns) Blocked() []account.Blocked { f.mu.Lock(); defer f.mu.Unlock(); return f.signIns }
func (f fakeSignIns) Allow([]netip.Prefix)       {}
func (f fakeSignIns) Forgive(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signIns = nil
	return key != ""
}

func (f *fakeSources) AllowedSources(context.Context) ([]directory.AllowedSource, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.allowed, nil
}

func (f *fakeSources) AllowSource(_ context.Context, a directory.AllowedSource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed = append(f.allowed, a)
	return nil
}

func (f *fakeSources) DisallowSource(_ context.Context, p netip.Prefix) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, a := range f.allowed {
		if a.Range == p {
			f.allowed = append(f.allowed[:i:i], f.allowed[i+1:]...)
			return true, nil
		}
	}
	return false, nil
}

// floodID is the ID of the source that troubled blocks.
const floodID = "364f8943cb89763c"

// troubled is a world in which something is wrong: a trunk of Paris is down, and the phones' office is blocked.
func troubled(_ *testing.T, w *world) {
	w.kept.sip = []sip.Blocked{{Source: netip.MustParsePrefix("192.0.2.7/32"), Cause: sip.BlockFlooding, Since: time.Now(), Until: time.Now().Add(time.Minute), Refused: 90}}
	w.kept.allowed = []directory.AllowedSource{{Range: netip.MustParsePrefix("198.51.100.0/24"), Note: "Operator", By: "owner", At: time.Now()}}
	site := w.dir.Current().Sites()[0]
	w.down = []trunks.State{{Trunk: &directory.Trunk{Name: "carrier", Site: site}, Condition: trunks.Down, Since: time.Now()}}
}

// newTroubles gives the world what looks for trouble.
func (w *world) newTroubles() (*sources.Sources, *health.Checker) {
	w.kept = &fakeSources{}
	s := sources.New(sources.Config{Directory: w.dir, Registrations: w.regs, Guard: fakeGuard{w.kept}, SignIns: fakeSignIns{w.kept}, Store: w.kept})
	return s, health.New(health.Config{Directory: w.dir, Trunks: func() []trunks.State { return w.down }, Blocked: s.Blocked})
}

func TestProblemsByAPI(t *testing.T) {
	w := newWorld(t)
	troubled(t, w)
	type answer struct{ Items []HealthProblem }
	got := get[answer](t, w, "/api/v1/health/problems", readToken)
	if len(got.Items) != 2 || got.Items[0].Kind != "trunk_down" || got.Items[0].Severity != "bad" || got.Items[0].Text != "Paris: trunk carrier does not answer" || got.Items[0].Since == nil {
		t.Fatalf("%+v", got)
	}
	if p := got.Items[1]; p.Kind != "source_blocked" || p.Site != "paris.acme.test" || !strings.Contains(p.Text, "192.0.2.7") || p.Page != "/health#blocked" {
		t.Errorf("%+v", p)
	}
	w.down, w.kept.sip = nil, nil
	if got = get[answer](t, w, "/api/v1/health/problems", readToken); got.Items == nil || len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestBlockedSourcesByAPI(t *testing.T) {
	w := newWorld(t)
	troubled(t, w)
	w.kept.signIns = []account.Blocked{{Key: "both 203.0.113.9 x@acme.test", Source: "203.0.113.9", Email: "x@acme.test", Tries: 6}}
	got := get[Page[BlockedSource]](t, w, "/api/v1/blocked-sources", readToken)
	if len(got.Items) != 2 {
		t.Fatalf("%+v", got)
	}
	var flood, guess BlockedSource
	for _, b := range got.Items {
		if b.Kind == "sip" {
			flood = b
		} else {
			guess = b
		}
	}
	if flood.ID != floodID || flood.Source != "192.0.2.7/32" || flood.Cause != "flooding" || flood.Count != 90 || len(flood.Sites) != 1 || flood.Until == nil {
		t.Errorf("%+v", flood)
	}
	if guess.Source != "203.0.113.9/32" || guess.Account != "x@acme.test" || guess.Cause != "wrong_passwords" || len(guess.Sites) != 0 {
		t.Errorf("%+v", guess)
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodDelete, "/blocked-sources/none", "", http.StatusNotFound},
		{http.MethodDelete, "/blocked-sources/" + guess.ID, "", http.StatusNoContent},
		{http.MethodPost, "/allowed-sources", `{"source":"192.0.2.0/24"}`, http.StatusCreated},
		{http.MethodPost, "/allowed-sources", `{"source":"0.0.0.0/0"}`, http.StatusUnprocessableEntity},
		{http.MethodPost, "/allowed-sources", `{"source":"::ffff:1.2.3.4/120"}`, http.StatusUnprocessableEntity},
		{http.MethodPost, "/allowed-sources", `{"source":"paris"}`, http.StatusUnprocessableEntity},
		{http.MethodDelete, "/allowed-sources?source=192.0.2.0/25", "", http.StatusNotFound},
		{http.MethodDelete, "/allowed-sources?source=198.51.100.0/24", "", http.StatusNoContent},
	} {
		if rec := w.do(t, request{method: c.method, path: "/api/v1" + c.path, token: adminToken, body: c.body}); rec.Code != c.want {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, rec.Code, rec.Body)
		}
	}
	if left := get[Page[BlockedSource]](t, w, "/api/v1/blocked-sources", readToken); len(left.Items) != 0 {
		t.Errorf("still blocked: %+v", left)
	}
	if kept := get[Page[AllowedSource]](t, w, "/api/v1/allowed-sources", readToken); len(kept.Items) != 1 || kept.Items[0].Source != "192.0.2.0/24" || kept.Items[0].By != "ops" || len(w.kept.inUse) != 1 {
		t.Errorf("%+v, in use %v", kept, w.kept.inUse)
	}
}
