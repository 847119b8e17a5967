package web_test

import (
	"crypto/tls"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"passerelle/sip"
)

// fetch is a phone that fetches its profile.
func (w *world) fetch(t *testing.T, path string, secure bool) (code int) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("User-Agent", "Cisco-CP-8851-3PCC/12.0.4")
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	rec := httptest.NewRecorder()
	w.phones.Handler().ServeHTTP(rec, r)
	return rec.Code
}

// TestPhonePage sets a phone up from its page, lets it fetch, and reads there what it did.
func TestPhonePage(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	b := w.as(t, "alice")
	const path = "/phones/00:a0:c9:11:22:01"
	if !strings.Contains(b.get("/phones").body, `href="`+path+`"`) {
		t.Error("the list does not lead to the phone")
	}
	b.get(path).want(t, 200, "Jamais chargée", "CP-8865-3PCC", "UDP 192.0.2.7:5060")
	made := b.post(path + "/setup")
	made.want(t, 200, "Attend le premier chargement", "Il fonctionne une seule fois", "doit charger sa configuration par HTTPS")
	link := html.UnescapeString(regexp.MustCompile(`http://[^<]*/p/[A-Z0-9]+/\$MA\.xml`).FindString(made.body))
	if link == "" {
		t.Fatal("no link on the page")
	}
	b.get(path).without(t, strings.Split(link, "/p/")[1]) // shown once
	_, file, _ := strings.Cut(strings.Replace(link, "$MA", "00a0c9112201", 1), "/p/")
	if code := w.fetch(t, "/p/"+file, false); code != http.StatusForbidden {
		t.Errorf("without TLS: %d", code)
	}
	b.get(path).want(t, 200, "Dernier refus", "Le téléphone a demandé sa configuration sans TLS")
	if code := w.fetch(t, "/p/"+file, true); code != http.StatusOK {
		t.Fatalf("by TLS: %d", code)
	}
	b.get(path).want(t, 200, "À jour", "Dernier chargement", "00a0c9112201.xml")
	b.get(path).without(t, "Dernier refus")

	b.post(path+"/resync").want(t, 200, "Le téléphone va recharger sa configuration")
	w.live.deaf = &sip.StatusError{Code: 408}
	b.post(path+"/resync").want(t, 200, "n’a pas répondu")
	b.post("/phones/00:a0:c9:11:22:03/resync").want(t, 200, "n’est pas enregistré")
	b.post(path+"/revoke").want(t, 200, "Les liens du téléphone sont révoqués", "Jamais chargée")
	for _, other := range []string{"x", "00:a0:c9:11:22:41", "00:a0:c9:11:22:99", "%2e%2e%2fusers"} {
		b.get("/phones/"+other).want(t, http.StatusNotFound)
	}
	help := w.as(t, "bruno")
	help.get(path).without(t, "Créer un lien")
	w.live.deaf = nil
	help.post(path+"/resync").want(t, 200, "Le téléphone va recharger sa configuration")
}
