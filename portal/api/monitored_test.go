package api

import (
	"net/http"
	"slices"
	"testing"
)

// TestMonitoredLines sets a list, and keeps it when another one is refused.
func TestMonitoredLines(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/lines/201@paris.acme.test/monitored"
	want := func(lines ...string) {
		t.Helper()
		m := get[Monitored](t, w, path, readToken)
		if !slices.Equal(m.Lines, lines) || m.URI != "sip:monitored@paris.acme.test" || m.Line != "+33170001201" {
			t.Errorf("the list is %+v, want %q", m, lines)
		}
	}
	want()
	for _, c := range []struct {
		token, body string
		code        int
		lines       []string
	}{
		{adminToken, `{"lines":["203","+33170001202"]}`, http.StatusOK, []string{"203", "+33170001202"}},
		{adminToken, `{"lines":["299"]}`, http.StatusUnprocessableEntity, []string{"203", "+33170001202"}},
		{adminToken, `{"lines":["202","202"]}`, http.StatusUnprocessableEntity, []string{"203", "+33170001202"}},
		{readToken, `{"lines":[]}`, http.StatusForbidden, []string{"203", "+33170001202"}},
		{adminToken, `{"lines":[]}`, http.StatusOK, nil},
	} {
		rec := w.do(t, request{method: http.MethodPut, path: path, token: c.token, body: c.body, header: map[string]string{"Content-Type": "application/json"}})
		if rec.Code != c.code {
			t.Errorf("%s: %d %s, want %d", c.body, rec.Code, rec.Body, c.code)
		}
		want(c.lines...)
	}
	rec := w.do(t, request{method: http.MethodPut, path: "/api/v1/lines/299/monitored", token: adminToken, body: `{"lines":[]}`, header: map[string]string{"Content-Type": "application/json"}})
	if rec.Code != http.StatusNotFound {
		t.Errorf("an unknown line: %d", rec.Code)
	}
}
