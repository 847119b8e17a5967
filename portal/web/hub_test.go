package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/hoteling"
)

const callSettings = "/hub/settings/calling/call-settings"

// workspace is the demo's host phone, which takes guests of the whole enterprise for at most twelve hours.
func (w *world) workspace(t *testing.T) *directory.User {
	t.Helper()
	return w.site(t, paris).Workspaces[0]
}

// TestTheSixStepsOfHoteling are those of the document for users, in its words.
func TestTheSixStepsOfHoteling(t *testing.T) {
	w := newWorld(t)
	host := w.workspace(t)
	b := w.as(t, "bruno") // 1
	home := b.get("/hub")
	home.want(t, 200, "User Hub", "Paramètres")
	settings := b.get(href(t, home.body, "Paramètres"))
	page := b.get(href(t, settings.body, "Appel"))
	page = b.get(href(t, page.body, "Paramètres d’appel")) // 2
	page.want(t, 200, "Paramètres Appel Paramètres d’appel", "Hébergement", "Mon emplacement de conciergerie", "Limiter la période d’association", "Enregistrer")
	found := b.get(callSettings + "/hosts?q=passage") // 4
	found.want(t, 200, "Bureau de passage 1", "Période d’association limitée à 12 h")
	if strings.Contains(found.body, "<html") {
		t.Error("the search answers a whole page")
	}
	page = b.post(callSettings+"/hoteling", "enabled", "1", "host", fmt.Sprint(host.Ref), "limited", "1", "hours", "8") // 3, 5, 6
	page.want(t, 200, "Vous êtes connecté au téléphone Bureau de passage 1.", "Se déconnecter en tant qu’invité", "Jusqu’au")
	u := w.user(t, "bruno@acme.test")
	a, in := w.desk.Of(u.Ref)
	if !in || a.Host != host.Ref || a.Source != hoteling.ByPortal || !u.Guest.Enabled || u.Guest.LimitHours != 8 || a.Left() > 8*time.Hour || a.Left() < 7*time.Hour {
		t.Fatalf("%+v %v %+v", a, in, u.Guest)
	}
	b.post(callSettings+"/sign-out").want(t, 200, "Vous êtes déconnecté du téléphone hôte.")
	if _, in := w.desk.Of(u.Ref); in {
		t.Error("still signed in")
	}
}

func TestHotelingRefusalsAreExact(t *testing.T) {
	w := newWorld(t)
	host := fmt.Sprint(w.workspace(t).Ref)
	b := w.as(t, "bruno")
	before := w.user(t, "bruno@acme.test").Guest
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"longer than the host's": {[]string{"enabled", "1", "host", host, "limited", "1", "hours", "13"}, "Votre limite de 13 h dépasse la période d’association de ce téléphone, 12 h. Contactez votre administrateur."},
		"without a limit":        {[]string{"enabled", "1", "host", host}, "Ce téléphone limite la période d’association à 12 h et vous n’avez pas de limite"},
		"longer than the site's": {[]string{"enabled", "1", "limited", "1", "hours", "25"}, "La période d’association dépasse la limite de votre site, 24 h."},
		"no number":              {[]string{"enabled", "1", "limited", "1", "hours", "x"}, "Indiquez un nombre d’heures entier, de 1 à 24."},
		"no hours":               {[]string{"enabled", "1", "limited", "1", "hours", "0"}, "Indiquez un nombre d’heures entier"},
		"no host":                {[]string{"enabled", "1", "host", "99999", "limited", "1", "hours", "4"}, "Cet organisateur hôte n’est plus libre."},
		"not a host":             {[]string{"enabled", "1", "host", fmt.Sprint(w.user(t, "alice@acme.test").Ref), "limited", "1", "hours", "4"}, "Cet organisateur hôte n’est plus libre."},
		"another site's only":    {[]string{"enabled", "1", "host", fmt.Sprint(w.site(t, "montreal.acme.test").Workspaces[0].Ref), "limited", "1", "hours", "4"}, "Cet organisateur hôte n’est plus libre."},
	} {
		page := b.post(callSettings+"/hoteling", c.fields...)
		if page.code != http.StatusUnprocessableEntity || !strings.Contains(text(page.body), c.want) {
			t.Errorf("%s: %d, %s", name, page.code, text(page.body))
		}
		u := w.user(t, "bruno@acme.test")
		if _, in := w.desk.Of(u.Ref); in || u.Guest != before {
			t.Errorf("%s: something was changed", name)
		}
	}
}

func TestHostsThatOthersHaveAreNotOffered(t *testing.T) {
	w := newWorld(t)
	host := w.workspace(t)
	alice := w.user(t, "alice@acme.test")
	if _, err := w.desk.SignIn(t.Context(), host.Ref, alice.Ref, hoteling.ByAPI); err != nil {
		t.Fatal(err)
	}
	b := w.as(t, "bruno")
	b.get(callSettings).without(t, "Bureau de passage 1")
	b.post(callSettings+"/hoteling", "enabled", "1", "host", fmt.Sprint(host.Ref), "limited", "1", "hours", "4").want(t,
		http.StatusUnprocessableEntity, "Cet organisateur hôte n’est plus libre.")
	w.as(t, "alice").get(callSettings).want(t, 200, "Vous êtes connecté au téléphone Bureau de passage 1.")
	// A workspace takes guests of its own site only, unless it says otherwise: Dana sees both.
	dana := w.as(t, "dana")
	dana.get(callSettings).want(t, 200, "Visitor desk")
	dana.post(callSettings+"/hoteling", "limited", "1", "hours", "4").want(t, 200, "L’hébergement est désactivé.")
	if w.user(t, "dana@acme.test").Guest.Enabled {
		t.Error("still enabled")
	}
}

func TestHotelingNeedsTheAdministrator(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "camille")
	page := b.get(callSettings)
	page.want(t, 200, "Votre administrateur doit avoir activé cette fonctionnalité")
	page.without(t, "Mon emplacement de conciergerie")
	b.get(callSettings+"/hosts").want(t, http.StatusForbidden)
	b.post(callSettings+"/hoteling", "enabled", "1").want(t, http.StatusForbidden)
	if w.user(t, "camille@acme.test").Guest.Enabled {
		t.Error("enabled without the administrator")
	}
}

func TestForwardings(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	b.post(callSettings+"/forwards", "always", "", "busy", "06 12 34 56 78", "no_answer", "voicemail", "seconds", "15", "not_reachable", "sip:alice@elsewhere.test").want(t, 200,
		"Les modifications sont enregistrées.")
	got := w.user(t, "alice@acme.test").Forwards
	if want := (directory.Forwards{Busy: "0612345678", NoAnswer: directory.NoAnswer{Target: "voicemail", Seconds: 15}, NotReachable: "sip:alice@elsewhere.test"}); got != want {
		t.Fatalf("%+v", got)
	}
	page := b.post(callSettings+"/forwards", "always", "my mobile", "busy", "0612345678", "seconds", "15")
	page.want(t, http.StatusUnprocessableEntity, "Ce n’est ni un numéro, ni une adresse SIP, ni votre messagerie.")
	if !strings.Contains(page.body, `value="my mobile"`) || w.user(t, "alice@acme.test").Forwards != got {
		t.Error("what was typed is lost, or half of it was kept")
	}
	b.post(callSettings+"/forwards", "no_answer", "0612345678", "seconds", "soon").want(t, http.StatusUnprocessableEntity, "Indiquez un nombre de secondes")
	b.post(callSettings+"/forwards").want(t, 200, "Les modifications sont enregistrées.")
	if w.user(t, "alice@acme.test").Forwards != (directory.Forwards{}) {
		t.Error("empty fields forward")
	}
}

func TestSwitches(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "camille")
	b.post(callSettings+"/calls", "dnd", "1", "clir", "1").want(t, 200, "Les modifications sont enregistrées.")
	if u := w.user(t, "camille@acme.test"); !u.DND || !u.CLIR || u.RejectAnonymous || u.WaitsCalls() {
		t.Error("the switches are not as they were set")
	}
	if n := strings.Count(b.get(callSettings).body, " checked"); n != 2 {
		t.Errorf("%d switches are shown as on", n)
	}
	if w.user(t, "alice@acme.test").DND {
		t.Error("somebody else's line was changed")
	}
}

func TestOwnPIN(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "camille")
	at := "/hub/settings/calling/pin"
	for _, c := range [][3]string{{"1234", "1234", "une suite de chiffres"}, {"4711", "4712", "Les deux codes sont différents."}, {"203203", "203203", "une partie du numéro"}, {"47", "47", "4 à 16 chiffres"}} {
		page := b.post(at, "pin", c[0], "again", c[1])
		page.want(t, http.StatusUnprocessableEntity, c[2])
		page.without(t, c[0]+`"`)
	}
	b.post(at, "pin", "4711", "again", "4711").want(t, 200, "Votre code PIN est modifié.")
	if w.user(t, "camille@acme.test").PIN.Reveal() != "4711" || strings.Contains(w.log.String(), "4711") {
		t.Error("the PIN is not set, or in the log")
	}
}

// TestHostsOfAdministrators shows who is where and sends them away, each role within its site.
func TestHostsOfAdministrators(t *testing.T) {
	w := newWorld(t)
	host := w.workspace(t)
	bruno := w.user(t, "bruno@acme.test")
	if _, err := w.desk.SignIn(t.Context(), host.Ref, bruno.Ref, hoteling.ByAPI); err == nil {
		t.Fatal("the host takes a guest without a limit")
	}
	if err := w.SetUser(t.Context(), bruno.Ref, func(u *directory.User) { u.Guest.LimitHours = 6 }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.SignIn(t.Context(), host.Ref, bruno.Ref, hoteling.ByAPI); err != nil {
		t.Fatal(err)
	}
	release := fmt.Sprintf("/services/hoteling/%d/release", host.Ref)
	w.as(t, "camille").post(release).want(t, http.StatusForbidden)
	away := w.as(t, "dana")
	away.post(release).want(t, http.StatusNotFound)
	away.get("/services/hoteling").without(t, "Bureau de passage 1", "Bruno Keller")
	if _, in := w.desk.On(host.Ref); !in {
		t.Fatal("released by those who may not")
	}
	b := w.as(t, "bruno") // the help desk
	b.get("/services/hoteling").want(t, 200, "Hébergement", "Bureau de passage 1", "Occupé", "Bruno Keller", "12 h au plus",
		"Dernières connexions refusées", "Ce téléphone limite la période d’association à 12 h")
	b.post(release).want(t, 200, "Le téléphone Bureau de passage 1 est libéré.", "Libre")
	b.post(release).want(t, 200, "Le téléphone Bureau de passage 1 était déjà libre.")
}

func TestOwnCalls(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	page := w.as(t, "alice").get("/hub/calls")
	page.want(t, 200, "Historique des appels", "Manqué +33 6 12 34 56 78 sans réponse", "Entrant +33 1 70 00 12 02 5 min", "Sortant Appel d’un espace 1 min")
	if n := strings.Count(page.body, `<th scope="row">`); n != 3 {
		t.Errorf("%d calls, one of which rang two phones; want 3", n)
	}
	page.without(t, "99 99 99", "…")
	w.as(t, "bruno").get("/hub/calls").want(t, 200, "Aucun appel.")
}
