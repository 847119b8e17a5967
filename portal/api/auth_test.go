package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/sitefile"
)

// operations lists every operation of the description with a path that can be asked for.
func operations(w *world) (list []request, need []Scope) {
	fill := strings.NewReplacer("{space}", refOf(w.dir.Current(), 0), "{id}", "p1", "{domain}", "paris.acme.test", "{mac}", "00a0c9112201", "{name}", "x.tar.gz")
	for path, item := range w.api.huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch,
		} {
			if op == nil {
				continue
			}
			list = append(list, request{method: method, path: fill.Replace(path), body: `{"number":null}`, header: map[string]string{"Content-Type": "application/json"}})
			need = append(need, scopeOf(op))
		}
	}
	return list, need
}

func TestEveryOperationAsksForAToken(t *testing.T) {
	w := newWorld(t)
	list, need := operations(w)
	if len(list) < 12 {
		t.Fatalf("only %d operations", len(list))
	}
	for i, rq := range list {
		for _, c := range []struct {
			token     string
			code      int
			challenge string
		}{
			{"", http.StatusUnauthorized, `Bearer realm="passerelle"`},
			{"not-a-token-of-ours-at-all", http.StatusUnauthorized, `error="invalid_token"`},
			{adminToken + "x", http.StatusUnauthorized, `error="invalid_token"`},
			{adminToken[:len(adminToken)-1], http.StatusUnauthorized, `error="invalid_token"`},
		} {
			rq.token = c.token
			rec := w.do(t, rq)
			if rec.Code != c.code || !strings.Contains(rec.Header().Get("WWW-Authenticate"), c.challenge) {
				t.Errorf("%s %s with token %q: %d, challenge %q", rq.method, rq.path, c.token, rec.Code, rec.Header().Get("WWW-Authenticate"))
			}
			wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
		}
		rq.token = readToken
		rec := w.do(t, rq)
		if refused := rec.Code == http.StatusForbidden; refused != (need[i] != ScopeRead) {
			t.Errorf("%s %s needs %s; a read token got %d", rq.method, rq.path, need[i], rec.Code)
		}
		if need[i] != ScopeRead && !strings.Contains(rec.Header().Get("WWW-Authenticate"), `scope="`+string(need[i])+`"`) {
			t.Errorf("%s %s: challenge %q names no scope", rq.method, rq.path, rec.Header().Get("WWW-Authenticate"))
		}
	}
	if len(w.brid.Bridges()) != 1 || len(w.brid.Bridges()[0].Participants) != 2 {
		t.Error("a refused request changed something")
	}
	for _, secret := range []string{readToken, adminToken} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

func TestTokenScheme(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		header string
		code   int
	}{
		{"Bearer " + readToken, http.StatusOK},
		{"bearer " + readToken, http.StatusOK},
		{"BEARER  " + readToken, http.StatusOK},
		{"Basic " + readToken, http.StatusUnauthorized},
		{readToken, http.StatusUnauthorized},
		{"Bearer", http.StatusUnauthorized},
		{"Bearer ", http.StatusUnauthorized},
	} {
		rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/status", header: map[string]string{"Authorization": c.header}})
		if rec.Code != c.code {
			t.Errorf("%q: %d, want %d", c.header, rec.Code, c.code)
		}
	}
}

func TestNewTokensRefuses(t *testing.T) {
	for name, tok := range map[string]Token{
		"short":      {Name: "a", Scope: ScopeRead, Secret: "fifteen-letters"},
		"nameless":   {Scope: ScopeRead, Secret: readToken},
		"no scope":   {Name: "a", Secret: readToken},
		"odd scope":  {Name: "a", Scope: "root", Secret: readToken},
		"empty":      {Name: "a", Scope: ScopeAdmin},
		"only blank": {Name: "a", Scope: ScopeAdmin, Secret: "                    "},
	} {
		_, err := NewTokens(tok)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if tok.Secret != "" && strings.Contains(err.Error(), tok.Secret) {
			t.Errorf("%s: the error repeats the token: %v", name, err)
		}
	}
	if _, err := NewTokens(Token{Name: "a", Scope: ScopeRead, Secret: "short"}); !errors.Is(err, ErrWeakToken) {
		t.Errorf("short token: %v", err)
	}
}

func TestOwnerNeedsNoToken(t *testing.T) {
	w := newWorld(t)
	rec := w.send(t, Owner{}, request{method: http.MethodGet, path: "/api/v1/export?secrets=clear"})
	if rec.Code != http.StatusOK || w.conf.secrets != sitefile.SecretsClear {
		t.Errorf("owner's export: %d %s, secrets %q", rec.Code, rec.Body, w.conf.secrets)
	}
}

// wantProblem checks the form of RFC 9457.
func wantProblem(t *testing.T, h http.Header, body []byte, code int) huma.ErrorModel {
	t.Helper()
	var p huma.ErrorModel
	if kind := h.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("problem has type %q", kind)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Errorf("problem %q: %v", body, err)
	}
	if p.Status != code || p.Title != http.StatusText(code) || p.Detail == "" {
		t.Errorf("problem %s is not of status %d", body, code)
	}
	return p
}
