package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

var (
	_ = exercise("draw-owner-link", sample{path: "/owner/link"})
	_ = exercise("reset-second-factor", sample{path: "/users/1/second-factor"})
)

// fakeAccounts draws the same link again and again, and has one user with a second factor.
type fakeAccounts struct{}

func (fakeAccounts) ResetSecondFactor(_ context.Context, ref uint64) (bool, error) {
	return ref == 1, nil
}

func (fakeAccounts) OwnerLink(context.Context) (string, time.Time, error) {
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

// TestSecondFactorIsResetOnce notes it for a user who had one.
func TestSecondFactorIsResetOnce(t *testing.T) {
	w := contractWorld(t)
	for path, want := range map[string]int{"/users/1/second-factor": 204, "/users/2/second-factor": 204, "/users/999/second-factor": 404, "/users/x/second-factor": 404} {
		if rec := (sample{path: path}).ask(t, w, http.MethodDelete, ofEnterprise); rec.Code != want {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if n := strings.Count(w.log.String(), "second factor taken away"); n != 1 {
		t.Errorf("noted %d times", n)
	}
}
