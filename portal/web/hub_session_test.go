package web_test

import (
	"net/http"
	"strings"
	"testing"

	"passerelle/directory"
)

// TestOwnSession has the owner of a space mute, lock, remove and end in the hub, without any role; others' spaces are out of reach.
func TestOwnSession(t *testing.T) {
	w := newWorld(t)
	ref := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	b := w.as(t, "alice")
	b.get("/hub").want(t, 200, "Personne n’est dans votre espace")
	if got := b.get("/hub/space/session/end"); got.code != http.StatusNotFound {
		t.Error("nothing to end:", got.code)
	}
	busy(t, w)
	b.get("/hub").want(t, 200, "Bruno Keller", "parle", "en attente", "Verrouiller", "Terminer la session")
	part := b.get("/hub/space/session")
	part.want(t, 200, "Bruno Keller")
	part.without(t, "<html", "Annuler")
	b.post("/hub/space/session/lock", "on", "true").want(t, 200, "La session est verrouillée", "Déverrouiller")
	b.post("/hub/space/session/participants/2/mute", "on", "true").want(t, 200, "Le micro est coupé.", "micro coupé", "Rétablir le micro")
	b.post("/hub/space/session/participants/2/mute", "on", "false").want(t, 200, "Le micro est rétabli.")
	b.post("/hub/space/session/participants/2/remove").want(t, 200, "Le participant a été retiré de la session.")
	b.post("/hub/space/session/participants/2/remove").want(t, 200, "Le participant est parti entre-temps.")
	other := w.as(t, "bruno")
	other.get("/hub/space/session").without(t, "Alice", "+33 6")
	for _, path := range []string{"lock", "end", "participants/1/mute", "participants/1/remove"} {
		other.post("/hub/space/session/"+path, "on", "true").want(t, 200, "Le participant est parti entre-temps.")
	}
	b.get("/hub/space/session/end").want(t, 200, "Terminer la session de votre espace ?", "2 participants seront déconnectés.")
	b.post("/hub/space/session/end").want(t, 200, "La session est terminée.")
	if got := strings.Join(w.live.ended, ", "); got != strings.ReplaceAll("REF locked true, REF/2 muted true, REF/2 muted false, REF/2, REF", "REF", ref) {
		t.Error("changed", got)
	}
}
