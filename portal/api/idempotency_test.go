package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/gateway"
)

// fakeAnswers keeps answers in memory.
type fakeAnswers struct {
	mu    sync.Mutex
	kept  map[string][]byte
	until time.Time // of the last one
	full  bool
	fail  error
}

func (f *fakeAnswers) Begin(_ context.Context, key string, data []byte, until time.Time) ([]byte, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if raw := f.kept[key]; raw != nil || f.full || f.fail != nil {
		return raw, false, f.fail
	}
	f.kept[key], f.until = data, until
	return nil, true, nil
}

func (f *fakeAnswers) Keep(_ context.Context, key string, data []byte, until time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[key], f.until = data, until
	return nil
}

func (f *fakeAnswers) Forget(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, key)
	return nil
}

const callsPath = "/spaces/space-1/calls"

// call asks for a call with a key.
func (w *world) call(t *testing.T, who Identity, key, body string) *httptest.ResponseRecorder {
	t.Helper()
	return sample{path: callsPath, body: body}.ask(t, w, http.MethodPost, who, idempotencyKey, key)
}

func TestRequestsWithAKeyAreDoneOnce(t *testing.T) {
	w := contractWorld(t)
	const body = `{"to":"0612345678"}`
	first := w.call(t, ofEnterprise, "k1", body)
	again := w.call(t, ofEnterprise, "k1", body)
	if first.Code != http.StatusAccepted || again.Code != first.Code || again.Body.String() != first.Body.String() || len(w.outs.all) != 1 {
		t.Errorf("%d %s, then %d %s; %d calls", first.Code, first.Body, again.Code, again.Body, len(w.outs.all))
	}
	for _, h := range []string{"Location", "Content-Type", "Cache-Control"} {
		if again.Header().Get(h) != first.Header().Get(h) || first.Header().Get(h) == "" {
			t.Errorf("%s: %q, then %q", h, first.Header().Get(h), again.Header().Get(h))
		}
	}
	if again.Header().Get("Idempotency-Replayed") == "" || first.Header().Get("Idempotency-Replayed") != "" {
		t.Error("the answers do not tell which of them is a repetition")
	}
	if rest := time.Until(w.answers.until); rest < KeptAnswers-time.Minute || rest > KeptAnswers {
		t.Errorf("kept for %v", rest)
	}
	for _, c := range []struct {
		name string
		rec  *httptest.ResponseRecorder
		code int
		more int // calls
	}{
		{"another body", w.call(t, ofEnterprise, "k1", `{"to":"0612345679"}`), 422, 0},
		{"another path", sample{path: "/spaces/space-1/regenerate"}.ask(t, w, "POST", ofEnterprise, idempotencyKey, "k1"), 422, 0},
		{"somebody else's key", w.call(t, ofParis, "k1", body), 202, 1},
		{"another key", w.call(t, ofEnterprise, "k2", body), 202, 1},
		{"no key", sample{path: callsPath, body: body}.ask(t, w, "POST", ofEnterprise), 202, 1},
		{"an empty key", w.call(t, ofEnterprise, "", body), 422, 0},
		{"a long key", w.call(t, ofEnterprise, strings.Repeat("k", 256), body), 422, 0},
		{"an odd key", w.call(t, ofEnterprise, "k\u00e9", body), 422, 0},
		{"without the scope", w.call(t, Identity{Name: "ops", Scopes: []Scope{ScopeRead}}, "k1", body), 403, 0},
		{"from another site", w.call(t, ofLyon, "k3", body), 404, 0},
	} {
		if c.rec.Code != c.code {
			t.Errorf("%s: %d %s", c.name, c.rec.Code, c.rec.Body)
		}
		if c.code >= 400 {
			wantProblem(t, c.rec.Header(), c.rec.Body.Bytes(), c.code)
		}
	}
	if len(w.outs.all) != 4 {
		t.Errorf("%d calls", len(w.outs.all))
	}
}

// TestRefusedRequestsFreeTheirKey has a request refused, and the cause gone: the same key does it then.
func TestRefusedRequestsFreeTheirKey(t *testing.T) {
	for _, c := range []struct {
		fail  error
		code  int
		freed bool
	}{{gateway.ErrSpaceFull, 409, true}, {ErrUnavailable, 503, true}, {errBroken, 500, false}} {
		w := contractWorld(t)
		w.outs.fail = c.fail
		if rec := w.call(t, ofEnterprise, "k", `{}`); rec.Code != c.code {
			t.Errorf("%v: %d %s", c.fail, rec.Code, rec.Body)
		}
		w.outs.fail = nil
		rec := w.call(t, ofEnterprise, "k", `{}`)
		if freed := rec.Code == http.StatusAccepted; freed != c.freed || freed != (len(w.outs.all) == 1) {
			t.Errorf("%v: then %d %s", c.fail, rec.Code, rec.Body)
		}
	}
}

// slowCalls begin when they are let.
type slowCalls struct {
	SpaceCalls
	begun, let chan struct{}
}

func (s slowCalls) Call(ctx context.Context, space, to string) (gateway.OutcallInfo, error) {
	s.begun <- struct{}{}
	<-s.let
	return s.SpaceCalls.Call(ctx, space, to)
}

// TestSameKeyAtOnce has one of many requests with the same key done; the others are told to wait.
func TestSameKeyAtOnce(t *testing.T) {
	w := contractWorld(t)
	slow := slowCalls{w.outs, make(chan struct{}, 9), make(chan struct{})}
	w.api.cfg.SpaceCalls = slow
	var all sync.WaitGroup
	answers := make(chan *httptest.ResponseRecorder, 9)
	ask := func() { answers <- w.call(t, ofEnterprise, "k", `{}`) }
	all.Go(ask)
	<-slow.begun
	for range 8 {
		all.Go(ask)
	}
	for range 8 {
		if rec := <-answers; rec.Code != http.StatusConflict || rec.Header().Get("Retry-After") == "" {
			t.Errorf("meanwhile: %d %s", rec.Code, rec.Body)
		}
	}
	close(slow.let)
	all.Wait()
	if rec := <-answers; rec.Code != http.StatusAccepted {
		t.Errorf("the first: %d %s", rec.Code, rec.Body)
	}
	if rec := w.call(t, ofEnterprise, "k", `{}`); rec.Code != http.StatusAccepted || len(w.outs.all) != 1 {
		t.Errorf("afterwards: %d %s, %d calls", rec.Code, rec.Body, len(w.outs.all))
	}
}

// TestKeyOfAServerThatStopped finds a request that was under way when the server stopped: nobody knows what became of it.
func TestKeyOfAServerThatStopped(t *testing.T) {
	w := contractWorld(t)
	slow := slowCalls{w.outs, make(chan struct{}, 1), make(chan struct{})}
	w.api.cfg.SpaceCalls = slow
	var first sync.WaitGroup
	first.Go(func() { w.call(t, ofEnterprise, "k", `{}`) })
	<-slow.begun
	after := contractWorld(t)
	after.answers.kept = w.answers.kept
	rec := after.call(t, ofEnterprise, "k", `{}`)
	if rec.Code != http.StatusConflict || rec.Header().Get("Retry-After") != "" || !strings.Contains(rec.Body.String(), "stopped") || len(after.outs.all) != 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	close(slow.let)
	first.Wait()
}

func TestTroubleWithKeys(t *testing.T) {
	w := contractWorld(t)
	w.answers.full = true
	if rec := w.call(t, ofEnterprise, "k", `{}`); rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "" || len(w.outs.all) != 0 {
		t.Errorf("full: %d %s", rec.Code, rec.Body)
	}
	w.answers.full, w.answers.fail = false, errBroken
	if rec := w.call(t, ofEnterprise, "k", `{}`); rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "fire") || len(w.outs.all) != 0 {
		t.Errorf("a store that fails: %d %s", rec.Code, rec.Body)
	}
	w.answers.fail = nil
	if rec := w.call(t, ofEnterprise, "k", strings.Repeat(" ", 2<<20)); rec.Code != http.StatusRequestEntityTooLarge || len(w.answers.kept) != 0 {
		t.Errorf("too large: %d %s", rec.Code, rec.Body)
	}
}

// TestImportWithAKeyTellsProgress streams as it does without a key, and is repeated whole.
func TestImportWithAKeyTellsProgress(t *testing.T) {
	w := contractWorld(t)
	w.conf.steps = 3
	ask := func() *httptest.ResponseRecorder {
		return sample{path: "/import", body: "enterprise: acme\n", kind: "application/yaml", accept: ndjson}.ask(t, w, "POST", ofEnterprise, idempotencyKey, "k")
	}
	first, again := ask(), ask()
	if !first.Flushed || strings.Count(first.Body.String(), "\n") < 2 || again.Body.String() != first.Body.String() || len(w.conf.got) != 1 {
		t.Errorf("%s, then %s; imported %d times", first.Body, again.Body, len(w.conf.got))
	}
}

// TestEveryPostTakesAKey repeats the sample of every operation that creates or acts: the second answer is the first.
func TestEveryPostTakesAKey(t *testing.T) {
	posts := 0
	shared := contractWorld(t)
	for id, op := range operationsByID(shared) {
		if op.method != http.MethodPost {
			continue
		}
		posts++
		w := samples[id].world(t, shared, op.method)
		first := samples[id].ask(t, w, op.method, ofEnterprise, idempotencyKey, "k")
		again := samples[id].ask(t, w, op.method, ofEnterprise, idempotencyKey, "k")
		if first.Code >= 300 || again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") == "" {
			t.Errorf("%s: %d %s, then %d %s", id, first.Code, first.Body, again.Code, again.Body)
		}
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == idempotencyKey && p.In == "header" }) {
			t.Errorf("%s does not say that it takes a key", id)
		}
	}
	if posts < 8 {
		t.Errorf("only %d operations", posts)
	}
}

// TestAnswersAreRepeated holds a kept answer to its form.
func TestAnswersAreRepeated(t *testing.T) {
	k := keptAnswer{Print: "p", Run: "r", Done: true, Status: 201, Body: []byte("x"), Header: map[string][]string{"Etag": {"1"}}}
	rec := httptest.NewRecorder()
	(&API{}).again(rec, keptAnswer{Print: "p"}, encoded(k))
	if rec.Code != 201 || rec.Body.String() != "x" || rec.Header().Get("ETag") != "1" {
		t.Errorf("%d %s %v", rec.Code, rec.Body, rec.Header())
	}
	k.Long = true
	rec = httptest.NewRecorder()
	(&API{}).again(rec, keptAnswer{Print: "p"}, encoded(k))
	if rec.Code != http.StatusConflict {
		t.Errorf("too long to be kept: %d %s", rec.Code, rec.Body)
	}
}
