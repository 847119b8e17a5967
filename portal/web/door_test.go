package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignInLeadsWhereItWasMeant(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	page := b.get("/services/gateway?site=paris.acme.test")
	if page.path != "/sign-in?next="+url.QueryEscape("/services/gateway?site=paris.acme.test") {
		t.Fatal("a stranger is at", page.path)
	}
	page.want(t, 200, "Connexion", "Adresse e-mail", "Mot de passe")
	page = b.post("/sign-in", "email", "alice@acme.test", "password", "wrong", "next", "/services")
	page.want(t, http.StatusUnprocessableEntity, "L’adresse ou le mot de passe est incorrect.")
	unknown := b.post("/sign-in", "email", "nobody@acme.test", "password", "wrong", "next", "/services")
	if strings.ReplaceAll(unknown.body, "nobody@", "alice@") != page.body {
		t.Error("an unknown address is answered otherwise than a wrong password")
	}
	page = b.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo", "next", "/services")
	if page.path != "/services" {
		t.Error("signed in, at", page.path)
	}
	if page := b.post("/sign-out"); page.path != "/sign-in" {
		t.Error("signed out, at", page.path)
	}
	if page := b.get("/services"); !strings.HasPrefix(page.path, "/sign-in") {
		t.Error("after the sign-out, at", page.path)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	w := newWorld(t)
	for _, next := range []string{"https://evil.test/", "//evil.test/", `/\evil.test`, "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1", "\thttps://evil.test"} {
		b := w.browser(t)
		var last string
		b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			last = r.URL.String()
			return nil
		}
		page := b.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo", "next", next)
		if !strings.HasPrefix(last, w.url) || strings.Contains(page.body, "evil") {
			t.Errorf("%q leads to %s", next, last)
		}
	}
}

func TestUsersHaveTheHub(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "camille")
	home := b.get("/")
	if home.path != "/hub" {
		t.Error("at", home.path)
	}
	home.want(t, 200, "User Hub", "réservée aux utilisateurs du pack Premium ou du module Pack de collaboration")
	home.without(t, "/services", "Portail de l’administrateur")
	b.get("/services").want(t, http.StatusForbidden, "Accès refusé")
	b.get("/hub/space/regenerate").want(t, http.StatusNotFound)
	b.post("/hub/space/regenerate").want(t, http.StatusNotFound)
	own := w.as(t, "bruno").get("/hub")
	own.want(t, 200, "Votre identifiant d’espace", brunoID, "+33 1 70 00 10 00", "Bruno Keller vous invite")
	own.without(t, aliceID)
}

func TestOwnSpaceIDIsRegenerated(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "bruno")
	b.get("/hub/space/regenerate").want(t, 200, "Régénérer votre identifiant d’espace ?")
	page := b.post("/hub/space/regenerate")
	now := w.user(t, "bruno@acme.test").SpaceID.Reveal()
	if now == brunoID || now == "" {
		t.Fatal("unchanged")
	}
	page.want(t, 200, now, "Votre espace a un nouvel identifiant.")
}

// TestLanguages are the browser's, then what somebody chose, which goes with the account.
func TestLanguages(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{
		"fr-CA,fr;q=0.8": "Connexion", "en-GB,en;q=0.9,fr;q=0.8": "Sign in", "de,en;q=0.5": "Sign in", "": "Connexion", "ja": "Sign in", ";;;": "Connexion",
	} {
		b := w.browser(t)
		b.lang = accept
		page := b.get("/sign-in")
		page.want(t, 200, want)
		if lang := page.header.Get("Content-Language"); !strings.Contains(page.body, `<html lang="`+lang+`">`) {
			t.Errorf("%s: told as %q", accept, lang)
		}
	}
	b := w.browser(t)
	if page := b.post("/language", "language", "en", "back", "/sign-in?next=/hub"); page.path != "/sign-in?next=/hub" {
		t.Error("the choice leads to", page.path)
	}
	b.get("/sign-in").want(t, 200, "Sign in")
	b.post("/sign-in", "email", "bruno@acme.test", "password", "bruno-demo").want(t, 200, "Hello Bruno Keller")
	b.post("/language", "language", "fr", "back", "/").want(t, 200, "Bonjour Bruno Keller")
	elsewhere := w.browser(t)
	elsewhere.lang = "en"
	elsewhere.post("/sign-in", "email", "bruno@acme.test", "password", "bruno-demo").want(t, 200, "Bonjour Bruno Keller")
	b.post("/language", "language", "xx").want(t, http.StatusBadRequest)
}

// TestForgedRequests are what a page of another origin makes a browser send.
func TestForgedRequests(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	form := url.Values{"site": {paris}, "before": {string(number)}}
	for name, header := range map[string][2]string{
		"another site":     {"https://evil.test", "cross-site"},
		"a sister":         {"https://mail.acme.test", "same-site"},
		"an opaque origin": {"null", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/services/gateway/unassign", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", header[0])
		if header[1] != "" {
			r.Header.Set("Sec-Fetch-Site", header[1])
		}
		res, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden || w.site(t, paris).Gateway.Number != number {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	// The browser sends the origin of our own pages only if their policy lets it.
	if policy := b.get("/").header.Get("Referrer-Policy"); policy != "same-origin" {
		t.Errorf("Referrer-Policy: %q", policy)
	}
}

// TestNoScriptsButOurs holds every page to the content security policy.
func TestNoScriptsButOurs(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	b := w.as(t, "alice")
	for _, p := range shown(t, w) {
		page := b.get(p.path)
		page.want(t, 200)
		if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", p.path, csp)
		}
		page.without(t, "<script>", "style=", "onclick=", "javascript:", "<style", "hx-on", "ZgotmplZ")
		if !strings.Contains(page.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s may be kept by a cache", p.path)
		}
	}
}

func TestAssets(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	for name, kind := range map[string]string{"app.css": "text/css", "app.js": "text/javascript", "htmx.min.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		a := b.get("/assets/" + name)
		if a.code != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, a.code, a.header)
		}
	}
	for _, path := range []string{"/assets/", "/assets/none", "/assets/..%2fdoc.go", "/assets/%2e%2e/page.go"} {
		if a := b.get(path); a.code != http.StatusNotFound || strings.Contains(a.body, "package page") {
			t.Errorf("%s: %d", path, a.code)
		}
	}
}

func TestUnknownPages(t *testing.T) {
	w := newWorld(t)
	w.as(t, "alice").get("/nowhere").want(t, http.StatusNotFound, "Page introuvable")
	w.browser(t).get("/nowhere").want(t, http.StatusNotFound, "Page introuvable")
}
