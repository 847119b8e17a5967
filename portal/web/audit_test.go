package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/admin"
	"passerelle/portal/auditor"
	"passerelle/portal/hub"
	"passerelle/portal/i18n"
	"passerelle/portal/page"
	"passerelle/portal/signin"
)

// Audit implements api.Audit.
func (c *config) Audit(ctx context.Context, q audit.Query) (audit.Page, error) {
	return c.store.Audit(ctx, q)
}

// Undo implements api.Audit, as the server does.
func (c *config) Undo(ctx context.Context, id uint64, may func(*audit.Entry) error) error {
	return audit.Undo(ctx, c.store, id, may, c.edit)
}

// lastEntry is the journal's latest.
func (w *world) lastEntry(t *testing.T) audit.Entry {
	t.Helper()
	p, err := w.Audit(t.Context(), audit.Query{Limit: 1})
	if err != nil || len(p.Entries) != 1 {
		t.Fatal(err, p)
	}
	return p.Entries[0]
}

// TestChangesStandInTheJournal changes things on pages and reads who changed what, before and after, and takes one back.
func TestChangesStandInTheJournal(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	b.post("/services/gateway/assign", "site", paris, "before", string(number), "number", string(other))
	e := w.lastEntry(t)
	alice := w.user(t, "alice@acme.test")
	if e.By.Name != "Alice Martin" || e.By.ID != directory.UserAccount(alice.Ref) || e.By.Via != audit.ViaPortal || e.By.From != "127.0.0.1" || e.Deed != "gateway.assign" {
		t.Fatalf("%+v", e)
	}
	if len(e.Changes) != 1 || e.Changes[0].Field != "gateway.number" || string(e.Changes[0].Before) != `"`+string(number)+`"` || string(e.Changes[0].After) != `"`+string(other)+`"` {
		t.Fatalf("%+v", e.Changes)
	}
	got := b.get("/audit")
	got.want(t, http.StatusOK, "Numéro de passerelle attribué", "Alice Martin", "par le portail", "127.0.0.1", "+33 1 70 00 10 00", "+33 1 70 00 10 01")
	b.post(fmt.Sprintf("/audit/%d/undo", e.ID)).want(t, http.StatusOK, "Les valeurs d’avant sont rétablies", "Modification annulée", fmt.Sprintf("avant l’entrée %d", e.ID))
	if now := w.site(t, paris).Gateway.Number; now != number {
		t.Error("not put back:", now)
	}
	b.post(fmt.Sprintf("/audit/%d/undo", e.ID)).want(t, http.StatusOK, "a déjà été annulée")
	if undone := w.lastEntry(t); undone.Undoes != e.ID {
		t.Errorf("%+v", undone)
	}
}

// TestUndoTouchesNobodyElsesChange wants an undoing refused once the value was changed again.
func TestUndoTouchesNobodyElsesChange(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	u := w.user(t, "camille@acme.test")
	at := fmt.Sprint("/users/", u.Ref)
	b.post(at, "what", "services", "pack", "premium", "video", "1")
	first := w.lastEntry(t)
	id := w.user(t, "camille@acme.test").SpaceID
	if id == "" {
		t.Fatal("the pack gives no space")
	}
	b.post(fmt.Sprintf("/audit/%d/undo", first.ID)).want(t, http.StatusOK, "Les valeurs d’avant sont rétablies")
	if now := w.user(t, "camille@acme.test"); now.Pack != directory.Standard || now.SpaceID != "" {
		t.Fatal("not put back:", now.Pack)
	}
	b.post(at, "what", "services", "pack", "premium", "video", "1")
	first = w.lastEntry(t)
	b.post(at, "what", "services", "pack", "standard", "video", "1")
	b.post(fmt.Sprintf("/audit/%d/undo", first.ID)).want(t, http.StatusOK, "la valeur a encore changé depuis")
	if now := w.user(t, "camille@acme.test"); now.Pack != directory.Standard || !now.Video {
		t.Error("changed:", now.Pack, now.Video)
	}
}

// TestJournalKeepsNoSecret sets a PIN and draws a space ID: both are in the journal as ***, and cannot be taken back.
func TestJournalKeepsNoSecret(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	alice := w.user(t, "alice@acme.test")
	b.post(fmt.Sprint("/users/", alice.Ref), "what", "pin", "pin", "902146")
	pin := w.lastEntry(t)
	b.post("/services/gateway/spaces/" + directory.SpaceRef(alice.Ref) + "/regenerate")
	space := w.lastEntry(t)
	for _, e := range []audit.Entry{pin, space} {
		if len(e.Changes) != 1 || string(e.Changes[0].After) != `"***"` || e.Undoable() {
			t.Errorf("%+v", e)
		}
	}
	page := b.get("/audit")
	page.want(t, http.StatusOK, "Code PIN", "ID d’espace", "***")
	page.without(t, "902146", aliceID, w.user(t, "alice@acme.test").SpaceID.Reveal())
	b.post(fmt.Sprintf("/audit/%d/undo", pin.ID)).want(t, http.StatusOK, "ne peut pas être annulée")
}

// TestJournalIsHeldToTheSite shows an administrator of a site what concerns the site, and lets nobody take back what their
// role could not change.
func TestJournalIsHeldToTheSite(t *testing.T) {
	w := newWorld(t)
	promote(t, w)
	owner, alice := w.as(t, "camille"), w.as(t, "alice")
	bruno, dana := w.user(t, "bruno@acme.test"), w.user(t, "dana@acme.test")
	owner.post(fmt.Sprint("/users/", dana.Ref), "what", "services", "pack", "premium", "video", "1")
	away := w.lastEntry(t)
	owner.post(fmt.Sprint("/users/", bruno.Ref), "what", "roles")
	roles := w.lastEntry(t)
	if len(roles.Changes) != 1 || roles.Changes[0].Field != "roles" {
		t.Fatalf("%+v", roles)
	}
	page := alice.get("/audit")
	page.want(t, http.StatusOK, "Rôles", "Bruno Keller")
	page.without(t, dana.Name, fmt.Sprintf("/audit/%d/undo", roles.ID))
	if got := alice.post(fmt.Sprintf("/audit/%d/undo", away.ID)); got.code != http.StatusNotFound {
		t.Error("another site's change is answered", got.code)
	}
	if got := alice.post(fmt.Sprintf("/audit/%d/undo", roles.ID)); got.code != http.StatusForbidden {
		t.Error("roles are given back by an administrator of a site:", got.code)
	}
	owner.post(fmt.Sprintf("/audit/%d/undo", roles.ID)).want(t, http.StatusOK, "Les valeurs d’avant sont rétablies")
	if !w.user(t, "bruno@acme.test").HasRole(directory.HelpDesk) {
		t.Error("the role is not back")
	}
}

// TestRefusalsAreNotInTheJournal posts what is refused and what changes nothing.
func TestRefusalsAreNotInTheJournal(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	before := w.lastEntry(t).ID
	b.post("/services/gateway/assign", "site", paris, "before", string(other), "number", string(other)) // not what it is
	b.post("/services/gateway/assign", "site", paris, "before", string(number), "number", "")
	b.post("/users/"+fmt.Sprint(w.user(t, "bruno@acme.test").Ref), "what", "pin", "pin", "1111")
	b.post("/phones/00:a0:c9:11:22:02/resync") // is not registered
	b.post("/services/gateway/assign", "site", paris, "before", string(number), "number", string(number))
	if e := w.lastEntry(t); e.ID != before {
		t.Errorf("%+v", e)
	}
	b.post("/phones/00:a0:c9:11:22:02/setup")
	if e := w.lastEntry(t); e.Deed != "phone.setup" || !strings.HasPrefix(e.Subject, "Bruno Keller") || e.Site != paris {
		t.Errorf("%+v", e)
	}
}

// TestEveryDeedHasAName holds each route that may change something to the list of deeds, and each deed to a text.
func TestEveryDeedHasAName(t *testing.T) {
	w := newWorld(t)
	view := page.NewRenderer(page.Config{Accounts: w.acc, Directory: w.config.live})
	var routes recorder
	admin.New(admin.Config{View: view}).Routes(&routes)
	hub.New(hub.Config{View: view}).Routes(&routes)
	signin.New(w.acc, view, nil).Routes(&routes)
	for _, pattern := range routes {
		if !strings.HasPrefix(pattern, "GET ") && !auditor.KnowsPage(pattern) {
			t.Errorf("%s: portal/auditor/deeds.go has no name for what it does", pattern)
		}
	}
	for _, deed := range auditor.Deeds() {
		for _, lang := range i18n.Languages {
			if !i18n.For(lang).Has("deed." + deed) {
				t.Errorf("deed.%s has no text in %s", deed, lang)
			}
		}
	}
}
