package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/gateway"
	"passerelle/sip"
)

func TestStatus(t *testing.T) {
	w := newWorld(t)
	s := get[Status](t, w, "/api/v1/status", readToken)
	if s.Version != "v1.2.3" || !s.Started.Equal(w.start) || s.UptimeSeconds < 3600 || s.UptimeSeconds > 3700 {
		t.Errorf("identity: %+v", s)
	}
	if s.Sites != 2 || s.Spaces != 2 || s.Registrations != 3 || s.Bridges != 1 || s.Participants != 2 || s.Legs != 3 || s.PortsInUse != 2 {
		t.Errorf("figures: %+v", s)
	}
	if s.Goroutines < 1 || s.HeapBytes == 0 || s.OpenFiles != nil && *s.OpenFiles < 3 {
		t.Errorf("process: %+v", s)
	}
}

func TestBridges(t *testing.T) {
	w := newWorld(t)
	ref := refOf(w.dir.Current(), 0)
	page := get[Page[Bridge]](t, w, "/api/v1/bridges", readToken)
	if len(page.Items) != 1 || page.Items[0].Space != ref || len(page.Items[0].Participants) != 2 {
		t.Fatalf("bridges: %+v", page)
	}
	if got := get[Page[Bridge]](t, w, "/api/v1/bridges?site=LYON.acme.test", readToken); len(got.Items) != 0 {
		t.Errorf("bridges of Lyon: %+v", got)
	}
	b := get[Bridge](t, w, "/api/v1/bridges/"+ref, readToken)
	want := Participant{ID: "p2", Name: "+33612345678", Since: w.start.UTC(), Codec: "PCMU", Held: true, CallID: "b@carrier", Lost: 4}
	if got := b.Participants[1]; !got.Since.Equal(want.Since) || got.ID != want.ID || got.Lost != 4 || !got.Held || got.Number != "" || got.Name != want.Name {
		t.Errorf("participant: %+v, want %+v", got, want)
	}
	if b.Participants[0].DelayMS != 60 || !b.Participants[0].Talking {
		t.Errorf("participant: %+v", b.Participants[0])
	}
}

func TestEndBridgeAndRemove(t *testing.T) {
	for _, c := range []struct {
		name, path string
		fail       error
		code       int
		left       int // participants afterwards
	}{
		{"remove", "/REF/participants/p2", nil, http.StatusNoContent, 1},
		{"remove somebody unknown", "/REF/participants/p9", nil, http.StatusNotFound, 2},
		{"remove from an unknown space", "/space-99/participants/p1", nil, http.StatusNotFound, 2},
		{"remove one who has just left", "/REF/participants/p1", errBroken, http.StatusNoContent, 1},
		{"end", "/REF", nil, http.StatusNoContent, 0},
		{"end an unknown one", "/space-99", nil, http.StatusNotFound, 2},
		{"end fails", "/REF", errBroken, http.StatusInternalServerError, 2},
		{"end without gateway", "/REF", ErrUnavailable, http.StatusServiceUnavailable, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.brid.fail = c.fail
			path := "/api/v1/bridges" + strings.Replace(c.path, "REF", refOf(w.dir.Current(), 0), 1)
			rec := w.do(t, request{method: http.MethodDelete, path: path, token: adminToken})
			if rec.Code != c.code {
				t.Fatalf("%d %s, want %d", rec.Code, rec.Body, c.code)
			}
			_, left := w.api.seats()
			if left != c.left {
				t.Errorf("%d participants left, want %d", left, c.left)
			}
			if c.code == http.StatusNoContent && !strings.Contains(w.log.String(), `"by":"ops"`) {
				t.Errorf("who did it is not in the log: %s", w.log)
			}
			if c.code >= 500 && rec.Header().Get("Retry-After") == "" && c.code == http.StatusServiceUnavailable {
				t.Error("503 without Retry-After")
			}
		})
	}
}

var (
	_ = exercise("change-bridge", sample{path: "/bridges/space-1", body: `{"locked":true}`})
	_ = exercise("change-participant", sample{path: "/bridges/space-1/participants/p1", body: `{"muted":true}`})
)

func TestMuteAndLock(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		fail             error
		code             int
		want             string // in the answer
	}{
		{"mute", "/REF/participants/p2", `{"muted": true}`, nil, 200, `"muted":true`},
		{"mute somebody unknown", "/REF/participants/p9", `{"muted": true}`, nil, 404, ""},
		{"mute in an unknown space", "/space-99/participants/p1", `{"muted": true}`, nil, 404, ""},
		{"mute nothing", "/REF/participants/p2", `{}`, nil, 422, "muted"},
		{"mute fails", "/REF/participants/p2", `{"muted": true}`, errBroken, 500, ""},
		{"lock", "/REF", `{"locked": true}`, nil, 200, `"locked":true`},
		{"unlock", "/REF", `{"locked": false}`, nil, 200, `"locked":false`},
		{"lock an unknown one", "/space-99", `{"locked": true}`, nil, 404, ""},
		{"lock something else", "/REF", `{"locked": true, "owner": "Bob"}`, nil, 422, "owner"},
		{"lock without gateway", "/REF", `{"locked": true}`, ErrUnavailable, 503, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.brid.fail = c.fail
			path := "/api/v1/bridges" + strings.Replace(c.path, "REF", refOf(w.dir.Current(), 0), 1)
			rec := w.do(t, request{method: http.MethodPatch, path: path, token: adminToken, body: c.body})
			if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.want) {
				t.Fatalf("%d %s, want %d with %s", rec.Code, rec.Body, c.code, c.want)
			}
			if logged := strings.Contains(w.log.String(), `"by":"ops"`); c.code < 500 && logged != (c.code == 200) {
				t.Errorf("in the log: %v: %s", logged, w.log)
			}
			if rec := w.do(t, request{method: http.MethodPatch, path: path, token: readToken, body: c.body}); rec.Code != http.StatusForbidden {
				t.Errorf("a token that only reads: %d", rec.Code)
			}
		})
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	w := newWorld(t)
	w.brid.fail = errBroken
	rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/bridges/" + refOf(w.dir.Current(), 0), token: adminToken})
	p := wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusInternalServerError)
	if strings.Contains(rec.Body.String(), "fire") {
		t.Errorf("the cause is in the answer: %s", rec.Body)
	}
	ref := p.Detail[strings.LastIndexByte(p.Detail, ' ')+1:]
	if !strings.Contains(w.log.String(), ref) || !strings.Contains(w.log.String(), "fire") {
		t.Errorf("log has no cause under reference %q: %s", ref, w.log)
	}
}

func TestRegistrations(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.regs = append(w.regs,
			sip.Binding{AOR: "202@lyon.acme.test", Contact: "sip:202@192.0.2.9:1024", Source: sip.Source{Transport: "TCP"}, Expires: time.Now().Add(time.Minute)},
			sip.Binding{AOR: "203@lyon.acme.test", Contact: "sip:203@192.0.2.9:1024", Source: sip.Source{Transport: "UDP"}, Expires: time.Now().Add(-time.Second)})
	})
	all := get[Page[Registration]](t, w, "/api/v1/registrations", readToken)
	if len(all.Items) != 4 {
		t.Fatalf("%d registrations, want the 4 that have not expired: %+v", len(all.Items), all)
	}
	for query, want := range map[string]int{
		"site=paris.acme.test": 3, "site=Lyon.Acme.Test": 1, "site=nowhere.test": 0, "aor=201@paris.acme.test": 1, "aor=sip:201@PARIS.acme.test": 1,
		"aor=%2B33170001201@paris.acme.test": 1, "aor=999@paris.acme.test": 0, "aor=201@paris.acme.test&site=lyon.acme.test": 0,
	} {
		if got := get[Page[Registration]](t, w, "/api/v1/registrations?"+query, readToken); len(got.Items) != want {
			t.Errorf("?%s: %d, want %d", query, len(got.Items), want)
		}
	}
	i := slices.IndexFunc(all.Items, func(r Registration) bool { return r.AOR == "+33170001201@paris.acme.test" })
	r := all.Items[i]
	if r.Source != "192.0.2.7:5060" || r.Transport != "UDP" || r.Contact != "sip:+33170001201@192.0.2.7:5060" || !r.Reachable || r.UserAgent == "" ||
		!r.Expires.Equal(w.start.Add(2*time.Hour)) {
		t.Errorf("registration: %+v", r)
	}
	i = slices.IndexFunc(all.Items, func(r Registration) bool { return r.AOR == "202@lyon.acme.test" })
	if all.Items[i].Reachable {
		t.Error("a TCP phone without its connection is called reachable")
	}
}

func TestSpacesShowTheIDToAdminsOnly(t *testing.T) {
	w := newWorld(t)
	for _, s := range get[Page[Space]](t, w, "/api/v1/spaces", readToken).Items {
		if s.SpaceID != "" {
			t.Errorf("%s shows its ID to a reader", s.Ref)
		}
	}
	admin := get[Page[Space]](t, w, "/api/v1/spaces", adminToken).Items
	if len(admin) != 2 {
		t.Fatalf("spaces: %+v", admin)
	}
	for i, s := range admin {
		if s.SpaceID != spaceIDs[i] || s.Ref != refOf(w.dir.Current(), i) || !s.Entitled || s.GatewayNumber != "+33170001000" || s.Participants != 2-2*i {
			t.Errorf("space %d: %+v", i, s)
		}
	}
	if admin[0].Owner != "Alice Martin" || admin[0].OwnerLine != "+33170001201" {
		t.Errorf("owner: %+v", admin[0])
	}
	// Every other answer but an invitation, for either scope, and all the log are free of the IDs.
	list, _ := operations(w)
	for _, rq := range list {
		for _, token := range []string{readToken, adminToken} {
			if rq.token = token; token == adminToken && (rq.path == "/api/v1/spaces" || strings.HasSuffix(rq.path, "/invitation")) {
				continue
			}
			body := w.do(t, rq).Body.String() + w.log.String()
			for _, id := range spaceIDs {
				if strings.Contains(body, id) {
					t.Errorf("%s %s shows a space ID", rq.method, rq.path)
				}
			}
		}
	}
}

func TestLongBridgeListPages(t *testing.T) {
	w := newWorld(t)
	w.brid.live = nil
	for _, ref := range []string{"space-3", "space-1", "space-5", "space-2", "space-4"} {
		w.brid.live = append(w.brid.live, gateway.BridgeInfo{Space: ref, Site: "paris.acme.test"})
	}
	var got []string
	path := "/api/v1/bridges?limit=2&site=paris.acme.test"
	for range 10 {
		rec := w.do(t, request{method: http.MethodGet, path: path, token: readToken})
		page := get[Page[Bridge]](t, w, path, readToken)
		for _, b := range page.Items {
			got = append(got, b.Space)
		}
		if len(got) == 2 { // an earlier one ends and a later one starts while the reader pages
			w.brid.live = slices.DeleteFunc(w.brid.live, func(b gateway.BridgeInfo) bool { return b.Space == "space-2" })
			w.brid.live = append(w.brid.live, gateway.BridgeInfo{Space: "space-6", Site: "paris.acme.test"})
		}
		link := rec.Header().Get("Link")
		if page.NextCursor == "" {
			if link != "" {
				t.Errorf("last page has Link %q", link)
			}
			break
		}
		next, rel, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if rel != `; rel="next"` || !strings.Contains(next, "site=paris.acme.test") || !strings.Contains(next, "cursor="+page.NextCursor) {
			t.Fatalf("Link %q", link)
		}
		path = next
	}
	if want := []string{"space-1", "space-2", "space-3", "space-4", "space-5", "space-6"}; !slices.Equal(got, want) {
		t.Errorf("paged %v, want %v", got, want)
	}
}

func TestBadQueriesNameTheField(t *testing.T) {
	w := newWorld(t)
	for query, field := range map[string]string{
		"bridges?limit=0": "query.limit", "bridges?limit=1001": "query.limit", "bridges?limit=x": "query.limit", "spaces?cursor=%25%25": "query.cursor",
		"sites?offset=3": "query.offset", "export?secrets=all": "query.secrets",
	} {
		rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/" + query, token: adminToken})
		if rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
			continue
		}
		if p := wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusUnprocessableEntity); len(p.Errors) == 0 || p.Errors[0].Location != field {
			t.Errorf("%s: %s does not name %s", query, rec.Body, field)
		}
	}
}

func TestFaultsRepeatNoValue(t *testing.T) {
	w := newWorld(t)
	for _, rq := range []request{
		{method: http.MethodPut, path: "/api/v1/sites/paris.acme.test/gateway-number", body: `{"number":"48213907752-48213907752"}`},
		{method: http.MethodPut, path: "/api/v1/sites/paris.acme.test/gateway-number", body: `{"number":null,"pin":"48213907752"}`},
		{method: http.MethodPut, path: "/api/v1/sites/paris.acme.test/gateway-number", body: `48213907752`},
		{method: http.MethodPut, path: "/api/v1/sites/paris.acme.test/gateway-number", body: `48213907752`, header: map[string]string{"Content-Type": "text/plain"}},
		{method: http.MethodPost, path: "/api/v1/import", body: `48213907752`, header: map[string]string{"Content-Type": "text/plain"}},
		{method: http.MethodGet, path: "/api/v1/spaces?limit=48213907752"},
		{method: http.MethodGet, path: "/api/v1/spaces?cursor=48213907752=48213907752"},
	} {
		rq.token = adminToken
		rec := w.do(t, rq)
		if rec.Code < 400 || rec.Code >= 500 || strings.Contains(rec.Body.String(), "48213907752") {
			t.Errorf("%s %s %s: %d %s", rq.method, rq.path, rq.body, rec.Code, rec.Body)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{http.MethodGet, "/api/v1/nothing", http.StatusNotFound, ""},
		{http.MethodGet, "/api/v1/bridges/", http.StatusNotFound, ""},
		{http.MethodPost, "/api/v1/status", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodDelete, "/api/v1/sites/paris.acme.test/gateway-number", http.StatusMethodNotAllowed, "GET, HEAD, PUT"},
	} {
		rec := w.do(t, request{method: c.method, path: c.path, token: adminToken})
		if rec.Code != c.code || rec.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, rec.Code, rec.Header().Get("Allow"))
		}
		wantProblem(t, rec.Header(), rec.Body.Bytes(), c.code)
	}
}
