package api

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestSitesAreIsolated asks every operation of the description, about what belongs to Paris, with a token of Lyon that has
// every scope: nothing of Paris is shown, and nothing is changed. Operations are generated from the description: a new one
// that is not held to the sites of its callers is refused to this token, or fails here.
func TestSitesAreIsolated(t *testing.T) {
	ofOthers := regexp.MustCompile(`(?i)paris|alice|bruno|camille|\+?33 ?1 ?7|` + strings.Join(spaceIDs, "|"))
	open := 0
	shared := contractWorld(t)
	for id, op := range operationsByID(shared) {
		s := samples[id]
		t.Run(id, func(t *testing.T) {
			w := s.world(t, shared, http.MethodGet) // whatever the method: nothing changes
			dir, before := w.dir.Current(), w.log.String()
			rec := s.ask(t, w, op.method, ofLyon)
			body := strings.ReplaceAll(rec.Body.String(), "Europe/Paris", "")
			switch {
			case ofOthers.MatchString(body) && rec.Code != http.StatusForbidden:
				t.Errorf("shows what belongs to Paris: %d %s", rec.Code, body)
			case !isBySite(op.Operation) && rec.Code != http.StatusForbidden:
				t.Errorf("is for the whole enterprise and answered %d", rec.Code)
			case isBySite(op.Operation) && op.method != http.MethodGet && !s.own && rec.Code != http.StatusNotFound:
				t.Errorf("meets Paris from Lyon: %d %s", rec.Code, body)
			case rec.Code >= 500:
				t.Errorf("%d %s", rec.Code, body)
			}
			if w.dir.Current() != dir || len(w.brid.Bridges()) != 1 || len(w.brid.Bridges()[0].Participants) != 2 {
				t.Error("changed something of Paris")
			}
			if noted := strings.TrimPrefix(w.log.String(), before); !s.own && strings.Contains(noted, `"by":"lyon"`) {
				t.Errorf("noted a change: %s", noted)
			}
			if isBySite(op.Operation) {
				open++
			}
		})
	}
	if open < 40 {
		t.Errorf("only %d operations are open to tokens of a site", open)
	}
}
