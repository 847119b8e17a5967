package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"passerelle/directory/sitefile"
	"passerelle/portal/oidc"
	"passerelle/portal/oidc/oidctest"
	"passerelle/portal/web"
)

// newOIDCWorld is the demo's portal with a provider beside it.
func newOIDCWorld(t *testing.T) (*world, *oidctest.Provider) {
	t.Helper()
	idp := oidctest.New(t)
	w := newWorldOf(t, sitefile.Demo(), func(w *world, c *web.Config) {
		p, err := oidc.New(oidc.Config{Issuer: idp.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
			Redirect: w.url + "/sign-in/oidc/callback", Name: "Acme ID"})
		if err != nil {
			t.Fatal(err)
		}
		c.Provider = p
	})
	return w, idp
}

func TestSignInByTheProvider(t *testing.T) {
	w, idp := newOIDCWorld(t)
	idp.Claims(map[string]any{"email": "Alice@acme.test"})
	b := w.browser(t)
	page := b.get("/sign-in?next=/services")
	page.want(t, 200, "Se connecter avec Acme ID")
	planted := b.sessionCookie(t)
	if page = b.get("/sign-in/oidc?next=/services"); page.path != "/services" || !strings.Contains(page.body, "Alice Martin") {
		t.Fatalf("at %s: %.300s", page.path, text(page.body))
	}
	if now := b.sessionCookie(t); now == "" || now == planted {
		t.Error("the session's token is", now)
	}
	for _, c := range b.client.Jar.Cookies(mustURL(t, w.url)) {
		if strings.Contains(c.Name, "oidc") {
			t.Error("left in the browser is", c.Name)
		}
	}
	if log := w.log.String(); strings.Contains(log, "code=") && strings.Contains(log, "state=") || strings.Contains(log, "lice@acme.test") || strings.Contains(log, "id_token") {
		t.Error("the log tells the code, the address or the token")
	}
	away := w.browser(t)
	if page := away.get("/sign-in/oidc?next=https://evil.test/"); page.path != "/" {
		t.Error("led to", page.path)
	}
}

// TestProviderDoesNotStandInForTheSecondFactor asks who has one for it.
func TestProviderDoesNotStandInForTheSecondFactor(t *testing.T) {
	w, _ := newOIDCWorld(t)
	key, _ := w.as(t, "alice").withApp(t)
	b := w.browser(t)
	if page := b.get("/sign-in/oidc?next=/services"); page.path != "/sign-in/code?next=%2Fservices" {
		t.Fatal("at", page.path)
	}
	if page := b.get("/services"); !strings.HasPrefix(page.path, "/sign-in") {
		t.Fatal("the provider alone opens", page.path)
	}
	if page := b.post("/sign-in/code", "code", appCode(t, key, 0), "next", "/services"); page.path != "/services" {
		t.Error("at", page.path)
	}
}

// TestStrangersOfTheProvider are those whom it knows and the directory does not, or whom it does not vouch for.
func TestStrangersOfTheProvider(t *testing.T) {
	w, idp := newOIDCWorld(t)
	for name, c := range map[string]struct {
		claims map[string]any
		says   string
	}{
		"nobody here":  {map[string]any{"email": "eve@acme.test"}, "Aucun utilisateur n’a l’adresse e-mail que Acme ID a donnée."},
		"not verified": {map[string]any{"email_verified": false}, "Acme ID n’a pas vérifié votre adresse e-mail."},
		"for another":  {map[string]any{"aud": "another"}, "La connexion avec Acme ID n’a pas abouti."},
	} {
		idp.Claims(c.claims)
		b := w.browser(t)
		page := b.get("/sign-in/oidc")
		page.want(t, http.StatusUnprocessableEntity, c.says)
		if page := b.get("/services"); !strings.HasPrefix(page.path, "/sign-in") {
			t.Errorf("%s: is let in at %s", name, page.path)
		}
	}
	idp.Claims(nil)
	idp.Down(true)
	w2, down := newOIDCWorld(t)
	down.Down(true)
	page := w2.browser(t).get("/sign-in/oidc")
	page.want(t, http.StatusServiceUnavailable, "Acme ID ne répond pas.", "Mot de passe")
}

// TestCallbacksThatNobodyWaitsFor are a page of an attacker that sends a browser to the callback, with a code of their own.
func TestCallbacksThatNobodyWaitsFor(t *testing.T) {
	w, _ := newOIDCWorld(t)
	attacker := w.browser(t)
	var callback string
	attacker.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/sign-in/oidc/callback") {
			callback = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	attacker.get("/sign-in/oidc")
	if callback == "" {
		t.Fatal("no callback")
	}
	victim := w.browser(t)
	victim.get(callback).want(t, http.StatusUnprocessableEntity, "n’a pas abouti")
	waiting := w.browser(t) // has a sign-in of its own at the provider
	waiting.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	waiting.get("/sign-in/oidc")
	waiting.get(callback).want(t, http.StatusUnprocessableEntity, "n’a pas abouti")
	for _, b := range []*browser{victim, waiting} {
		b.client.CheckRedirect = nil
		if page := b.get("/services"); !strings.HasPrefix(page.path, "/sign-in") {
			t.Error("signed in as the attacker, at", page.path)
		}
	}
	for _, query := range []string{"", "?code=x&state=y", "?error=<script>&state=x", "?state=" + strings.Repeat("x", 3000)} {
		if got := w.browser(t).get("/sign-in/oidc/callback" + query); got.code != http.StatusUnprocessableEntity || strings.Contains(got.body, "<script>&") {
			t.Errorf("%.40s: %d", query, got.code)
		}
	}
}

// TestNoProviderNoRoutes answers as for what does not exist.
func TestNoProviderNoRoutes(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.get("/sign-in").without(t, "/sign-in/oidc")
	for _, path := range []string{"/sign-in/oidc", "/sign-in/oidc/callback"} {
		b.get(path).want(t, http.StatusNotFound)
	}
}

// TestProviderInTheBrowser goes there and back in Chromium, under the policy that the pages carry.
func TestProviderInTheBrowser(t *testing.T) {
	w, _ := newOIDCWorld(t)
	for _, lang := range []string{"fr", "en"} {
		b := w.chromium(t, lang)
		b.open("/sign-in?next=/services")
		b.look("sign-in-provider-" + lang)
		b.do(chromedp.Click(chromedp.CSS("a.button")), chromedp.WaitVisible(chromedp.CSS("nav.side")))
		b.until(`location.pathname === "/services"`)
	}
}

// sessionCookie is the browser's token; empty when it has none.
func (b *browser) sessionCookie(t *testing.T) string {
	t.Helper()
	for _, c := range b.client.Jar.Cookies(mustURL(t, b.url)) {
		if c.Name == "passerelle_session" {
			return c.Value
		}
	}
	return ""
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
