package web_test

import (
	"net/http"
	"net/netip"
	"regexp"
	"testing"

	"passerelle/call/trunks"
	"passerelle/directory"
)

// flood has a source send more than a stranger may.
func flood(w *world, from string) {
	src := netip.MustParseAddrPort(from)
	for range 600 {
		w.guard.Admit(src, []byte("OPTIONS sip:a SIP/2.0\r\n\r\n"))
	}
}

// TestHealthSaysWhatIsWrong shows what is wrong to those whom it concerns, on the page and at home.
func TestHealthSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	promote(t, w)
	alice, away, owner := w.as(t, "alice"), w.as(t, "dana"), w.as(t, "camille")
	alice.get("/health").want(t, http.StatusOK, "Rien ne demande votre attention", "Aucune source n’est bloquée")
	busy(t, w) // phones of Paris at 192.0.2.7 and 192.0.2.8, of Montreal at 192.0.2.9
	flood(w, "192.0.2.7:5060")
	flood(w, "203.0.113.50:5060")
	w.live.trunks = []trunks.State{{Trunk: &directory.Trunk{Name: "operateur", Site: w.site(t, paris)}, Condition: trunks.Down}}
	if err := w.AssignGateway(t.Context(), paris, "", nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/health", "/"} {
		alice.get(path).want(t, http.StatusOK, "aucun numéro n’est attribué", "la ligne opérateur operateur ne répond pas", "192.0.2.7 est bloqué")
		alice.get(path).without(t, "203.0.113.50")
		away.get(path).without(t, "operateur ne répond", "192.0.2.7", "203.0.113.50", "Paris")
		owner.get(path).want(t, http.StatusOK, "192.0.2.7 est bloqué", "203.0.113.50 est bloqué", "la ligne opérateur operateur ne répond pas")
	}
	alice.get("/health").without(t, "/health/allowed", "/lift")
}

// TestABlockedSourceIsAllowed presses the button: the source is heard again, for good, and the journal has it.
func TestABlockedSourceIsAllowed(t *testing.T) {
	w := newWorld(t)
	promote(t, w)
	owner := w.as(t, "camille")
	const phone = "198.51.100.4:5060"
	flood(w, phone)
	heard := func() bool {
		return w.guard.Admit(netip.MustParseAddrPort(phone), []byte("OPTIONS sip:a SIP/2.0\r\n\r\n"))
	}
	if heard() {
		t.Fatal("not blocked")
	}
	page := owner.get("/health")
	page.want(t, http.StatusOK, "198.51.100.4", "Envoie plus de messages qu’un inconnu n’en a le droit", "Autoriser", "Débloquer")
	lift := regexp.MustCompile(`/health/blocked/[0-9a-f]+/lift`).FindString(page.body)
	owner.post(lift).want(t, http.StatusOK, "198.51.100.4 n’est plus bloqué", "Aucune source n’est bloquée")
	if !heard() {
		t.Error("not let in")
	}
	owner.post(lift).want(t, http.StatusOK, "Ce blocage est déjà terminé")
	flood(w, phone)
	owner.post("/health/allowed", "source", "198.51.100.4/32", "note", "Atelier").want(t, http.StatusOK, "198.51.100.4/32 ne sera plus bloqué", "Atelier", "Camille Roy")
	flood(w, phone)
	if !heard() {
		t.Error("an allowed source is blocked")
	}
	if e := w.lastEntry(t); e.Deed != "source.allow" || e.Subject != "198.51.100.4/32" || e.By.Name != "Camille Roy" {
		t.Errorf("%+v", e)
	}
	if kept, err := w.store.AllowedSources(t.Context()); err != nil || len(kept) != 1 || kept[0].Note != "Atelier" {
		t.Errorf("%+v %v", kept, err)
	}
	w.guard.Allow(nil) // as after a restart
	if err := w.kept.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	flood(w, phone)
	if !heard() {
		t.Error("blocked after a restart")
	}
	owner.post("/health/allowed/remove", "source", "198.51.100.4/32").want(t, http.StatusOK, "n’est plus dans les sources autorisées")
	flood(w, phone)
	if heard() {
		t.Error("still allowed")
	}
	owner.post("/health/allowed/remove", "source", "198.51.100.4/32").want(t, http.StatusOK, "n’est plus dans la liste")
	for _, bad := range []string{"0.0.0.0/0", "::/0", "paris", "1.2.3.4/33", ""} {
		owner.post("/health/allowed", "source", bad).want(t, http.StatusUnprocessableEntity, "Indiquez une adresse")
	}
}

// TestAGuesserOfPasswordsIsShown blocks a sign-in and lets it in again.
func TestAGuesserOfPasswordsIsShown(t *testing.T) {
	w := newWorld(t)
	promote(t, w)
	owner, alice := w.as(t, "camille"), w.as(t, "alice")
	guesser := w.browser(t)
	for range 6 {
		guesser.post("/sign-in", "email", "bruno@acme.test", "password", "wrong")
	}
	guesser.post("/sign-in", "email", "bruno@acme.test", "password", "bruno-demo").want(t, http.StatusTooManyRequests)
	alice.get("/health").want(t, http.StatusOK, "127.0.0.1", "bruno@acme.test", "Mots de passe faux pour un compte", "Connexion au portail")
	w.as(t, "dana").get("/health").without(t, "bruno@")
	lift := regexp.MustCompile(`/health/blocked/[0-9a-f]+/lift`).FindString(owner.get("/health").body)
	owner.post(lift).want(t, http.StatusOK, "127.0.0.1 n’est plus bloqué")
	if got := guesser.post("/sign-in", "email", "bruno@acme.test", "password", "bruno-demo"); got.code != http.StatusOK {
		t.Error("still refused:", got.code)
	}
}
