package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory/sitefile"
)

var (
	_ = exercise("reload-configuration", sample{path: "/configuration/reload?dry_run=true&site_files=true"})
	_ = exercise("get-last-reload", sample{path: "/configuration/reload"})
)

// fakeReloader has a renewed certificate, or a fault.
type fakeReloader struct {
	asked []ReloadOptions
	fail  error
}

func (f *fakeReloader) Reload(_ context.Context, what ReloadOptions) (Reloaded, error) {
	f.asked = append(f.asked, what)
	return Reloaded{Changed: []string{"cert"}, NeedRestart: []string{"sip"}, Certificate: f.Last().Certificate, DryRun: what.DryRun}, f.fail
}

func (f *fakeReloader) Last() LastReload {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return LastReload{At: begin, By: "ops", Changed: []string{"cert"}, Certificate: &Certificate{
		Names: []string{"paris.acme.test"}, NotBefore: begin, NotAfter: begin.AddDate(0, 3, 0), Fingerprint: strings.Repeat("0a", 32),
	}}
}

// TestReload says who asks for what, tells what is in force, and passes faults on with their places.
func TestReload(t *testing.T) {
	w := newWorld(t)
	ask := request{method: http.MethodPost, path: "/api/v1/configuration/reload?site_files=true", token: adminToken}
	rec := w.do(t, ask)
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"changed":["cert"],"need_restart":["sip"]`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if len(w.reloads.asked) != 1 || w.reloads.asked[0] != (ReloadOptions{By: "ops", SiteFiles: true}) {
		t.Errorf("asked %+v", w.reloads.asked)
	}
	w.reloads.fail = &sitefile.Error{Faults: []*sitefile.Fault{{File: "/etc/tls.pem", Line: 3, Column: 1, Field: "cert", Cause: "is cut short"}}}
	rec = w.do(t, ask)
	wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusUnprocessableEntity)
	if !strings.Contains(rec.Body.String(), `"message":"/etc/tls.pem:3:1: cert: is cut short"`) || !strings.Contains(rec.Body.String(), `"location":"cert"`) {
		t.Error(rec.Body)
	}
	w.reloads.fail = nil
	ask.path += "&dry_run=true"
	if rec := w.do(t, ask); rec.Code != http.StatusOK {
		t.Error(rec.Code, rec.Body)
	}
	if e := w.audits.entries; len(e) != 1 || e[0].Deed != "reload" || e[0].By.ID != "ops" {
		t.Errorf("in the journal: %+v", e)
	}
	ask.token = readToken
	if rec := w.do(t, ask); rec.Code != http.StatusForbidden || len(w.reloads.asked) != 3 {
		t.Errorf("with the scope read: %d, asked %d times", rec.Code, len(w.reloads.asked))
	}
}
