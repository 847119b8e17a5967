package api

import (
	"bufio"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
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

// form builds the body of a form as curl -F does.
func form(t *testing.T, files ...sitefile.Source) (kind, body string) {
	t.Helper()
	var b strings.Builder
	w := multipart.NewWriter(&b)
	for _, f := range files {
		part, err := w.CreateFormFile("file", f.Name)
		if err == nil {
			_, err = part.Write(f.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

func TestImport(t *testing.T) {
	_, faults := sitefile.Parse("bad.yaml", []byte("enterprise: acme\nsites:\n  - name: Paris\n    domain: paris.acme.test\n    colour: red\n    extension_length: many\n"))
	if len(sitefile.Faults(faults)) < 2 {
		t.Fatalf("the bad file has too few faults: %v", faults)
	}
	sites := sitefile.Source{Name: "sites.yaml", Data: []byte("enterprise: acme\n")}
	users := sitefile.Source{Name: "some/where/users.csv", Data: []byte("site,name\n")}
	formKind, formBody := form(t, sites, users)
	emptyKind, emptyBody := form(t)
	for _, c := range []struct {
		name, query, kind, body string
		fail                    error
		code                    int
		got                     []sitefile.Source
	}{
		{"site file", "?name=sites.yaml", "application/yaml", "enterprise: acme\n", nil, 200, []sitefile.Source{sites}},
		{"with charset", "?name=sites.yaml", "text/yaml; charset=utf-8", "enterprise: acme\n", nil, 200, []sitefile.Source{sites}},
		{"without name", "", "application/yaml", "x", nil, 200, []sitefile.Source{{Name: "upload.yaml", Data: []byte("x")}}},
		{"users", "?name=some/where/users.csv", "text/csv", "site,name\n", nil, 200, []sitefile.Source{users}},
		{"users without name", "", "text/csv", "x", nil, 200, []sitefile.Source{{Name: "upload.csv", Data: []byte("x")}}},
		{"users by another name", "?name=users.txt", "text/csv", "x", nil, 200, []sitefile.Source{{Name: "users.txt.csv", Data: []byte("x")}}},
		{"several files", "", formKind, formBody, nil, 200, []sitefile.Source{sites, users}},
		{"no file", "", emptyKind, emptyBody, nil, 400, nil},
		{"form cut short", "", formKind, formBody[:len(formBody)-60], nil, 400, nil},
		{"form without boundary", "", "multipart/form-data", formBody, nil, 400, nil},
		{"dry run", "?dry_run=true&name=sites.yaml", "application/yaml", "enterprise: acme\n", nil, 200, []sitefile.Source{sites}},
		{"an encoded form", "", "application/x-www-form-urlencoded", "x", nil, 415, nil},
		{"json", "", "application/json", "{}", nil, 415, nil},
		{"no type", "", "", "x", nil, 415, nil},
		{"faults", "?name=sites.yaml", "application/yaml", "enterprise: acme\n", faults, 422, []sitefile.Source{sites}},
		{"broken store", "?name=sites.yaml", "application/yaml", "enterprise: acme\n", errBroken, 500, []sitefile.Source{sites}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.conf.fail = c.fail
			rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/import" + c.query, token: adminToken, body: c.body, header: map[string]string{"Content-Type": c.kind}})
			if rec.Code != c.code || !reflect.DeepEqual(w.conf.got, c.got) {
				t.Fatalf("%d %s (files %s), want %d (%s)", rec.Code, rec.Body, w.conf.got, c.code, c.got)
			}
			switch c.code {
			case http.StatusOK:
				var got Imported
				if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Users != 3 || got.DryRun != strings.Contains(c.query, "dry_run") || got.DryRun != w.conf.dry {
					t.Errorf("answer %s (%v), dry %t", rec.Body, err, w.conf.dry)
				}
				if changed := strings.Contains(w.log.String(), "configuration imported"); changed == got.DryRun {
					t.Errorf("dry %t, log %s", got.DryRun, w.log)
				}
			case http.StatusUnprocessableEntity:
				p := wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
				want := sitefile.Faults(faults)
				if len(p.Errors) != len(want) || p.Errors[0].Location != want[0].Field || p.Errors[0].Message != want[0].Error() {
					t.Errorf("faults: %s, want %v", rec.Body, faults)
				}
			default:
				wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
			}
		})
	}
}

func TestImportTooLarge(t *testing.T) {
	w := newWorld(t)
	rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/import", token: adminToken, body: strings.Repeat("x", MaxUpload), header: map[string]string{"Content-Type": "text/csv"}})
	if wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusRequestEntityTooLarge); rec.Code != http.StatusRequestEntityTooLarge || w.conf.got != nil {
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
		secrets      sitefile.SecretMode
	}{
		{"", adminToken, 200, sitefile.SecretsOmitted},
		{"?secrets=sealed", adminToken, 200, sitefile.SecretsSealed},
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

func TestGatewayNumberWithIfMatch(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/sites/paris.acme.test/gateway-number"
	first := w.do(t, request{method: http.MethodGet, path: path, token: readToken}).Header().Get("ETag")
	put := func(tag, body string) *httptest.ResponseRecorder {
		return w.do(t, request{method: http.MethodPut, path: path, token: adminToken, body: body, header: map[string]string{"Content-Type": "application/json", "If-Match": tag}})
	}
	if rec := put(first, `{"number":"+33170001001"}`); rec.Code != http.StatusOK || rec.Header().Get("ETag") == first {
		t.Fatalf("%d %s %s", rec.Code, rec.Header().Get("ETag"), rec.Body)
	}
	for _, tag := range []string{first, `"none"`, `"x"`} {
		if rec := put(tag, `{"number":null}`); rec.Code != http.StatusPreconditionFailed {
			t.Errorf("%s: %d %s", tag, rec.Code, rec.Body)
		}
	}
	if rec := put("*", `{"number":null}`); rec.Code != http.StatusOK || rec.Header().Get("ETag") != `"none"` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestRegenerateSpaceID(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/spaces/" + refOf(w.dir.Current(), 0) + "/regenerate"
	if rec := w.do(t, request{method: http.MethodPost, path: path, token: readToken}); rec.Code != http.StatusForbidden {
		t.Errorf("with the read scope: %d", rec.Code)
	}
	if rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/spaces/space-99/regenerate", token: adminToken}); rec.Code != http.StatusNotFound {
		t.Errorf("an unknown space: %d", rec.Code)
	}
	rec := w.do(t, request{method: http.MethodPost, path: path, token: adminToken})
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	// The fake keeps what it is told; drawing the new ID is the store's.
	if sp, ok := w.dir.Current().SpaceByRef(refOf(w.dir.Current(), 0)); !ok || sp.ID.Reveal() == spaceIDs[0] {
		t.Error("the space still has its ID")
	}
	if strings.Contains(w.log.String(), spaceIDs[0]) {
		t.Error("the ID is in the log")
	}
}
