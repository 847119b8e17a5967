package api

import (
	"net/http"
	"strings"
	"testing"

	"passerelle/directory"
)

// hotel is the API on a directory in which Alice's phone takes guests and Bruno may be one.
func hotel(t *testing.T) *world {
	t.Helper()
	return newWorld(t)
}

// ask sends a request of the admin's and returns status and body.
func (w *world) ask(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	rq := request{method: method, path: "/api/v1/hoteling" + path, token: adminToken, body: body, header: map[string]string{"Content-Type": "application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		rq.header[header[i]] = header[i+1]
	}
	rec := w.do(t, rq)
	return rec.Code, rec.Body.String()
}

func TestHotelingByAPI(t *testing.T) {
	w := hotel(t)
	if hosts := get[Page[HotelHost]](t, w, "/api/v1/hoteling/hosts", readToken); len(hosts.Items) != 0 {
		t.Errorf("hosts before %+v", hosts.Items)
	}
	want := func(method, path, body string, code int, parts ...string) {
		t.Helper()
		got, text := w.ask(t, method, path, body)
		if got != code {
			t.Errorf("%s %s %s: %d %s, want %d", method, path, body, got, text, code)
		}
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%s %s: %s lacks %s", method, path, text, p)
			}
		}
	}
	// Alice has a phone that becomes a host, Bruno is allowed by the administrator and has to enable it himself.
	want("PATCH", "/hosts/201", `{"enabled":true,"enforce_limit":true,"limit_hours":12}`, 200, `"enabled":true`, `"limit_hours":12`, `"scope":"site"`)
	want("PATCH", "/hosts/201", `{"limit_hours":1000}`, 422)
	want("PATCH", "/hosts/201", `{"scope":"world"}`, 422)
	want("PATCH", "/hosts/299", `{"enabled":true}`, 404)
	want("PUT", "/hosts/201/guest", `{"guest":"202"}`, 409, "may not sign in on other phones", "guest_not_allowed")
	want("PATCH", "/guests/202", `{"allowed":true}`, 200, `"allowed":true`, `"enabled":false`, `"has_pin":true`)
	want("PUT", "/hosts/201/guest", `{"guest":"202"}`, 409, "guest_disabled")
	want("PATCH", "/guests/202", `{"enabled":true,"limit_hours":24}`, 200)
	// Limits that clash send to the administrator, in the caller's language.
	want("PUT", "/hosts/201/guest", `{"guest":"202"}`, 409, "exceeds the association period of this phone, 12\u00a0h. Contact your administrator.", "limit_too_long")
	if code, text := w.ask(t, "PUT", "/hosts/201/guest", `{"guest":"202"}`, "Accept-Language", "fr-CA, en;q=0.5"); code != 409 || !strings.Contains(text, "Contactez votre administrateur") {
		t.Errorf("in French: %d %s", code, text)
	}
	want("PUT", "/hosts/201/guest", `{"guest":"299"}`, 422, "body.guest")
	want("PUT", "/hosts/203/guest", `{"guest":"202"}`, 409, "host_disabled")
	want("PATCH", "/guests/202", `{"limit_hours":8}`, 200)

	if free := get[Page[HotelHost]](t, w, "/api/v1/hoteling/hosts?free=true&site=PARIS.acme.test", readToken); len(free.Items) != 1 || free.Items[0].Name != "Alice Martin" {
		t.Errorf("free hosts %+v", free.Items)
	}
	for query, n := range map[string]int{
		"search=aLiCe": 1, "search=%2B331700012": 1, "search=20": 1, "search=Bruno": 0, "search=01": 0, "guest=202": 1, "guest=203": 0, "guest=201": 0, "free=true&guest=202&search=201": 1,
	} {
		if hosts := get[Page[HotelHost]](t, w, "/api/v1/hoteling/hosts?"+query, readToken); len(hosts.Items) != n {
			t.Errorf("%s: %+v, want %d", query, hosts.Items, n)
		}
	}
	if code, _ := w.ask(t, "GET", "/hosts?guest=299", ""); code != 422 {
		t.Errorf("hosts for nobody: %d", code)
	}
	want("PUT", "/hosts/201/guest", `{"guest":"+33170001202"}`, 200, `"guest":{"line":"+33170001202"`, `"by":"api"`, `"until"`)
	if free := get[Page[HotelHost]](t, w, "/api/v1/hoteling/hosts?free=true", readToken); len(free.Items) != 0 {
		t.Errorf("an occupied host is offered: %+v", free.Items)
	}
	away := get[Page[HotelGuest]](t, w, "/api/v1/hoteling/guests?away=true", readToken)
	if len(away.Items) != 1 || away.Items[0].Host == nil || away.Items[0].Host.Line != "+33170001201" || away.Items[0].Host.Until.Sub(away.Items[0].Host.Since).Hours() != 8 {
		t.Errorf("guests away %+v", away.Items)
	}
	want("PATCH", "/guests/203", `{"allowed":true,"enabled":true,"limit_hours":4}`, 200)
	want("PUT", "/hosts/201/guest", `{"guest":"203"}`, 409, "host_taken")
	want("DELETE", "/hosts/201/guest", "", 200)
	want("DELETE", "/hosts/201/guest", "", 200) // free already
	if h := get[HotelHost](t, w, "/api/v1/hoteling/hosts/+33170001201", readToken); h.Guest != nil {
		t.Errorf("released: %+v", h.Guest)
	}
	want("PUT", "/hosts/201/guest", `{"guest":"203"}`, 200)
	want("DELETE", "/guests/203/host", "", 200)
	if g := get[HotelGuest](t, w, "/api/v1/hoteling/guests/203", readToken); g.Host != nil || !g.Enabled {
		t.Errorf("signed out: %+v", g)
	}
	refusals := get[Page[HotelRefusal]](t, w, "/api/v1/hoteling/refusals", readToken)
	if len(refusals.Items) != 6 || refusals.Items[0].Cause != "host_taken" || refusals.Items[0].Guest != "+33170001202" && refusals.Items[0].Guest != "+33170001002" || refusals.Items[5].Cause != "guest_not_allowed" {
		t.Errorf("refusals %+v", refusals.Items)
	}
	for _, msg := range []string{`"msg":"guest signed in by api","by":"ops"`, `"msg":"host released by api","by":"ops"`, `"msg":"guest signed out by api","by":"ops"`} {
		if !strings.Contains(w.log.String(), msg) {
			t.Errorf("the log lacks %s", msg)
		}
	}
}

// TestHotelingNeedsAScope: readers change nothing.
func TestHotelingNeedsAScope(t *testing.T) {
	w := hotel(t)
	for _, rq := range []request{
		{method: http.MethodPatch, path: "/hosts/201", body: `{"enabled":true}`}, {method: http.MethodPut, path: "/hosts/201/guest", body: `{"guest":"202"}`},
		{method: http.MethodDelete, path: "/hosts/201/guest"}, {method: http.MethodPatch, path: "/guests/202", body: `{"allowed":true}`}, {method: http.MethodDelete, path: "/guests/202/host"},
	} {
		rq.path, rq.token, rq.header = "/api/v1/hoteling"+rq.path, readToken, map[string]string{"Content-Type": "application/json"}
		if rec := w.do(t, rq); rec.Code != http.StatusForbidden {
			t.Errorf("%s %s: %d", rq.method, rq.path, rec.Code)
		}
	}
	if u := w.dir.Current().Sites()[0].Users[0]; u.Phone.Host != nil {
		t.Error("a reader has made a host")
	}
}

// TestHostChangeIsACopy: a change of a host leaves the directory in use alone until it is in use itself.
func TestHostChangeIsACopy(t *testing.T) {
	u := directory.NewUser(directory.Person)
	u.Phone = &directory.Device{Host: directory.NewHost()}
	was := *u
	yes := true
	HostChange{Enabled: &yes}.apply(u)
	if was.Phone.Host.Enabled || !u.Phone.Host.Enabled {
		t.Errorf("before %+v, now %+v", was.Phone.Host, u.Phone.Host)
	}
	HostChange{Enabled: &yes}.apply(directory.NewUser(directory.Person)) // nobody's phone
}
