package web_test

import (
	"encoding/csv"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/gateway"
)

const (
	paris     = "paris.acme.test"
	number    = directory.Number("+33170001000")
	other     = directory.Number("+33170001001")
	aliceID   = "48213907752"
	brunoID   = "73500619280"
	danaID    = "90417725633"
	gatewayAt = "/services/gateway?site=" + paris
)

// TestTheSixStepsOfTheGatewayNumber are those of the document for administrators, in its words.
func TestTheSixStepsOfTheGatewayNumber(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice") // 1. the administrator's portal
	home := b.get("/")
	home.want(t, 200, "Portail de l’administrateur", "Services avancés")
	services := b.get(href(t, home.body, "Services avancés")) // 2
	services.want(t, 200, "Services de productivité", "Passerelle de collaboration")
	page := b.get(href(t, services.body, "Passerelle de collaboration"))                 // 3
	page.want(t, 200, "Numéro de téléphone bidirectionnel – Paris", "+33 1 70 00 10 00", // 4
		"Cette modification s’applique à tous les utilisateurs du site : 2 espaces, 3 utilisateurs.",
		"Numéros d’identification d’espace de l’utilisateur", aliceID, brunoID) // 6
	page = b.post("/services/gateway/unassign", "site", paris, "before", string(number)) // 5
	page.want(t, 200, "L’attribution du numéro +33 1 70 00 10 00 est annulée.", "Aucun numéro n’est attribué.",
		"Il est impossible de passer des appels depuis la fonction Mon espace", "Attribuer")
	if got := w.site(t, paris).Gateway.Number; got != "" {
		t.Fatal("still assigned:", got)
	}
	page = b.post("/services/gateway/assign", "site", paris, "before", "", "number", string(other))
	page.want(t, 200, "Le numéro +33 1 70 00 10 01 est attribué à la Passerelle de collaboration.", "Annuler l’attribution")
	if got := w.site(t, paris).Gateway.Number; got != other {
		t.Error("assigned:", got)
	}
	b.get(gatewayAt).without(t, "est attribué à la Passerelle") // the message comes once
}

// href is where the link of a text leads.
func href(t *testing.T, source, label string) string {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?s)<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>`).FindAllStringSubmatch(source, -1) {
		if strings.HasPrefix(text(m[2]), label) {
			return m[1]
		}
	}
	t.Fatalf("no link %q", label)
	return ""
}

func TestChangeInOneStepAndUndo(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	page := b.post("/services/gateway/assign", "site", paris, "before", string(number), "number", string(other))
	page.want(t, 200, "Le numéro +33 1 70 00 10 00 est remplacé par le +33 1 70 00 10 01.", "Annuler cette modification")
	if got := w.site(t, paris).Gateway.Number; got != other {
		t.Fatal("assigned:", got)
	}
	// The undo is the form of the message.
	form := regexp.MustCompile(`(?s)role="status">.*?<form method="post" action="([^"]*)">(.*?)</form>`).FindStringSubmatch(page.body)
	if form == nil {
		t.Fatal("the message has no form")
	}
	var fields []string
	for _, m := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form[2], -1) {
		fields = append(fields, m[1], strings.ReplaceAll(m[2], "&#43;", "+"))
	}
	b.post(form[1], fields...).want(t, 200, "+33 1 70 00 10 00")
	if got := w.site(t, paris).Gateway.Number; got != number {
		t.Error("after the undo:", got)
	}
}

func TestTwoAdministratorsDoNotOverwriteEachOther(t *testing.T) {
	w := newWorld(t)
	first, second := w.as(t, "alice"), w.as(t, "alice")
	first.post("/services/gateway/unassign", "site", paris, "before", string(number)).want(t, 200, "est annulée")
	second.post("/services/gateway/assign", "site", paris, "before", string(number), "number", string(other)).want(t, 200,
		"Quelqu’un d’autre a modifié le numéro entre-temps.")
	if got := w.site(t, paris).Gateway.Number; got != "" {
		t.Error("the second one overwrote the first:", got)
	}
}

func TestWhatIsNoFreeNumberIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	for _, n := range []string{"", "+33170001201", "+15145550100", "+33199999999", "<script>alert(1)</script>"} {
		page := b.post("/services/gateway/assign", "site", paris, "before", string(number), "number", n)
		if page.code != 200 || w.site(t, paris).Gateway.Number != number || !strings.Contains(page.body, `class="note bad"`) {
			t.Errorf("%q: %d, the number is %s", n, page.code, w.site(t, paris).Gateway.Number)
		}
		page.without(t, "<script>alert")
	}
}

func TestUnassignedSiteOffersItsNumbers(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "dana")
	b.lang = "en"
	page := b.get("/services/gateway")
	page.want(t, 200, "Collaboration gateway", "Two-way phone number – Montreal", "No number is assigned.", "Assign", "+1 514‑555‑0100", danaID)
	page.without(t, aliceID, "Paris")
}

// TestRolesOfTheGatewayPage holds every role to what it may: a site's administrator to the own site, the help desk to
// reading without space IDs, a user to the hub.
func TestRolesOfTheGatewayPage(t *testing.T) {
	w := newWorld(t)
	space := "/services/gateway/spaces/" + directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	before := w.site(t, paris).Gateway.Number
	change := []string{"site", paris, "before", string(number), "number", string(other)}
	for _, c := range []struct {
		who                                              string
		view, ids                                        bool
		page, csv, space, regenerate, assign, unassigned int
	}{
		{"dana", false, false, 404, 404, 404, 404, 404, 404},    // another site's administrator
		{"bruno", true, false, 200, 403, 403, 403, 403, 403},    // help desk of the site
		{"camille", false, false, 403, 403, 403, 403, 403, 403}, // user
	} {
		b := w.as(t, c.who)
		page := b.get(gatewayAt)
		if page.code != c.page {
			t.Errorf("%s reads the page: %d, want %d", c.who, page.code, c.page)
		}
		if shows := strings.Contains(page.body, "Alice Martin"); shows != c.view {
			t.Errorf("%s sees the users: %v", c.who, shows)
		}
		if shows := strings.Contains(page.body, aliceID); shows != c.ids {
			t.Errorf("%s sees space IDs: %v", c.who, shows)
		}
		for path, want := range map[string]int{
			"/services/gateway/spaces.csv?site=" + paris: c.csv, space: c.space, space + "/regenerate": c.space,
		} {
			if got := b.get(path); got.code != want || strings.Contains(got.body, aliceID) {
				t.Errorf("%s gets %s: %d, want %d", c.who, path, got.code, want)
			}
		}
		for path, want := range map[string]int{
			"/services/gateway/assign": c.assign, "/services/gateway/unassign": c.unassigned, space + "/regenerate": c.regenerate,
		} {
			if got := b.post(path, change...); got.code != want {
				t.Errorf("%s posts %s: %d, want %d", c.who, path, got.code, want)
			}
		}
		if w.site(t, paris).Gateway.Number != before || w.user(t, "alice@acme.test").SpaceID.Reveal() != aliceID {
			t.Fatal(c.who, "changed something")
		}
	}
}

func TestSearchSortAndIDs(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	for query, want := range map[string][3]bool{ // Alice, Bruno, Camille
		"":                      {true, true, true},
		"q=KELL":                {false, true, false},
		"q=roy":                 {false, false, true},
		"q=01+70+00+12+01":      {true, false, false},
		"q=%2B33170001202":      {false, true, false},
		"q=203":                 {false, false, true},
		"q=" + aliceID:          {true, false, false},
		"q=" + aliceID[:6]:      {false, false, false}, // a part of an ID finds nobody
		"q=camille%40acme.test": {false, false, true},
		"q=%3Cb%3E":             {false, false, false},
	} {
		page := b.get(gatewayAt + "&" + query)
		got := [3]bool{strings.Contains(page.body, "Alice Martin</th>") || strings.Contains(page.body, `row">Alice Martin`), strings.Contains(page.body, `row">Bruno Keller`), strings.Contains(page.body, `row">Camille Roy`)}
		if page.code != 200 || got != want {
			t.Errorf("%s: %d %v, want %v", query, page.code, got, want)
		}
	}
	page := b.get(gatewayAt + "&sort=-name")
	if strings.Index(page.body, `row">Camille`) > strings.Index(page.body, `row">Alice`) || !strings.Contains(page.body, `aria-sort="descending"`) {
		t.Error("sorted by name, the last one is not first")
	}
	page.want(t, 200, "pas d’espace : ni pack Premium ni Pack de collaboration", "Standard + Pack de collaboration")
}

func TestRegenerateAsksFirst(t *testing.T) {
	w := newWorld(t)
	alice := w.user(t, "alice@acme.test")
	at := "/services/gateway/spaces/" + directory.SpaceRef(alice.Ref)
	w.live.set(gateway.BridgeInfo{Space: directory.SpaceRef(alice.Ref), Site: paris, Participants: make([]gateway.ParticipantInfo, 2)})
	b := w.as(t, "alice")
	b.get(at+"/regenerate").want(t, 200, "Régénérer l’identifiant d’espace de Alice Martin ?", "l’ancien identifiant n’ouvre plus l’espace",
		"une session est en cours avec 2 participants ; elle continue.")
	if w.user(t, "alice@acme.test").SpaceID.Reveal() != aliceID {
		t.Fatal("reading the question changed the ID")
	}
	page := b.post(at + "/regenerate")
	now := w.user(t, "alice@acme.test").SpaceID.Reveal()
	if now == aliceID || len(now) != len(aliceID) {
		t.Fatal("the ID did not change")
	}
	page.want(t, 200, "L’espace de Alice Martin a un nouvel identifiant.", now)
	page.without(t, aliceID)
	if log := w.log.String(); strings.Contains(log, now) || strings.Contains(log, aliceID) || !strings.Contains(log, "space ID regenerated") {
		t.Error("the log tells the ID, or nothing")
	}
}

func TestInvitationsInBothLanguages(t *testing.T) {
	w := newWorld(t)
	page := w.as(t, "alice").get("/services/gateway/spaces/" + directory.SpaceRef(w.user(t, "bruno@acme.test").Ref))
	page.want(t, 200, "Espace de Bruno Keller", "Bruno Keller vous invite", "Bruno Keller invites you", "+33170001000,,"+brunoID+"#")
	if !strings.Contains(page.body, `href="tel:&#43;33170001000,,`+brunoID+`%23"`) && !strings.Contains(page.body, `href="tel:+33170001000,,`+brunoID+`%23"`) {
		t.Error("no one-tap link")
	}
}

func TestCSVOpensInASpreadsheet(t *testing.T) {
	w := newWorld(t)
	if err := w.SetUser(t.Context(), w.user(t, "camille@acme.test").Ref, func(u *directory.User) { u.Name = `=HYPERLINK("x";1)` }); err != nil {
		t.Fatal(err)
	}
	b := w.as(t, "alice")
	page := b.get("/services/gateway/spaces.csv?site=" + paris)
	page.want(t, 200)
	if kind := page.header.Get("Content-Type"); kind != "text/csv; charset=utf-8" || page.header.Get("Content-Disposition") == "" {
		t.Error(page.header)
	}
	read := csv.NewReader(strings.NewReader(strings.TrimPrefix(page.body, "\ufeff")))
	read.Comma = ';'
	rows, err := read.ReadAll()
	if err != nil || len(rows) != 4 {
		t.Fatal(len(rows), err)
	}
	if rows[0][6] != "Identifiant d’espace" || rows[1][0] != "Alice Martin" || rows[1][6] != aliceID || rows[3][6] != "" || rows[3][0] != `'=HYPERLINK("x";1)` {
		t.Errorf("%q", rows)
	}
	b.lang = "en"
	if page := b.get("/services/gateway/spaces.csv?site=" + paris); !strings.Contains(page.body, "Name,Number,Extension") {
		t.Errorf("in English: %.60q", page.body)
	}
}

func TestTheOwnerSeesEverySite(t *testing.T) {
	w := newWorld(t)
	path, err := w.acc.SetupPath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.get(path).want(t, http.StatusOK, "Première connexion")
	page := b.post(path, "name", "Zoé Blanc", "email", "zoe@acme.test", "password", "correct horse battery", "again", "correct horse batter")
	page.want(t, http.StatusUnprocessableEntity, "Les deux mots de passe sont différents.")
	page.without(t, "correct horse")
	b.post(path, "name", "Zoé Blanc", "email", "zoe@acme.test", "password", "correct horse battery", "again", "correct horse battery").want(t, 200,
		"Bonjour Zoé Blanc", "Paris", "Montreal", "Montreal : aucun numéro n’est attribué à la Passerelle de collaboration")
	b.get("/services/gateway?site=montreal.acme.test").want(t, 200, "Numéro de téléphone bidirectionnel – Montreal", "+1 514‑555‑0100")
	w.browser(t).get(path).want(t, http.StatusNotFound)
}
