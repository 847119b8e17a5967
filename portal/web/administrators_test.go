package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"passerelle/directory"
)

// TestTwoAdministratorsOnOneRecord has two browsers open on one user and on one number: whoever comes second is told, and
// overwrites nothing.
func TestTwoAdministratorsOnOneRecord(t *testing.T) {
	w := newWorld(t)
	promote(t, w)
	bruno := w.user(t, "bruno@acme.test")
	at := fmt.Sprint("/users/", bruno.Ref)
	first, second := w.chromium(t, "fr"), w.chromium(t, "fr")
	first.signIn("alice")
	second.signIn("camille")
	first.open(at)
	second.open(at)

	second.do(chromedp.SetValue(chromedp.CSS("#pack"), "premium"))
	second.press("form[input[@value='services']]//button", "Enregistrer")
	second.sees("Les modifications sont enregistrées.")
	first.do(chromedp.Click(chromedp.CSS("input[name=video]")))
	first.press("form[input[@value='services']]//button", "Enregistrer")
	first.sees("Quelqu’un d’autre a modifié cet utilisateur entre-temps. Rien n’a été modifié")
	if u := w.user(t, "bruno@acme.test"); u.Pack != directory.Premium || u.Video {
		t.Errorf("the second change went through: %s, video %v", u.Pack, u.Video)
	}
	// The page that says so shows what is there now; from it the change is made.
	first.until(`document.querySelector("#pack").value === "premium" && !document.querySelector("input[name=video]").checked`)
	first.do(chromedp.Click(chromedp.CSS("input[name=video]")))
	first.press("form[input[@value='services']]//button", "Enregistrer")
	first.sees("Les modifications sont enregistrées.")
	if u := w.user(t, "bruno@acme.test"); u.Pack != directory.Premium || !u.Video {
		t.Errorf("the change after the look: %s, video %v", u.Pack, u.Video)
	}

	first.open(gatewayAt)
	second.open(gatewayAt)
	second.do(chromedp.SetValue(chromedp.CSS("#number"), string(other)))
	second.press("button", "Remplacer")
	second.sees("est remplacé par le +33 1 70 00 10 01")
	first.press("button", "Annuler l’attribution")
	first.sees("Quelqu’un d’autre a modifié le numéro entre-temps.")
	if got := w.site(t, paris).Gateway.Number; got != other {
		t.Error("overwritten:", got)
	}
	// An undo that others have overtaken undoes nothing, either.
	first.do(chromedp.SetValue(chromedp.CSS("#number"), string(number)))
	first.press("button", "Remplacer")
	first.sees("est remplacé par le +33 1 70 00 10 00")
	second.press("button", "Annuler cette modification")
	second.sees("Quelqu’un d’autre a modifié le numéro entre-temps.")
	if got := w.site(t, paris).Gateway.Number; got != number {
		t.Error("undone:", got)
	}
}

// TestRolesAreNotOverwritten is the same for roles, which only administrators of the enterprise give.
func TestRolesAreNotOverwritten(t *testing.T) {
	w := newWorld(t)
	owner := w.owner(t)
	bruno := w.user(t, "bruno@acme.test")
	at := fmt.Sprint("/users/", bruno.Ref)
	page := owner.get(at)
	if !strings.Contains(page.body, `name="before" value="[help_desk]"`) {
		t.Fatal("the form does not say what it shows")
	}
	if err := w.SetUser(t.Context(), bruno.Ref, func(u *directory.User) { u.Roles = nil }); err != nil {
		t.Fatal(err)
	}
	owner.post(at, "what", "roles", "before", "[help_desk]", "help_desk", "1", "site_admin", "1").want(t, http.StatusOK, "Quelqu’un d’autre a modifié cet utilisateur")
	if got := w.user(t, "bruno@acme.test").Roles; len(got) != 0 {
		t.Error("given:", got)
	}
	owner.post(at, "what", "roles", "before", "[]", "site_admin", "1").want(t, http.StatusOK, "Les modifications sont enregistrées.")
	if !w.user(t, "bruno@acme.test").HasRole(directory.SiteAdmin) {
		t.Error("not given")
	}
}

// TestTheSiteAdministratorStaysAtHome follows every link that the administrator of Paris finds, in a browser against the built
// server: no page holds anything of Montreal, and what is asked for by its address is not found.
func TestTheSiteAdministratorStaysAtHome(t *testing.T) {
	p := startProgram(t)
	b := p.chromium("fr")
	b.signIn("alice")
	others := regexp.MustCompile(`(?i)dana|montr[ée]al|\+1.?514|visitor desk|90417725633|pD-5c2e9b|00:a0:c9:11:22:[45]1`)
	seen, todo := map[string]bool{}, []string{"/", "/hub"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		b.open(path)
		html, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
		if err != nil {
			t.Fatal(path, err)
		}
		if found := others.FindString(html); found != "" {
			t.Errorf("%s holds %q of another site", path, found)
		}
		links, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("a[href^='/']")].map(a => a.pathname)`))
		if err != nil {
			t.Fatal(path, err)
		}
		for _, l := range links {
			file := strings.Contains(l, ".") || l == "/readyz" // downloads and the like are no pages
			if !seen[l] && !file {
				seen[l] = true
				todo = append(todo, l)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d pages: %v", len(seen), seen)
	}
	var spaces struct {
		Items []struct{ Ref, Site string }
	}
	p.api(http.MethodGet, "spaces?limit=1000", "", &spaces)
	i := slices.IndexFunc(spaces.Items, func(s struct{ Ref, Site string }) bool { return s.Site == "montreal.acme.test" })
	if i < 0 {
		t.Fatalf("Montreal has no space: %+v", spaces)
	}
	space := spaces.Items[i].Ref
	for _, path := range []string{
		"/users/" + strings.TrimPrefix(space, "space-"), "/services/gateway/spaces/" + space, "/services/gateway/spaces/" + space + "/regenerate",
		"/phones/00:a0:c9:11:22:41", "/services/gateway?site=montreal.acme.test", "/users?site=montreal.acme.test", "/import",
	} {
		b.open(path)
		b.until(`["Page introuvable", "Accès refusé"].includes(document.querySelector("h1").innerText)`)
	}
}
