package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"passerelle/directory"
)

func TestSites(t *testing.T) {
	w := newWorld(t)
	sites := get[Page[Site]](t, w, "/api/v1/sites", readToken).Items
	if len(sites) != 2 || sites[0].Domain != "lyon.acme.test" || sites[1].Domain != "paris.acme.test" {
		t.Fatalf("sites: %+v", sites)
	}
	p := sites[1]
	if p.Gateway.Number != "+33170001000" || p.Users != 3 || p.Spaces != 2 || len(p.Numbers) != 3 || p.Language != "fr" {
		t.Errorf("Paris: %+v", p)
	}
	if sites[0].Gateway.Number != "" || sites[0].Numbers == nil {
		t.Errorf("Lyon: %+v", sites[0])
	}
}

func TestGatewayNumber(t *testing.T) {
	const path = "/api/v1/sites/paris.acme.test/gateway-number"
	w := newWorld(t)
	g := get[GatewayNumber](t, w, path, readToken)
	if g.Number != "+33170001000" || !slices.Equal(g.Available, []string{"+33170001001"}) || g.Spaces != 2 || g.Bridges != 1 {
		t.Errorf("before: %+v", g)
	}
	for _, c := range []struct {
		name, path, body string
		code             int
		number           string // afterwards
	}{
		{"another number", path, `{"number":"+33170001001"}`, 200, "+33170001001"},
		{"the same again", path, `{"number":"+33170001001"}`, 200, "+33170001001"},
		{"another case of the domain", "/api/v1/sites/PARIS.acme.test/gateway-number", `{"number":"+33170001000"}`, 200, "+33170001000"},
		{"not the site's", path, `{"number":"+33170009999"}`, 422, "+33170001000"},
		{"a user's", path, `{"number":"+33170001002"}`, 409, "+33170001000"},
		{"none", path, `{"number":null}`, 200, ""},
		{"missing", path, `{}`, 422, ""},
		{"unknown field", path, `{"number":null,"numbre":1}`, 422, ""},
		{"not JSON", path, `number: 3`, 400, ""},
		{"another site", "/api/v1/sites/nowhere.test/gateway-number", `{"number":null}`, 404, ""},
		{"empty", path, `{"number":""}`, 422, ""},
		{"back", path, `{"number":"+33170001000"}`, 200, "+33170001000"},
	} {
		rec := w.do(t, request{method: http.MethodPut, path: c.path, token: adminToken, body: c.body, header: map[string]string{"Content-Type": "application/json"}})
		if rec.Code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, rec.Code, rec.Body, c.code)
		}
		site, _ := w.dir.Current().SiteByDomain("paris.acme.test")
		if string(site.Gateway.Number) != c.number {
			t.Errorf("%s: number is %q, want %q", c.name, site.Gateway.Number, c.number)
		}
		if rec.Code == http.StatusOK && !strings.Contains(rec.Body.String(), `"site":"paris.acme.test"`) {
			t.Errorf("%s: answer %s", c.name, rec.Body)
		}
	}
	w.gates.fail = errBroken
	if rec := w.do(t, request{method: http.MethodPut, path: path, token: adminToken, body: `{"number":null}`}); rec.Code != http.StatusInternalServerError {
		t.Errorf("store trouble: %d %s", rec.Code, rec.Body)
	}
}

func TestImport(t *testing.T) {
	faults := errors.Join(
		&directory.Fault{Path: "sites[0].users[2].number", Cause: "is not an E.164 number"},
		&directory.Fault{Path: "sites[0].domain", Cause: "is missing"})
	for _, c := range []struct {
		name, query, kind, body string
		fail                    error
		code                    int
		got                     FileKind
	}{
		{"site file", "", "application/yaml", "enterprise: acme\n", nil, 200, KindSiteFile},
		{"with charset", "", "text/yaml; charset=utf-8", "enterprise: acme\n", nil, 200, KindSiteFile},
		{"users", "?name=users.csv", "text/csv", "site,name\n", nil, 200, KindUsers},
		{"dry run", "?dry_run=true", "application/yaml", "x", nil, 200, KindSiteFile},
		{"a form", "", "application/x-www-form-urlencoded", "x", nil, 415, ""},
		{"json", "", "application/json", "{}", nil, 415, ""},
		{"no type", "", "", "x", nil, 415, ""},
		{"faults", "", "application/yaml", "x", faults, 422, KindSiteFile},
		{"broken store", "", "application/yaml", "x", errBroken, 500, KindSiteFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.conf.fail = c.fail
			rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/import" + c.query, token: adminToken, body: c.body, header: map[string]string{"Content-Type": c.kind}})
			if rec.Code != c.code || w.conf.got.Kind != c.got {
				t.Fatalf("%d %s (kind %q), want %d (%q)", rec.Code, rec.Body, w.conf.got.Kind, c.code, c.got)
			}
			if c.got != "" && string(w.conf.got.Data) != c.body {
				t.Errorf("data %q, sent %q", w.conf.got.Data, c.body)
			}
			switch c.code {
			case http.StatusOK:
				var got Imported
				if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Users != 3 || got.DryRun != strings.Contains(c.query, "dry_run") || got.DryRun != w.conf.dry {
					t.Errorf("answer %s (%v), dry %t", rec.Body, err, w.conf.dry)
				}
			case http.StatusUnprocessableEntity:
				p := wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
				if len(p.Errors) != 2 || p.Errors[0].Location != "sites[0].users[2].number" || p.Errors[1].Message != "is missing" {
					t.Errorf("faults: %s", rec.Body)
				}
			default:
				wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
			}
		})
	}
}

func TestImportTooLarge(t *testing.T) {
	w := newWorld(t)
	rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/import", token: adminToken, body: strings.Repeat("x", maxUpload), header: map[string]string{"Content-Type": "text/csv"}})
	if wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusRequestEntityTooLarge); rec.Code != http.StatusRequestEntityTooLarge || w.conf.got.Kind != "" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestImportProgress(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps int
		fail  error
		code  int
	}{
		{"good", 50, nil, 200},
		{"faults before it starts", 0, &directory.Fault{Path: "sites[0]", Cause: "is odd"}, 422},
		{"breaks on the way", 50, errBroken, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.conf.steps, w.conf.fail = c.steps, c.fail
			rec := w.do(t, request{
				method: http.MethodPost, path: "/api/v1/import", token: adminToken, body: "x",
				header: map[string]string{"Content-Type": "application/yaml", "Accept": ndjson},
			})
			if rec.Code != c.code {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			if c.code != http.StatusOK {
				wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
				return
			}
			var lines []ImportLine
			for s := bufio.NewScanner(rec.Body); s.Scan(); {
				var l ImportLine
				if err := json.Unmarshal(s.Bytes(), &l); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, l)
			}
			last := lines[len(lines)-1]
			if len(lines) < 3 || len(lines) > 20 || lines[0].Done != 1 || lines[len(lines)-2].Done != c.steps || lines[0].Total != c.steps {
				t.Errorf("progress of %d lines: %+v", len(lines), lines)
			}
			if c.fail == nil && (last.Result == nil || last.Result.Users != 3) || c.fail != nil && (last.Fault == nil || last.Fault.Status != 500) {
				t.Errorf("last line: %+v", last)
			}
		})
	}
}

func TestExport(t *testing.T) {
	for _, c := range []struct {
		query, token string
		code         int
		secrets      Secrets
	}{
		{"", adminToken, 200, SecretsOmit},
		{"?secrets=sealed", adminToken, 200, SecretsSealed},
		{"?secrets=clear", adminToken, 403, ""},
		{"", readToken, 403, ""},
	} {
		w := newWorld(t)
		rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/export" + c.query, token: c.token})
		if rec.Code != c.code || w.conf.secrets != c.secrets {
			t.Errorf("%q: %d %s, secrets %q", c.query, rec.Code, rec.Body, w.conf.secrets)
		}
		if c.code == http.StatusOK && (rec.Header().Get("Content-Type") != "application/yaml" || rec.Body.String() != "enterprise: acme\n") {
			t.Errorf("%q: %q %s", c.query, rec.Header().Get("Content-Type"), rec.Body)
		}
	}
}
