package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestLineSettings(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/lines/%2B33170001201/settings"
	if got := get[LineSettings](t, w, path, readToken); got != (LineSettings{Line: "+33170001201", CallWaiting: true}) {
		t.Errorf("as it began: %+v", got)
	}
	for _, c := range []struct {
		body string
		code int
		want LineSettings
	}{
		{`{"dnd":true,"clir":true}`, 200, LineSettings{DND: true, CLIR: true, CallWaiting: true}},
		{`{"call_waiting":false,"reject_anonymous":true,"dnd":false}`, 200, LineSettings{CLIR: true, RejectAnonymous: true}},
		{`{"forwards":{"always":"202","no_answer":"voicemail","no_answer_seconds":15}}`, 422, LineSettings{CLIR: true, RejectAnonymous: true}}, // no mailbox
		{`{"forwards":{"always":"202","no_answer":"203","no_answer_seconds":15}}`, 200, LineSettings{CLIR: true, RejectAnonymous: true,
			Forwards: LineForwards{Always: "202", NoAnswer: "203", Seconds: 15}}},
		{`{"forwards":{"busy":"not a number"}}`, 422, LineSettings{CLIR: true, RejectAnonymous: true, Forwards: LineForwards{Always: "202", NoAnswer: "203", Seconds: 15}}},
		{`{"forwards":{"always":"","no_answer":""}}`, 200, LineSettings{CLIR: true, RejectAnonymous: true}},
		{`{"voicemail":"+33170009999","voicemail_retrieval":"sip:vm@198.51.100.9","mailbox":"box-201"}`, 200,
			LineSettings{CLIR: true, RejectAnonymous: true, Voicemail: "+33170009999", Retrieval: "sip:vm@198.51.100.9", Mailbox: "box-201"}},
		{`{"voicemail":"nowhere"}`, 422, LineSettings{CLIR: true, RejectAnonymous: true, Voicemail: "+33170009999", Retrieval: "sip:vm@198.51.100.9", Mailbox: "box-201"}},
		{`{"voicemail":"","voicemail_retrieval":"","mailbox":""}`, 200, LineSettings{CLIR: true, RejectAnonymous: true}},
		{`{"pickup_group":"accueil"}`, 200, LineSettings{CLIR: true, RejectAnonymous: true, PickupGroup: "accueil"}},
		{`{"pickup_group":""}`, 200, LineSettings{CLIR: true, RejectAnonymous: true}},
		{`{"colour":"red"}`, 422, LineSettings{CLIR: true, RejectAnonymous: true}},
		{`{}`, 200, LineSettings{CLIR: true, RejectAnonymous: true}},
	} {
		rec := w.do(t, request{method: http.MethodPatch, path: path, token: adminToken, body: c.body, header: map[string]string{"Content-Type": "application/json"}})
		if rec.Code != c.code {
			t.Errorf("%s: %d %s", c.body, rec.Code, rec.Body)
		}
		c.want.Line = "+33170001201"
		if got := get[LineSettings](t, w, path, readToken); got != c.want {
			t.Errorf("after %s: %+v, want %+v", c.body, got, c.want)
		}
	}
}

func TestLineSettingsAreProtected(t *testing.T) {
	w := newWorld(t)
	ask := func(line, token, body string) (int, string) {
		rec := w.do(t, request{method: http.MethodPatch, path: "/api/v1/lines/" + line + "/settings", token: token, body: body, header: map[string]string{"Content-Type": "application/json"}})
		return rec.Code, rec.Body.String()
	}
	if code, _ := ask("201", readToken, `{"dnd":true}`); code != http.StatusForbidden {
		t.Errorf("with the scope read: %d", code)
	}
	if code, _ := ask("299", adminToken, `{"dnd":true}`); code != http.StatusNotFound {
		t.Errorf("an unknown line: %d", code)
	}
	w.editor.fail = errBroken
	if code, body := ask("%2B33170001201", adminToken, `{"dnd":true}`); code != http.StatusInternalServerError || strings.Contains(body, "secret-place") {
		t.Errorf("a store that fails: %d %s", code, body)
	}
}
