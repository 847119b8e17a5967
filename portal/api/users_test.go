package api

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"passerelle/directory"
)

var (
	_ = exercise("list-users", sample{path: "/users"})
	_ = exercise("get-user", sample{path: "/users/1"})
	_ = exercise("create-user", sample{path: "/users?site=paris.acme.test", body: `{"name":"Elsa Noir","extension":"209","pack":"premium","pin":"9021"}`})
	_ = exercise("change-user", sample{path: "/users/1", body: `{"dnd":true,"calling_plan":{"international":true}}`})
	_ = exercise("remove-user-phone", sample{path: "/users/3/phone"})
	_ = exercise("delete-user", sample{path: "/users/3"})
	_ = exercise("list-workspaces", sample{path: "/workspaces"})
	_ = exercise("get-workspace", sample{path: "/workspaces/5"})
	_ = exercise("create-workspace", sample{path: "/workspaces?site=paris.acme.test", body: `{"name":"Salle 3","extension":"308","phone":{"username":"salle-3","password":"pA-6d1f0c"}}`})
	_ = exercise("change-workspace", sample{path: "/workspaces/5", body: `{"phone":{"host":{"enabled":true}}}`})
	_ = exercise("remove-workspace-phone", sample{path: "/workspaces/5/phone", prepare: secondDevice})
	_ = exercise("delete-workspace", sample{path: "/workspaces/5"})
	_ = exercise("get-site", sample{path: "/sites/paris.acme.test"})
	_ = exercise("change-site", sample{path: "/sites/paris.acme.test", body: `{"park_seconds":45,"night":{"from":"20:00","to":"06:00"}}`})
	_ = exercise("get-trunk-settings", sample{path: "/sites/paris.acme.test/trunks/carrier"})
	_ = exercise("change-trunk", sample{path: "/sites/paris.acme.test/trunks/carrier", body: `{"channels":8}`})
	_ = exercise("delete-trunk", sample{path: "/sites/paris.acme.test/trunks/carrier"})
	_ = exercise("list-numbers", sample{path: "/numbers"})
)

// secondDevice gives the workspace a softphone: without any device it would be none.
func secondDevice(t *testing.T, w *world) {
	t.Helper()
	err := w.editor.SetUser(t.Context(), 5, func(u *directory.User) {
		u.Softphones = append(u.Softphones, &directory.Device{Username: "salle-app", Password: "pA-6d1f0c"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFieldsAreThoseOfTheSiteFile holds the API to every setting that a site file has, by the same name, and to none else.
func TestFieldsAreThoseOfTheSiteFile(t *testing.T) {
	elsewhere := map[string]string{ // settings with an operation of their own
		"user.space_id": "regenerate-space-id", "user.portal_password_hash": "import-configuration",
		"site.domain": "import-configuration", "site.hold_music": "put-hold-music", "site.gateway.number": "put-gateway-number",
		"site.trunks": "change-trunk", "site.users": "change-user", "site.workspaces": "change-workspace", "trunk.name": "change-trunk",
	}
	all := operationsByID(contractWorld(t))
	for _, c := range []struct {
		name           string
		record, fields reflect.Type
	}{
		{"user", reflect.TypeFor[directory.User](), reflect.TypeFor[struct {
			UserFields
			UserSecrets
		}]()},
		{"site", reflect.TypeFor[directory.Site](), reflect.TypeFor[SiteFields]()},
		{"trunk", reflect.TypeFor[directory.Trunk](), reflect.TypeFor[TrunkFields]()},
	} {
		have, want := map[string]bool{}, map[string]bool{}
		jsonNames(c.record, c.name, want)
		jsonNames(c.fields, c.name, have)
		for name := range want {
			parent := name[:strings.LastIndex(name, ".")]
			switch op := elsewhere[name]; {
			case op != "":
				if _, ok := all[op]; !ok || have[name] {
					t.Errorf("%s is said to be changed by %s", name, op)
				}
			case !have[name] && elsewhere[parent] == "":
				t.Errorf("%s is in the site file and not in the API", name)
			}
		}
		for name := range have {
			if !want[name] {
				t.Errorf("%s is in the API and not in the site file", name)
			}
		}
	}
}

// jsonNames gathers the names of all fields, with those that they are in.
func jsonNames(t reflect.Type, path string, into map[string]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[User]().PkgPath() && t.PkgPath() != reflect.TypeFor[directory.User]().PkgPath() && t.Name() != "" {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case strings.Contains(path, ".softphones") && f.Tag.Get("only") == "phone":
		case f.Anonymous:
			jsonNames(f.Type, path, into)
		case name != "" && name != "-":
			into[path+"."+name] = true
			if f.Type != reflect.TypeFor[[]*directory.User]() && f.Type != reflect.TypeFor[[]*directory.Trunk]() {
				jsonNames(f.Type, path+"."+name, into)
			}
		}
	}
}

func (w *world) patch(t *testing.T, who Identity, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return sample{path: path, body: body}.ask(t, w, http.MethodPatch, who, header...)
}

// TestUserIsMerged changes parts of a record and looks at the rest.
func TestUserIsMerged(t *testing.T) {
	w := contractWorld(t)
	user := func() *directory.User { return w.dir.Current().Sites()[0].Users[0] }
	before := *user()
	for _, c := range []struct {
		body string
		code int
		ok   func(*directory.User) bool
	}{
		{`{"calling_plan":{"international":true}}`, 200, func(u *directory.User) bool {
			return u.CallingPlan == directory.CallingPlan{Internal: true, National: true, International: true}
		}},
		{`{"phone":{"model":"CP-8851-3PCC","host":{"enabled":false}}}`, 200, func(u *directory.User) bool {
			return u.Phone.Model == "CP-8851-3PCC" && u.Phone.Password == before.Phone.Password && !u.Phone.Host.Enabled && u.Phone.Host.LimitHours == 24
		}},
		{`{"softphones":[{"username":"app-1","password":"pA-111"},{"username":"app-2","password":"pA-222"}]}`, 200, func(u *directory.User) bool { return len(u.Softphones) == 2 }},
		{`{"softphones":[{"username":"app-2"}]}`, 200, func(u *directory.User) bool {
			return len(u.Softphones) == 1 && u.Softphones[0].Password == "pA-222" && u.Softphones[0].Username == "app-2"
		}},
		{`{"pin":"1234"}`, 422, func(u *directory.User) bool { return u.PIN == before.PIN }},
		{`{"pin":"9021"}`, 200, func(u *directory.User) bool { return u.PIN == "9021" }},
		{`{"number":"+33170001202"}`, 422, func(u *directory.User) bool { return u.Number == before.Number }},
		{`{"pack":"gold"}`, 422, func(u *directory.User) bool { return u.Pack == directory.Premium }},
		{`{"space_id":"48213907752"}`, 422, func(*directory.User) bool { return true }},
		{`{"pack":"standard"}`, 200, func(u *directory.User) bool { return u.SpaceID == "" && !u.Entitled() }},
		{`{"roles":["help_desk"]}`, 200, func(u *directory.User) bool { return u.HasRole(directory.HelpDesk) }},
	} {
		rec := w.patch(t, ofEnterprise, "/users/1", c.body)
		if rec.Code != c.code || !c.ok(user()) {
			t.Errorf("%s: %d %s", c.body, rec.Code, rec.Body)
		}
		if c.code == http.StatusUnprocessableEntity && !strings.Contains(rec.Body.String(), `"location":"body.`) {
			t.Errorf("%s: the fault names no field: %s", c.body, rec.Body)
		}
		for _, secret := range []string{"9021", "pA-", "246810"} {
			if strings.Contains(rec.Body.String(), secret) || strings.Contains(w.log.String(), secret) {
				t.Errorf("%s: a secret is shown", c.body)
			}
		}
	}
}

// TestTwoAdministratorsOnOneRecord has both change what both have seen: the second is told, and overwrites nothing.
func TestTwoAdministratorsOnOneRecord(t *testing.T) {
	for _, c := range []struct{ get, method, path, first, second string }{
		{"/users/1", "PATCH", "/users/1", `{"clir":true}`, `{"dnd":true}`},
		{"/users/1", "PATCH", "/lines/+33170001201/settings", `{"clir":true}`, `{"dnd":true}`},
		{"/lines/+33170001201/settings", "PATCH", "/users/1", `{"clir":true}`, `{"dnd":true}`},
		{"/users/3", "DELETE", "/users/3", "", ""},
		{"/users/1", "POST", "/spaces/space-1/regenerate", "", ""},
		{"/workspaces/5", "PATCH", "/workspaces/5", `{"clir":true}`, `{"dnd":true}`},
		{"/lines/+33170001201/monitored", "PUT", "/lines/+33170001201/monitored", `{"lines":["202"]}`, `{"lines":[]}`},
		{"/hoteling/hosts/+33170001201", "PATCH", "/hoteling/hosts/+33170001201", `{"limit_hours":3}`, `{"enabled":false}`},
		{"/hoteling/guests/+33170001202", "PATCH", "/hoteling/guests/+33170001202", `{"limit_hours":3}`, `{"allowed":false}`},
		{"/sites/paris.acme.test", "PATCH", "/sites/paris.acme.test", `{"park_seconds":40}`, `{"ring_seconds":40}`},
		{"/sites/paris.acme.test/trunks/carrier", "PATCH", "/sites/paris.acme.test/trunks/carrier", `{"channels":9}`, `{"shared":true}`},
		{"/sites/paris.acme.test/trunks/carrier", "DELETE", "/sites/paris.acme.test/trunks/carrier", "", ""},
		{"/sites/paris.acme.test/gateway-number", "PUT", "/sites/paris.acme.test/gateway-number", `{"number":"+33170001001"}`, `{"number":null}`},
	} {
		w := contractWorld(t)
		seen := sample{path: c.get}.ask(t, w, http.MethodGet, ofEnterprise).Header().Get("ETag")
		if seen == "" {
			t.Errorf("%s has no ETag", c.get)
		}
		if rec := (sample{path: c.path, body: c.first}).ask(t, w, c.method, ofEnterprise, "If-Match", seen); rec.Code >= 300 {
			t.Errorf("%s: the first is answered %d %s", c.path, rec.Code, rec.Body)
		}
		after := w.dir.Current()
		rec := sample{path: c.path, body: c.second}.ask(t, w, c.method, ofEnterprise, "If-Match", seen)
		if gone := rec.Code == http.StatusNotFound && c.method == "DELETE"; rec.Code != http.StatusPreconditionFailed && !gone || w.dir.Current() != after {
			t.Errorf("%s: the second is answered %d %s", c.path, rec.Code, rec.Body)
		}
		if c.second == "" {
			continue
		}
		now := sample{path: c.get}.ask(t, w, http.MethodGet, ofEnterprise).Header().Get("ETag")
		if rec := (sample{path: c.path, body: c.second}).ask(t, w, c.method, ofEnterprise, "If-Match", `"other", `+now); rec.Code >= 300 {
			t.Errorf("%s: who has looked again is answered %d %s", c.path, rec.Code, rec.Body)
		}
	}
}

// TestSiteTokensRuleOverNoAdministrator keeps the administrator of one site from becoming one of all.
func TestSiteTokensRuleOverNoAdministrator(t *testing.T) {
	w := contractWorld(t)
	err := w.editor.SetUser(t.Context(), 1, func(u *directory.User) {
		u.Roles, u.Email = []directory.Role{directory.EnterpriseAdmin}, "alice@acme.test"
	})
	if err != nil {
		t.Fatal(err)
	}
	before := w.dir.Current()
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "/users/2", `{"roles":["enterprise_admin"]}`},
		{"PATCH", "/users/1", `{"roles":[]}`},
		{"PATCH", "/users/1", `{"portal_password":"a-new-password"}`},
		{"PATCH", "/users/1", `{"email":"mine@acme.test"}`},
		{"DELETE", "/users/1", ""},
		{"POST", "/users?site=paris.acme.test", `{"name":"Eve","extension":"207","roles":["enterprise_admin"]}`},
		{"PATCH", "/sites/paris.acme.test", `{"numbers":["+33170001000"]}`},
		{"PATCH", "/sites/paris.acme.test/trunks/carrier", `{"address":"203.0.113.1"}`},
	} {
		rec := sample{path: c.path, body: c.body}.ask(t, w, c.method, ofParis)
		if rec.Code != http.StatusForbidden || w.dir.Current() != before {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, rec.Code, rec.Body)
		}
	}
	if rec := w.patch(t, ofParis, "/users/1", `{"dnd":true}`); rec.Code != http.StatusOK {
		t.Errorf("what is no sign-in: %d %s", rec.Code, rec.Body)
	}
}

func TestSearchOfUsers(t *testing.T) {
	w := contractWorld(t)
	for query, want := range map[string]int{"": 4, "?site=paris.acme.test": 3, "?search=ali": 1, "?search=202": 1, "?search=%2B331700012": 2, "?search=dana@acme.test": 1, "?limit=1": 1, "?search=nobody": 0} {
		if got := get[Page[User]](t, w, "/api/v1/users"+query, readToken); len(got.Items) != want {
			t.Errorf("%s: %d, want %d", query, len(got.Items), want)
		}
	}
	if u := get[Page[User]](t, w, "/api/v1/users?search=ali", readToken).Items[0]; u.SpaceRef != "space-1" || !u.HasPIN || u.Phone == nil || u.Phone.Host == nil || !u.CallWaiting {
		t.Errorf("%+v", u)
	}
	free := get[Page[PhoneNumber]](t, w, "/api/v1/numbers?free=true", readToken)
	if len(free.Items) != 1 || free.Items[0].Number != "+33170001001" || !free.Items[0].TwoWay {
		t.Errorf("%+v", free.Items)
	}
}
