package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"passerelle/portal/api"
)

// callAPI sends a request to the API of a server and decodes the answer into v, if that is not nil.
func (s *adminServer) callAPI(t *testing.T, token, method, path, body string, v any, header ...string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && v != nil && res.StatusCode < 300 {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return res.StatusCode, res.Header
}

// TestTokenOfOneSiteMakesAUser has a program make a user with a token of its own, twice because the answer was lost, and
// change it while somebody else does, all on the server's own store.
func TestTokenOfOneSiteMakesAUser(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	var given api.NewAPIToken
	if code, _ := s.callAPI(t, testToken, "POST", "/tokens", `{"name":"staff","scopes":["users:write","read"],"site":"paris.acme.test"}`, &given); code != http.StatusCreated {
		t.Fatal(code)
	}
	const body, path = `{"name":"Elsa Noir","extension":"209","pack":"premium","pin":"9021"}`, "/users?site=paris.acme.test"
	var first, again api.User
	for i, v := range []*api.User{&first, &again} {
		code, header := s.callAPI(t, given.Token, "POST", path, body, v, "Idempotency-Key", "k1")
		if code != http.StatusCreated || header.Get("Location") != "/api/v1/users/"+v.ID || (header.Get("Idempotency-Replayed") != "") != (i == 1) {
			t.Errorf("%d: %d %v", i, code, header)
		}
	}
	var found api.Page[api.User]
	if s.callAPI(t, given.Token, "GET", "/users?search=elsa", "", &found); first.ID == "" || first.ID != again.ID || len(found.Items) != 1 || found.Items[0].SpaceRef == "" || !found.Items[0].HasPIN {
		t.Errorf("%+v, %+v, %+v", first, again, found.Items)
	}
	one := "/users/" + first.ID
	_, header := s.callAPI(t, given.Token, "GET", one, "", nil)
	for _, c := range []struct {
		body string
		code int
	}{{`{"dnd":true}`, 200}, {`{"clir":true}`, http.StatusPreconditionFailed}} {
		if code, _ := s.callAPI(t, given.Token, "PATCH", one, c.body, nil, "If-Match", header.Get("ETag")); code != c.code {
			t.Errorf("%s: %d", c.body, code)
		}
	}
	var now api.User
	if s.callAPI(t, given.Token, "GET", one, "", &now); !now.DND || now.CLIR {
		t.Errorf("%+v", now)
	}
	for path, want := range map[string]int{
		"/sites/montreal.acme.test": http.StatusNotFound, "/users?site=montreal.acme.test": 200, "/export": http.StatusForbidden, "/tokens": http.StatusForbidden,
	} {
		if code, _ := s.callAPI(t, given.Token, "GET", path, "", nil); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if code, _ := s.callAPI(t, testToken, "DELETE", "/tokens/"+given.ID, "", nil); code != http.StatusNoContent {
		t.Error(code)
	}
	if code, _ := s.callAPI(t, given.Token, "GET", "/users", "", nil); code != http.StatusUnauthorized {
		t.Errorf("a revoked token is answered %d", code)
	}
	s.stop()
	for _, secret := range []string{given.Token, "9021"} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}
