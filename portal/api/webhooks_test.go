package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/portal/events"
)

// hooked prepares a webhook of Paris.
func hooked(t *testing.T, w *world) {
	t.Helper()
	w.report = w.hook(t, "paris.acme.test")
}

var (
	_ = exercise("list-webhooks", sample{path: "/webhooks", prepare: hooked})
	_ = exercise("create-webhook", sample{path: "/webhooks", body: `{"name":"CRM","url":"https://crm.acme.test/in","site":"paris.acme.test","types":["call.*"]}`})
	_ = exercise("get-webhook", sample{path: "/webhooks/REPORT", prepare: hooked})
	_ = exercise("change-webhook", sample{path: "/webhooks/REPORT", prepare: hooked, body: `{"active":false,"cursor":"oldest"}`})
	_ = exercise("renew-webhook-secret", sample{path: "/webhooks/REPORT/secret", prepare: hooked})
	_ = exercise("test-webhook", sample{path: "/webhooks/REPORT/test", prepare: hooked})
	_ = exercise("delete-webhook", sample{path: "/webhooks/REPORT", prepare: hooked})
)

// answer sends a request and decodes the answer, which must have the status.
func answer[T any](t *testing.T, w *world, code int, rq request) (v T, h http.Header) {
	t.Helper()
	if rq.body != "" && rq.header == nil {
		rq.header = map[string]string{"Content-Type": "application/json"}
	}
	if rq.token == "" {
		rq.token = eventsToken
	}
	rec := w.do(t, rq)
	if rec.Code != code {
		t.Fatalf("%s %s: %d %s, want %d", rq.method, rq.path, rec.Code, rec.Body, code)
	}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
	}
	return v, rec.Header()
}

func TestWebhookLife(t *testing.T) {
	w := newWorld(t)
	log := w.events.(*events.Log)
	post(t, log, draft(events.CallBegan, 1))
	made, h := answer[WebhookWithSecret](t, w, http.StatusCreated, request{method: http.MethodPost, path: "/api/v1/webhooks",
		body: `{"name":"CRM","url":"https://crm.acme.test/in","types":["call.ended"],"cursor":"oldest"}`})
	path := "/api/v1/webhooks/" + made.ID
	if !strings.HasPrefix(made.Secret, "whsec_") || !made.Active || h.Get("Location") != path || h.Get("ETag") == "" {
		t.Errorf("made %+v, at %q, tag %q", made, h.Get("Location"), h.Get("ETag"))
	}
	post(t, log, draft(events.CallEnded, 2))
	for range 1000 { // until it has come
		if shown, _ := answer[Webhook](t, w, http.StatusOK, request{method: http.MethodGet, path: path}); shown.Cursor == "testlog-2" && shown.Delivered != nil && shown.State == "active" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	w.hooks.mu.Lock()
	if len(w.hooks.got) != 1 || w.hooks.got[0] != "testlog-2" {
		t.Errorf("the receiver got %q", w.hooks.got)
	}
	w.hooks.fail = true
	w.hooks.mu.Unlock()
	if r, _ := answer[TestResult](t, w, http.StatusOK, request{method: http.MethodPost, path: path + "/test"}); r.Delivered || r.Error != "nobody listens" {
		t.Errorf("a test in vain: %+v", r)
	}

	// Two owners: the second has not seen what the first did.
	changed, h2 := answer[Webhook](t, w, http.StatusOK, request{method: http.MethodPatch, path: path, body: `{"name":"Sales","active":false}`,
		header: map[string]string{"Content-Type": "application/json", "If-Match": h.Get("ETag")}})
	if changed.Name != "Sales" || changed.State != "off" || changed.URL != made.URL || h2.Get("ETag") == h.Get("ETag") {
		t.Errorf("changed to %+v", changed)
	}
	answer[any](t, w, http.StatusPreconditionFailed, request{method: http.MethodPatch, path: path, body: `{"name":"Support"}`,
		header: map[string]string{"Content-Type": "application/json", "If-Match": h.Get("ETag")}})
	answer[any](t, w, http.StatusPreconditionFailed, request{method: http.MethodDelete, path: path, header: map[string]string{"If-Match": h.Get("ETag")}})
	renewed, _ := answer[WebhookWithSecret](t, w, http.StatusOK, request{method: http.MethodPost, path: path + "/secret"})
	if renewed.Secret == made.Secret || !strings.HasPrefix(renewed.Secret, "whsec_") {
		t.Error("the secret is the same")
	}
	list := get[Page[map[string]any]](t, w, "/api/v1/webhooks", eventsToken)
	if len(list.Items) != 1 || list.Items[0]["secret"] != nil {
		t.Errorf("listed %v", list.Items)
	}
	answer[any](t, w, http.StatusNoContent, request{method: http.MethodDelete, path: path})
	answer[any](t, w, http.StatusNotFound, request{method: http.MethodGet, path: path})
	if strings.Contains(w.log.String(), made.Secret) || strings.Contains(w.log.String(), renewed.Secret) {
		t.Error("a secret is in the log")
	}
}

func TestWebhooksThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for body, field := range map[string]string{
		`{"name":"x"}`:                                              "body.url",
		`{"url":"ftp://crm.acme.test/"}`:                            "body.url",
		`{"url":"https://me:pw@acme.test"}`:                         "body.url",
		`{"url":"http://127.0.0.1:9/"}`:                             "body.url",
		`{"url":"http://[fe80::1]/"}`:                               "body.url",
		`{"url":"https://crm.acme.test/","types":["call.strange"]}`: "body.types",
		`{"url":"https://crm.acme.test/","secret":"too-short"}`:     "body.secret",
		`{"url":"https://crm.acme.test/","cursor":"nonsense"}`:      "body.cursor",
	} {
		rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/webhooks", token: eventsToken, body: body, header: map[string]string{"Content-Type": "application/json"}})
		p := wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusUnprocessableEntity)
		if len(p.Errors) != 1 || p.Errors[0].Location != field || strings.Contains(rec.Body.String(), "too-short") {
			t.Errorf("%s: %s", body, rec.Body)
		}
	}
	for range events.MaxWebhooks {
		w.hook(t, "")
	}
	rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/webhooks", token: eventsToken, body: `{"url":"https://crm.acme.test/"}`, header: map[string]string{"Content-Type": "application/json"}})
	wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusConflict)
}

// TestWebhooksOfASite keeps a token of a site to webhooks of the site.
func TestWebhooksOfASite(t *testing.T) {
	w := newWorld(t)
	whole := w.hook(t, "")
	paris := w.hook(t, "paris.acme.test")
	ask := func(method, path, body string) int {
		return w.send(t, known(ofParis), request{method: method, path: "/api/v1" + path, body: body, header: map[string]string{"Content-Type": "application/json"}}).Code
	}
	for _, c := range []struct {
		method, path, body string
		code               int
	}{
		{http.MethodGet, "/webhooks/" + whole, "", http.StatusNotFound},
		{http.MethodDelete, "/webhooks/" + whole, "", http.StatusNotFound},
		{http.MethodPost, "/webhooks/" + whole + "/secret", "", http.StatusNotFound},
		{http.MethodPost, "/webhooks/" + whole + "/test", "", http.StatusNotFound},
		{http.MethodPatch, "/webhooks/" + paris, `{"site":""}`, http.StatusUnprocessableEntity},
		{http.MethodPatch, "/webhooks/" + paris, `{"site":"lyon.acme.test"}`, http.StatusNotFound},
		{http.MethodPatch, "/webhooks/" + paris, `{"name":"ours"}`, http.StatusOK},
		{http.MethodPost, "/webhooks", `{"url":"https://crm.acme.test/"}`, http.StatusCreated},
	} {
		if code := ask(c.method, c.path, c.body); code != c.code {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, code, c.code)
		}
	}
	for _, s := range w.hooked.Webhooks() {
		if s.ID != whole && s.Site != "paris.acme.test" {
			t.Errorf("the token of Paris has made %+v", s)
		}
	}
}
