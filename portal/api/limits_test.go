package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/call"
)

func TestRouteIsExplained(t *testing.T) {
	w := newWorld(t)
	e := get[call.Explanation](t, w, "/api/v1/route?from=%2B33170001201&to=202", readToken)
	if e.Route != "line" || e.Destination != "Bruno Keller (+33170001202) of paris.acme.test" || len(e.Steps) < 3 {
		t.Errorf("%+v", e)
	}
	e = get[call.Explanation](t, w, "/api/v1/route?from=phone-201&to=%2B33170001000%3Bspace%3D"+spaceIDs[0], readToken)
	if e.Route != "gateway" || strings.Contains(strings.Join(e.Steps, "\n")+e.Destination, spaceIDs[0]) {
		t.Errorf("%+v", e)
	}
	for path, want := range map[string]int{
		"/api/v1/route?from=nobody&to=202":         http.StatusUnprocessableEntity,
		"/api/v1/route?from=201":                   http.StatusUnprocessableEntity,
		"/api/v1/route?to=201":                     http.StatusUnprocessableEntity,
		"/api/v1/route?from=&to=":                  http.StatusUnprocessableEntity,
		"/api/v1/route?from=201&to=202&x=1":        http.StatusUnprocessableEntity,
		"/api/v1/route?from=201&to=" + spaceIDs[0]: http.StatusOK,
	} {
		rec := w.do(t, request{method: http.MethodGet, path: path, token: readToken})
		if rec.Code != want {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if strings.Contains(rec.Body.String(), spaceIDs[0]) {
			t.Errorf("%s tells the space ID: %s", path, rec.Body)
		}
	}
	if strings.Contains(w.log.String(), spaceIDs[0]) {
		t.Error("the log tells the space ID")
	}
}

func TestRouteFailsWithoutItsCause(t *testing.T) {
	w := newWorld(t, func(w *world) { w.routes.fail = errBroken })
	rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/route?from=201&to=202", token: readToken})
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "secret-place") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	if list := get[Page[LineLimits]](t, w, "/api/v1/limits", readToken); len(list.Items) != 0 {
		t.Errorf("before the first call: %+v", list.Items)
	}
	alice := w.dir.Current().Sites()[0].Users[0]
	for range 3 {
		if _, err := w.guard.Admit(t.Context(), alice, call.ClassNational); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.guard.Admit(t.Context(), alice, call.ClassNational); err == nil {
		t.Fatal("a fourth call is admitted")
	}
	list := get[Page[LineLimits]](t, w, "/api/v1/limits?site=PARIS.acme.test", readToken)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list.Items)
	}
	l := list.Items[0]
	if l.Line != "+33170001201" || l.External != 3 || l.LastMinute != 3 || l.Simultaneous != 3 || l.PerMinute != 10 || l.Refused != 1 ||
		l.LastRefused == nil || l.LastLimit != "simultaneous" || l.LiftedUntil != nil {
		t.Errorf("%+v", l)
	}
	if other := get[Page[LineLimits]](t, w, "/api/v1/limits?site=lyon.acme.test", readToken); len(other.Items) != 0 {
		t.Errorf("of Lyon: %+v", other.Items)
	}

	const lift = "/api/v1/limits/+33170001201/lift"
	if rec := w.do(t, request{method: http.MethodPut, path: lift, token: readToken, body: `{"minutes": 60}`}); rec.Code != http.StatusForbidden {
		t.Errorf("lifted by a reader: %d", rec.Code)
	}
	for _, body := range []string{`{}`, `{"minutes": 0}`, `{"minutes": 1441}`, `{"minutes": "x"}`} {
		if rec := w.do(t, request{method: http.MethodPut, path: lift, token: adminToken, body: body}); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
	if rec := w.do(t, request{method: http.MethodPut, path: lift, token: adminToken, body: `{"minutes": 60}`}); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if _, err := w.guard.Admit(t.Context(), alice, call.ClassNational); err != nil {
		t.Errorf("not lifted: %v", err)
	}
	l = get[LineLimits](t, w, "/api/v1/limits/201@paris.acme.test", readToken)
	if l.LiftedUntil == nil || time.Until(*l.LiftedUntil) < 59*time.Minute || l.Refused != 0 {
		t.Errorf("%+v", l)
	}
	if !strings.Contains(w.log.String(), `"msg":"limits lifted","by":"ops","line":"+33170001201"`) {
		t.Errorf("who lifted them is not in the log: %s", w.log)
	}
	if rec := w.do(t, request{method: http.MethodDelete, path: lift, token: adminToken}); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if _, err := w.guard.Admit(t.Context(), alice, call.ClassNational); err == nil {
		t.Error("still lifted")
	}
	for _, rq := range []request{
		{method: http.MethodGet, path: "/api/v1/limits/999"}, {method: http.MethodDelete, path: "/api/v1/limits/999/lift"},
		{method: http.MethodPut, path: "/api/v1/limits/999/lift", body: `{"minutes": 1}`},
	} {
		rq.token = adminToken
		if rec := w.do(t, rq); rec.Code != http.StatusNotFound {
			t.Errorf("%s %s: %d", rq.method, rq.path, rec.Code)
		}
	}
}
