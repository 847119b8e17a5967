package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

var _ = exercise("draw-owner-link", sample{path: "/owner/link"})

// fakeOwner draws the same link again and again.
type fakeOwner struct{}

func (fakeOwner) OwnerLink(context.Context) (string, time.Time, error) {
	return "https://portal.acme.test/setup/SECRET", time.Now().Add(time.Hour), nil
}

// TestOwnerLinkIsForTheServersOwn refuses a token that somebody made for their account, whatever its scopes.
func TestOwnerLinkIsForTheServersOwn(t *testing.T) {
	w := contractWorld(t)
	s := samples["draw-owner-link"]
	if rec := s.ask(t, w, http.MethodPost, Identity{Name: "dana", Account: "user-7", Scopes: []Scope{ScopeAdmin}}); rec.Code != http.StatusForbidden {
		t.Errorf("an account's token: %d %s", rec.Code, rec.Body)
	}
	rec := s.ask(t, w, http.MethodPost, Identity{Name: "ops", Scopes: []Scope{ScopeAdmin}})
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "/setup/SECRET") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if log := w.log.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "owner's link drawn") {
		t.Error("the log tells the link, or nothing")
	}
}
