package api

import (
	"net/http"
	"slices"
	"testing"
)

// TestMailboxes tells what waits for a line and reads it again.
func TestMailboxes(t *testing.T) {
	w := newWorld(t)
	if m := get[Mailbox](t, w, "/api/v1/mailboxes/201@paris.acme.test", readToken); m.Waiting || len(m.Counts) != 0 || m.Line != "+33170001201" {
		t.Errorf("before anything was told: %+v", m)
	}
	put := func(body string, want int) {
		t.Helper()
		rec := w.do(t, request{method: http.MethodPut, path: "/api/v1/mailboxes/+33170001201", token: adminToken, body: body, header: map[string]string{"Content-Type": "application/json"}})
		if rec.Code != want {
			t.Errorf("%s: %d %s, want %d", body, rec.Code, rec.Body, want)
		}
	}
	told := func(waiting bool, counts ...Messages) {
		t.Helper()
		m := get[Mailbox](t, w, "/api/v1/mailboxes/201@paris.acme.test", readToken)
		if m.Waiting != waiting || !slices.Equal(m.Counts, counts) {
			t.Errorf("kept %+v, want %t %+v", m, waiting, counts)
		}
	}
	put(`{"counts":[{"new":2,"old":8,"urgent_new":1}]}`, http.StatusOK)
	told(true, Messages{Class: "Voice-Message", New: 2, Old: 8, UrgentNew: 1})
	put(`{"waiting":true,"counts":[{"class":"Fax-Message","new":0,"old":1}]}`, http.StatusOK)
	told(true, Messages{Class: "Fax-Message", Old: 1})
	put(`{}`, http.StatusOK)
	told(false)
	for _, body := range []string{`{"counts":[{"new":-1}]}`, `{"counts":[{"class":"x: 1\r\ny","new":1}]}`, `{"counts":[{"old":1}]}`, `{"lamp":true}`} {
		put(body, http.StatusUnprocessableEntity)
	}
	for path, want := range map[string]int{"/api/v1/mailboxes/299@paris.acme.test": http.StatusNotFound, "/api/v1/mailboxes/+33170001201": http.StatusForbidden} {
		rec := w.do(t, request{method: http.MethodPut, path: path, token: map[int]string{404: adminToken, 403: readToken}[want], body: "{}", header: map[string]string{"Content-Type": "application/json"}})
		if rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
}
