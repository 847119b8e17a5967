package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// withToken asks the API with a token.
func (w *world) withToken(t *testing.T, token, method, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+"/api/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

var (
	newToken = regexp.MustCompile(`id="new-token">(psl_[a-z0-9]+)<`)
	tokenID  = regexp.MustCompile(`/account/tokens/(tok-[a-z0-9]+)/revoke`)
)

// TestTokensOfAnAccount makes tokens on the page, uses them, and revokes one.
func TestTokensOfAnAccount(t *testing.T) {
	w := newWorld(t)
	alice := w.as(t, "alice")
	alice.get("/account").want(t, 200, "Gérer les jetons d’API")
	alice.get("/account/tokens").want(t, 200, "Vous n’avez aucun jeton.", "Tout admin")
	alice.post("/account/tokens", "name", " ", "read", "1").want(t, http.StatusUnprocessableEntity, "Donnez au jeton un nom")
	alice.post("/account/tokens", "name", "Sauvegarde").want(t, http.StatusUnprocessableEntity, "Choisissez ce que permet le jeton.")
	page := alice.post("/account/tokens", "name", "<b>Supervision</b>", "read", "1", "days", "30")
	page.want(t, 200, "il ne sera plus affiché", "<b>Supervision</b>", "Consulter l’état")
	secret := newToken.FindStringSubmatch(page.body)
	if secret == nil {
		t.Fatal("no token is shown")
	}
	if again := alice.get("/account/tokens"); strings.Contains(again.body, secret[1]) || strings.Contains(w.log.String(), secret[1]) {
		t.Error("the token is shown twice, or in the log")
	}
	for path, want := range map[string]int{"/sites": 200, "/spaces": 200, "/tokens": http.StatusForbidden, "/export": http.StatusForbidden} {
		if got := w.withToken(t, secret[1], http.MethodGet, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	id := tokenID.FindStringSubmatch(alice.get("/account/tokens").body)
	if id == nil {
		t.Fatal("the token is not in the list")
	}
	dana := w.as(t, "dana")
	dana.post("/account/tokens/"+id[1]+"/revoke").want(t, http.StatusNotFound)
	if got := w.withToken(t, secret[1], http.MethodGet, "/sites"); got != 200 {
		t.Error("somebody else revoked it:", got)
	}
	alice.post("/account/tokens/"+id[1]+"/revoke").want(t, 200, "Le jeton est révoqué.", "Vous n’avez aucun jeton.")
	if got := w.withToken(t, secret[1], http.MethodGet, "/sites"); got != http.StatusUnauthorized {
		t.Errorf("a revoked token is answered %d", got)
	}
}

// TestTokensOfTheHelpDesk lets no more than the help desk does in the portal, whatever the form says.
func TestTokensOfTheHelpDesk(t *testing.T) {
	w := newWorld(t)
	bruno := w.as(t, "bruno")
	bruno.get("/account/tokens").without(t, `name="admin"`, `name="users:write"`)
	bruno.post("/account/tokens", "name", "x", "admin", "1", "users:write", "1").want(t, http.StatusUnprocessableEntity, "Choisissez")
	page := bruno.post("/account/tokens", "name", "x", "admin", "1", "read", "1", "hoteling:release", "1")
	secret := newToken.FindStringSubmatch(page.body)
	if secret == nil {
		t.Fatal("no token is shown")
	}
	for path, want := range map[string]int{"/sites": 200, "/tokens": http.StatusForbidden, "/sites/montreal.acme.test/gateway-number": http.StatusNotFound} {
		if got := w.withToken(t, secret[1], http.MethodGet, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	w.as(t, "camille").get("/account/tokens").want(t, http.StatusForbidden)
	w.as(t, "camille").post("/account/tokens", "name", "x", "read", "1").want(t, http.StatusForbidden)
}
