package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
)

func TestListsAreHeldToTheSite(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	alice, dana, camille := w.as(t, "alice"), w.as(t, "dana"), w.as(t, "camille")
	for path, c := range map[string]struct{ own, others string }{
		"/users":         {"Bureau de passage 1", "Dana Lee"},
		"/phones":        {"CP-8865-3PCC", "CP-8861-3PCC"},
		"/registrations": {"+33170001201@paris.acme.test", "+15145550201"},
		"/trunks":        {"127.0.0.1:5090", "none of Montreal's"},
		"/numbers":       {"+33 1 70 00 12 01", "+1 514-555-0201"},
	} {
		page := alice.get(path)
		page.want(t, 200, c.own)
		page.without(t, c.others)
		if page := dana.get(path); page.code != 200 || strings.Contains(page.body, c.own) {
			t.Errorf("%s: another site's administrator sees %s", path, c.own)
		}
		dana.get(path+"?site="+paris).want(t, http.StatusNotFound)
		camille.get(path).want(t, http.StatusForbidden)
	}
}

func TestNumbersTellTheirUse(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	b.get("/numbers?q=170001000").want(t, 200, "+33 1 70 00 10 00", "bidirectionnel", "Passerelle de collaboration", "1 résultat")
	b.get("/numbers?q=bruno").want(t, 200, "+33 1 70 00 12 02", "Utilisateur", "Bruno Keller", "1 résultat")
	b.get("/numbers?q=espace+de+travail").want(t, 200, "+33 1 70 00 13 01", "Bureau de passage 1", "1 résultat")
	page := b.get("/numbers?sort=use")
	if free, user := strings.Index(page.body, ">Libre<"), strings.Index(page.body, ">Utilisateur<"); free < 0 || user < free {
		t.Errorf("sorted by use: free at %d, users at %d", free, user)
	}
}

// TestCallsOfALine changes what a line may call, of a person and of a workspace; whoever comes second changes nothing.
func TestCallsOfALine(t *testing.T) {
	w := newWorld(t)
	b, dana := w.as(t, "alice"), w.as(t, "dana")
	room := w.site(t, paris).Workspaces[0]
	for _, u := range []*directory.User{w.user(t, "bruno@acme.test"), room} {
		at := fmt.Sprint("/users/", u.Ref)
		mark := regexp.MustCompile(`value="plan"><input type="hidden" name="before" value="([^"]*)"`).FindStringSubmatch(b.get(at).body)
		if mark == nil {
			t.Fatalf("%s has no form of calls", u.Name)
		}
		b.post(at, "what", "plan", "before", mark[1], "internal", "1", "international", "1").want(t, 200, "Les modifications sont enregistrées.")
		plan := func() directory.CallingPlan {
			now, _ := w.config.live.Current().UserByRef(u.Ref)
			return now.CallingPlan
		}
		want := directory.CallingPlan{Internal: true, International: true}
		if plan() != want {
			t.Errorf("%s: %+v", u.Name, plan())
		}
		b.post(at, "what", "plan", "before", mark[1], "premium_rate", "1").want(t, 200, "entre-temps")
		dana.post(at, "what", "plan", "premium_rate", "1").want(t, http.StatusNotFound)
		if plan() != want {
			t.Errorf("%s, after those who must not: %+v", u.Name, plan())
		}
	}
	b.post(fmt.Sprint("/users/", room.Ref), "what", "pin", "pin", "735913").want(t, http.StatusForbidden)
}

func TestPhonesTellTheirState(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	b := w.as(t, "alice")
	b.get("/phones?q=8865").want(t, 200, "Enregistré", "UDP 192.0.2.7:5060", "Cisco-CP-8865-3PCC/12.0.4", "00:a0:c9:11:22:01", "1 résultat")
	b.get("/phones?q=00a0c9112202").want(t, 200, "Bruno Keller", "Injoignable")
	b.get("/phones?q=Camille").want(t, 200, "Non enregistré")
	b.get("/phones?q=passage").want(t, 200, "Organisateur hôte")
	page := b.get("/phones?sort=-state")
	if strings.Index(page.body, "Enregistré</span>") > strings.Index(page.body, "Non enregistré") {
		t.Error("sorted by state, those that are registered are not first")
	}
}

// TestTenThousandUsers holds the pages to what does not depend on the machine: rows and bytes of each, how often it reads the
// store, and how often it walks through what is live.
func TestTenThousandUsers(t *testing.T) {
	w := newWorldOf(t, large(10_000))
	registered(w)
	b := w.as(t, "admin")
	for path, rows := range map[string]int{
		"/users": 50, "/users?page=200": 50, "/users?page=9999": 50, "/users?q=Personne+01234": 1, "/users?q=18+00+01+23+4": 1,
		"/phones": 50, "/phones?sort=-model&page=3": 50, "/registrations": 50, "/registrations?q=phone9999": 1, "/services/gateway": 50, "/services/gateway?q=personne+09999": 1,
		"/services/hoteling": 50, "/": 1, "/live": 0, "/trunks": 0, "/numbers": 50, "/numbers?q=personne+01234": 1, "/hub": 0, "/hub/settings/calling/call-settings": 0,
	} {
		w.read.Store(0)
		w.live.asked.Store(0)
		page := b.get(path)
		if got := strings.Count(page.body, `<th scope="row">`); page.code != 200 || got != rows || len(page.body) > 100_000 {
			t.Errorf("%s: %d, %d rows in %d bytes, want %d", path, page.code, got, len(page.body), rows)
		}
		if read, asked := w.read.Load(), w.live.asked.Load(); read > 2 || asked > 3 {
			t.Errorf("%s reads the store %d times and asks for what is live %d times", path, read, asked)
		}
	}
	page := b.get("/users?q=Personne&sort=-name&page=2")
	page.want(t, 200, "9 999 résultats, page 2 sur 200", "Page précédente", "Page suivante")
	if !strings.Contains(page.body, "page=3&amp;q=Personne&amp;sort=-name") {
		t.Error("the next page forgets the search or the order")
	}
}

func TestUserPage(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	b := w.as(t, "alice")
	bruno := w.user(t, "bruno@acme.test")
	at := fmt.Sprint("/users/", bruno.Ref)
	page := b.get(at)
	page.want(t, 200, "Bruno Keller", "CP-8851-3PCC", "Packs et services", "Code PIN de messagerie vocale")
	page.without(t, brunoID, "135790", "pB-91aa37", `name="enterprise_admin"`) // no secret, and no roles to give

	b.post(at, "what", "services", "pack", "standard", "guest", "1").want(t, 200, "Les modifications sont enregistrées.")
	if u := w.user(t, "bruno@acme.test"); u.Entitled() || u.SpaceID != "" || !u.Guest.Allowed {
		t.Errorf("without a pack: %v, ID %v", u.Entitled(), u.SpaceID != "")
	}
	if _, open := w.config.live.Current().SpaceByID(w.site(t, paris), brunoID); open {
		t.Error("the space without a pack still opens")
	}
	b.post(at, "what", "services", "pack", "premium", "video", "1").want(t, 200, "Les modifications sont enregistrées.")
	if u := w.user(t, "bruno@acme.test"); !u.Entitled() || u.SpaceID == "" || u.SpaceID.Reveal() == brunoID || u.Guest.Allowed || !u.Video {
		t.Errorf("with a pack: %+v", u.Guest)
	}
	for pin, want := range map[string]string{"1234": "une suite de chiffres", "12": "4 à 16 chiffres", "1202": "une partie du numéro"} {
		page := b.post(at, "what", "pin", "pin", pin)
		page.want(t, http.StatusUnprocessableEntity, want)
		page.without(t, `value="`+pin)
	}
	b.post(at, "what", "pin", "pin", "4711").want(t, 200, "Les modifications sont enregistrées.")
	if w.user(t, "bruno@acme.test").PIN.Reveal() != "4711" || strings.Contains(w.log.String(), "4711") {
		t.Error("the PIN is not set, or in the log")
	}
	// A site's administrator gives no roles, not even by a form of their own making.
	b.post(at, "what", "roles", "enterprise_admin", "1").want(t, http.StatusForbidden)
	if u := w.user(t, "bruno@acme.test"); u.HasRole(directory.EnterpriseAdmin) {
		t.Error("a site's administrator made one of the enterprise")
	}
	for who, want := range map[string]int{"dana": 404, "camille": 403, "bruno": 403} {
		if got := w.as(t, who).post(at, "what", "pin", "pin", "9021"); got.code != want {
			t.Errorf("%s posts: %d, want %d", who, got.code, want)
		}
	}
	b.get("/users/99999").want(t, http.StatusNotFound)
	b.get("/users/x").want(t, http.StatusNotFound)
}

func TestTrunksTellWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	carrier := w.site(t, paris).Trunks[0]
	b := w.as(t, "alice")
	b.get("/trunks").want(t, 200, "carrier", "État inconnu", "par son adresse")
	b.get("/").without(t, "ne répond pas")
	w.live.trunks = []trunks.State{{Trunk: carrier, Condition: trunks.Down, Cause: trunks.Silent, Why: "no answer within 4s", Since: time.Now(),
		Registration: &trunks.RegistrationState{Cause: trunks.Denied, Why: "403 Forbidden"}}}
	b.get("/trunks").want(t, 200, "Ne répond pas", "Elle ne répond à aucune demande. no answer within 4s",
		"Nous n’y sommes pas enregistrés. Elle refuse l’identifiant ou le mot de passe. 403 Forbidden")
	b.get("/").want(t, 200, "Paris : la ligne opérateur carrier ne répond pas")
	w.as(t, "dana").get("/").without(t, "carrier")
	w.live.trunks[0].Condition, w.live.trunks[0].Why, w.live.trunks[0].Registration = trunks.Up, "", &trunks.RegistrationState{Registered: true}
	b.get("/trunks").want(t, 200, "Répond", "Nous y sommes enregistrés.")
}
