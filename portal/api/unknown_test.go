package api

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestUnknownNamesAreNotFound asks every operation whose path names something about something that is not there: the answer
// is a problem of a status that the description has.
func TestUnknownNamesAreNotFound(t *testing.T) {
	w := contractWorld(t)
	name := regexp.MustCompile(`\{[^}]+\}`)
	asked := 0
	for id, op := range operationsByID(w) {
		if !strings.Contains(op.Path, "{") {
			continue
		}
		asked++
		s := samples[id]
		s.path = name.ReplaceAllString(strings.TrimPrefix(op.Path, "/api/v1"), "9999")
		dir := w.dir.Current()
		rec := s.ask(t, w, op.method, ofEnterprise)
		if rec.Code != http.StatusNotFound || w.dir.Current() != dir {
			t.Errorf("%s %s: %d %s", op.method, s.path, rec.Code, rec.Body)
			continue
		}
		wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusNotFound)
		w.wantSchema(t, op.Operation, rec)
		if op.Responses["404"] == nil {
			t.Errorf("%s does not say that it may be answered 404", id)
		}
	}
	if asked < 30 {
		t.Errorf("only %d operations", asked)
	}
}

// TestFaultsAreDescribed holds the faults that any operation may answer to the description.
func TestFaultsAreDescribed(t *testing.T) {
	w := contractWorld(t)
	for id, op := range operationsByID(w) {
		s := samples[id]
		for name, rec := range map[string]*httptest.ResponseRecorder{
			"nobody": w.do(t, request{method: op.method, path: "/api/v1" + s.path}), "no scope": s.ask(t, w, op.method, Identity{}),
			"an odd query": sample{path: s.path + map[bool]string{true: "&", false: "?"}[strings.Contains(s.path, "?")] + "no_such=1", body: s.body, kind: s.kind}.ask(t, w, op.method, Identity{}),
		} {
			if rec.Code < 400 || rec.Code >= 500 || op.Responses[strconv.Itoa(rec.Code)] == nil {
				t.Errorf("%s, %s: %d %s", id, name, rec.Code, rec.Body)
				continue
			}
			wantProblem(t, rec.Header(), rec.Body.Bytes(), rec.Code)
			w.wantSchema(t, op.Operation, rec)
		}
		if op.method != http.MethodGet {
			continue
		}
		odd := sample{path: s.path + map[bool]string{true: "&", false: "?"}[strings.Contains(s.path, "?")] + "no_such=1"}
		if rec := odd.ask(t, w, op.method, ofEnterprise); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `"location":"query.no_such"`) {
			t.Errorf("%s with a parameter that it has not: %d %s", id, rec.Code, rec.Body)
		}
	}
}
