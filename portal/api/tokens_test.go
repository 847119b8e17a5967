package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
)

var (
	_ = exercise("list-tokens", sample{path: "/tokens"})
	_ = exercise("create-token", sample{path: "/tokens", body: `{"name":"backup","scopes":["read"]}`, own: true})
	_ = exercise("revoke-token", sample{path: "/tokens/tok-paris"})
)

// fakeTokens keeps tokens in memory.
type fakeTokens []directory.APIToken

func (f *fakeTokens) Tokens() []directory.APIToken { return *f }

func (f *fakeTokens) Make(_ context.Context, t directory.APIToken) (directory.Secret, directory.APIToken, error) {
	if len(*f) > 4 {
		return "", t, ErrTooManyTokens
	}
	t.ID, t.Created = "tok-new", time.Now()
	*f = append(*f, t)
	return "psl_the-new-token", t, nil
}

func (f *fakeTokens) Revoke(_ context.Context, id string) error {
	for i, t := range *f {
		if t.ID == id {
			*f = append((*f)[:i:i], (*f)[i+1:]...)
			return nil
		}
	}
	return ErrNoSuchToken
}

// someTokens are one of an account of Paris, one of Lyon, one of the server.
func someTokens() *fakeTokens {
	return &fakeTokens{
		{ID: "tok-paris", Name: "of Paris", Account: "user-1", Scopes: []string{"read"}},
		{ID: "tok-lyon", Name: "of Lyon", Account: "user-4", Scopes: []string{"read"}, Used: time.Now()},
		{ID: "tok-server", Name: "of the server", Scopes: []string{"admin"}},
	}
}

func TestTokensByAPI(t *testing.T) {
	of := func(account, site string, scopes ...Scope) Identity {
		return Identity{Account: account, Site: site, Scopes: scopes}
	}
	for _, c := range []struct {
		name         string
		who          Identity
		method, path string
		body         string
		code         int
		text         string // in the answer
		not          string // not in it
	}{
		{"all see all", ofEnterprise, "GET", "/tokens", "", 200, "tok-server", ""},
		{"a site sees its own", of("user-4", "lyon.acme.test", ScopeAdmin), "GET", "/tokens", "", 200, "tok-lyon", "tok-server"},
		{"a site revokes its own", of("user-4", "lyon.acme.test", ScopeAdmin), "DELETE", "/tokens/tok-lyon", "", 204, "", ""},
		{"nobody else's", of("user-4", "lyon.acme.test", ScopeAdmin), "DELETE", "/tokens/tok-paris", "", 404, "", ""},
		{"nor the server's", of("user-4", "lyon.acme.test", ScopeAdmin), "DELETE", "/tokens/tok-server", "", 404, "", ""},
		{"one that is not there", ofEnterprise, "DELETE", "/tokens/tok-none", "", 404, "", ""},
		{"made", of("user-4", "lyon.acme.test", ScopeAdmin), "POST", "/tokens", `{"name":"x","scopes":["users:write"],"days":3}`, 201, `"account":"user-4","site":"lyon.acme.test"`, ""},
		{"the token is shown once", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":["admin"]}`, 201, `"token":"psl_the-new-token"`, ""},
		{"for one site", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":["read"],"site":"LYON.acme.test"}`, 201, `"site":"lyon.acme.test"`, ""},
		{"for a site that is not there", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":["read"],"site":"nowhere.test"}`, 422, "body.site", ""},
		{"for a site of others", of("user-4", "lyon.acme.test", ScopeAdmin), "POST", "/tokens", `{"name":"x","scopes":["read"],"site":"paris.acme.test"}`, 422, "body.site", ""},
		{"without the scope", of("user-4", "", ScopeUsers), "POST", "/tokens", `{"name":"x","scopes":["users:write"]}`, 403, "", ""},
		{"an odd scope", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":["root"]}`, 422, "body.scopes", ""},
		{"no scope", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":[]}`, 422, "body.scopes", ""},
		{"no name", ofEnterprise, "POST", "/tokens", `{"name":"","scopes":["read"]}`, 422, "body.name", ""},
		{"too long a life", ofEnterprise, "POST", "/tokens", `{"name":"x","scopes":["read"],"days":731}`, 422, "body.days", ""},
	} {
		w := contractWorld(t)
		rec := sample{path: c.path, body: c.body}.ask(t, w, c.method, c.who)
		body := rec.Body.String()
		if rec.Code != c.code || !strings.Contains(body, c.text) || c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s: %d %s", c.name, rec.Code, body)
		}
		if strings.Contains(w.log.String(), "psl_") {
			t.Errorf("%s: the token is in the log", c.name)
		}
		if rec.Code == http.StatusCreated {
			var made NewAPIToken
			if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || rec.Header().Get("Location") != "/api/v1/tokens/"+made.ID {
				t.Errorf("%s: %v, at %q", c.name, err, rec.Header().Get("Location"))
			}
		}
	}
	w := contractWorld(t)
	for range 3 {
		sample{path: "/tokens", body: `{"name":"x","scopes":["read"]}`}.ask(t, w, "POST", ofEnterprise)
	}
	if rec := (sample{path: "/tokens", body: `{"name":"x","scopes":["read"]}`}).ask(t, w, "POST", ofEnterprise); rec.Code != http.StatusConflict {
		t.Errorf("one too many: %d %s", rec.Code, rec.Body)
	}
}

// TestScopesAreHeldApart asks for each operation with every single scope: only those that include what it asks for open it.
func TestScopesAreHeldApart(t *testing.T) {
	w := contractWorld(t)
	for id, op := range operationsByID(w) {
		need := scopeOf(op.Operation)
		for _, s := range Scopes() {
			if s.Includes(need) {
				continue // TestEveryOperationIsExercised opens it
			}
			rec := samples[id].ask(t, w, op.method, Identity{Name: "x", Scopes: []Scope{s}})
			if rec.Code != http.StatusForbidden {
				t.Errorf("%s needs %s and takes %s: %d", id, need, s, rec.Code)
			}
		}
	}
}
