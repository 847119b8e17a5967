package web_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/portal/admin"
	"passerelle/portal/hub"
	"passerelle/portal/page"
	"passerelle/portal/token"
)

// recorder notes the routes that packages of pages add.
type recorder []string

func (r *recorder) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	*r = append(*r, pattern)
}

// TestEveryRouteIsHeldToItsPeople asks every route of the portal, as the packages add them, as a stranger, as a user, as the
// administrator of another site and as the help desk, and posts what would change something: nobody but who may gets in, and
// nothing is changed.
func TestEveryRouteIsHeldToItsPeople(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	host := w.workspace(t)
	alice := w.user(t, "alice@acme.test")
	if _, err := w.desk.SignIn(t.Context(), host.Ref, alice.Ref, hoteling.ByAPI); err != nil {
		t.Fatal(err)
	}
	view := page.NewRenderer(page.Config{Accounts: w.acc, Directory: w.config.live})
	var ofAdmin, ofHub recorder
	admin.New(admin.Config{View: view}).Routes(&ofAdmin)
	hub.New(hub.Config{View: view}).Routes(&ofHub)
	token.NewPages(w.tokens, view, nil).Routes(&ofAdmin)
	if len(ofAdmin) < 20 || len(ofHub) < 10 {
		t.Fatal("few routes:", len(ofAdmin), len(ofHub))
	}
	if err := w.SetUser(t.Context(), alice.Ref, func(u *directory.User) { u.CLIR = true }); err != nil { // for an entry of the journal
		t.Fatal(err)
	}
	entry := w.lastEntry(t).ID
	before := w.snapshot(t)
	stranger, user, away, desk := w.browser(t), w.as(t, "camille"), w.as(t, "dana"), w.as(t, "bruno")
	form := []string{
		"site", paris, "before", string(number), "number", string(other), "what", "pin", "pin", "9021", "again", "9021", "pack", "standard",
		"enabled", "1", "host", fmt.Sprint(host.Ref), "limited", "1", "hours", "3", "always", "0612345678", "dnd", "1",
	}
	ask := func(b *browser, method, path string) answer {
		if method == http.MethodPost {
			return b.post(path, form...)
		}
		return b.get(path + "?site=" + paris)
	}
	of := map[string]string{"ref": fmt.Sprint(alice.Ref), "space": directory.SpaceRef(alice.Ref), "id": "1", "mac": "00:a0:c9:11:22:01"}
	for _, pattern := range append(append(recorder{}, ofAdmin...), ofHub...) {
		method, path, _ := strings.Cut(pattern, " ")
		for name, value := range of {
			if strings.Contains(path, "spaces/{ref}") {
				value = directory.SpaceRef(alice.Ref)
			}
			if strings.Contains(path, "/audit/{id}") {
				path = strings.ReplaceAll(path, "{id}", fmt.Sprint(entry))
			}
			if strings.Contains(path, "hoteling/{ref}") {
				value = fmt.Sprint(host.Ref)
			}
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		path = strings.TrimSuffix(path, "{$}")
		if strings.Contains(path, "{") {
			t.Fatalf("%s: this test knows no value for it", pattern)
		}
		if got := ask(stranger, method, path); !strings.HasPrefix(got.path, "/sign-in") {
			t.Errorf("%s: a stranger is answered %d at %s", pattern, got.code, got.path)
		}
		if strings.HasPrefix(path, "/hub") {
			continue // everybody has their own
		}
		if path == "/" {
			continue // leads everybody home
		}
		if got := ask(user, method, path); got.code != http.StatusForbidden {
			t.Errorf("%s: a user is answered %d", pattern, got.code)
		}
		if strings.HasPrefix(path, "/account/tokens") {
			continue // everybody of the staff has their own: TestTokensOfAnAccount
		}
		if path == "/live/events" {
			continue // lasts; TestLivePageIsHeldToTheSite has what it sends
		}
		got := ask(away, method, path)
		names := strings.Contains(got.body, "Alice Martin") || strings.Contains(got.body, aliceID) || strings.Contains(got.body, "+33 1 70")
		lost := got.code == http.StatusNotFound || strings.HasPrefix(path, "/live") && got.code == 200 || path == "/services" ||
			(strings.HasPrefix(path, "/import") || strings.HasPrefix(path, "/health/")) && got.code == http.StatusForbidden || path == "/health"
		if names || !lost {
			t.Errorf("%s: another site's administrator is answered %d, with names %v", pattern, got.code, names)
		}
		release := strings.HasSuffix(path, "/release") || strings.HasSuffix(path, "/resync") // which the help desk may
		if method == http.MethodPost && !release {
			if got := ask(desk, method, path); got.code != http.StatusForbidden {
				t.Errorf("%s: the help desk is answered %d", pattern, got.code)
			}
		}
		if now := w.snapshot(t); !reflect.DeepEqual(now, before) {
			t.Fatalf("%s changed something", pattern)
		}
	}
}

// snapshot is all that could be changed, secrets too.
func (w *world) snapshot(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, s := range w.config.live.Current().Sites() {
		all = append(all, string(s.Gateway.Number))
		for u := range s.Everyone() {
			_, in := w.desk.Of(u.Ref)
			_, on := w.desk.On(u.Ref)
			if u.Phone != nil {
				if s, err := w.phones.State(u.Phone.MAC); err == nil {
					all = append(all, fmt.Sprint(s.Setup, s.Token.Reveal()))
				}
			}
			all = append(all, fmt.Sprint(u.Name, u.Pack, u.SpaceID.Reveal(), u.PIN.Reveal(), u.Roles, u.Guest, u.Forwards, u.DND, u.CallingPlan, u.PickupGroup, in, on))
		}
	}
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	return append(all, fmt.Sprint(w.live.ended))
}

// TestHostileForms are bodies and values that no form of ours sends.
func TestHostileForms(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	before := w.snapshot(t)
	big := strings.Repeat("x", 200_000)
	for _, path := range []string{"/services/gateway/assign", "/hub/settings/calling/call-settings/forwards", "/sign-in", "/language"} {
		if got := b.post(path, "site", paris, "number", big, "always", big, "language", big); got.code < 200 || got.code >= 500 {
			t.Errorf("%s: %d", path, got.code)
		}
	}
	for _, path := range []string{
		"/users?q=" + strings.Repeat("%f0%9f%98%80", 500), "/users?sort=%00&page=-1", "/users?site=../../etc", "/services/gateway?site=%3Cscript%3E", "/users/%2e%2e",
		"/live/..%2f..%2fetc/end", "/services/gateway/spaces/%00",
	} {
		got := b.get(path)
		if got.code >= 500 || regexp.MustCompile(`<script>|root:`).MatchString(got.body) {
			t.Errorf("%s: %d", path, got.code)
		}
	}
	if !reflect.DeepEqual(w.snapshot(t), before) {
		t.Error("something was changed")
	}
}

// TestNamesFromOutsideAreText shows names that look like tags on every page that shows names.
func TestNamesFromOutsideAreText(t *testing.T) {
	w := newWorld(t)
	const evil = `"><img src=x onerror=alert(1)>`
	if err := w.SetUser(t.Context(), w.user(t, "bruno@acme.test").Ref, func(u *directory.User) { u.Name = evil }); err != nil {
		t.Fatal(err)
	}
	busy(t, w)
	for i := range w.live.binding {
		w.live.binding[i].UserAgent = evil
	}
	w.live.bridges[0].Participants[0].Name, w.live.bridges[0].Owner = evil, evil
	b := w.as(t, "alice")
	seen := 0
	for _, p := range shown(t, w) {
		page := b.get(p.path)
		page.without(t, "<img")
		seen += strings.Count(page.body, "&lt;img src=x")
	}
	if seen < 8 {
		t.Errorf("the name is on %d places: this test looks in the wrong ones", seen)
	}
}
