package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/gateway"
	"passerelle/sip"
)

// fakeSpaceCalls keeps calls that come no further than ringing.
type fakeSpaceCalls struct {
	all  []gateway.OutcallInfo
	fail error
}

func (f *fakeSpaceCalls) Call(_ context.Context, space, to string) (gateway.OutcallInfo, error) {
	if f.fail != nil {
		return gateway.OutcallInfo{}, f.fail
	}
	i := gateway.OutcallInfo{ID: strconv.Itoa(len(f.all) + 1), Space: space, To: to, State: gateway.OutcallRinging, Participant: "p7", Since: time.Now()}
	f.all = append(f.all, i)
	return i, nil
}

func (f *fakeSpaceCalls) Outcalls(space string) []gateway.OutcallInfo {
	return slices.DeleteFunc(slices.Clone(f.all), func(i gateway.OutcallInfo) bool { return i.Space != space })
}

func (f *fakeSpaceCalls) EndOutcall(_ context.Context, space, id string) error {
	for i := range f.all {
		if o := &f.all[i]; o.Space == space && o.ID == id {
			o.State, o.Ended, o.Participant = gateway.OutcallCancelled, time.Now(), ""
			return nil
		}
	}
	return gateway.ErrNoOutcall
}

func (f *fakeSpaceCalls) RetryOutcall(ctx context.Context, space, id string) (gateway.OutcallInfo, error) {
	for _, o := range f.Outcalls(space) {
		if o.ID == id && !o.Over() {
			return gateway.OutcallInfo{}, gateway.ErrOutcallUp
		} else if o.ID == id {
			return f.Call(ctx, space, o.To)
		}
	}
	return gateway.OutcallInfo{}, gateway.ErrNoOutcall
}

func TestSpaceCalls(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/spaces/" + refOf(w.dir.Current(), 0) + "/calls"
	rec := w.do(t, request{method: http.MethodPost, path: path, token: adminToken, body: `{"to":"0612345678"}`})
	if rec.Code != http.StatusAccepted || rec.Header().Get("Location") != path+"/1" {
		t.Fatalf("%d %s at %s", rec.Code, rec.Body, rec.Header().Get("Location"))
	}
	if got := get[SpaceCall](t, w, path+"/1", readToken); got.To != "0612345678" || got.State != "ringing" || got.Participant != "p7" || got.Ended != nil {
		t.Errorf("%+v", got)
	}
	if rec := w.do(t, request{method: http.MethodPost, path: path + "/1/retry", token: adminToken}); rec.Code != http.StatusConflict {
		t.Errorf("retry of a call that is up: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, request{method: http.MethodDelete, path: path + "/1", token: adminToken}); rec.Code != http.StatusNoContent {
		t.Errorf("cancel: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, request{method: http.MethodPost, path: path + "/1/retry", token: adminToken}); rec.Code != http.StatusAccepted {
		t.Errorf("retry: %d %s", rec.Code, rec.Body)
	}
	if got := get[Page[SpaceCall]](t, w, path, readToken); len(got.Items) != 2 || got.Items[0].State != "cancelled" || got.Items[0].Ended == nil || got.Items[1].To != "0612345678" {
		t.Errorf("%+v", got)
	}
	if rec := w.do(t, request{method: http.MethodPost, path: path, token: readToken, body: `{}`}); rec.Code != http.StatusForbidden {
		t.Errorf("call with the read scope: %d", rec.Code)
	}
	for _, missing := range []request{
		{method: http.MethodGet, path: path + "/99"}, {method: http.MethodDelete, path: path + "/99"}, {method: http.MethodPost, path: path + "/99/retry"},
		{method: http.MethodGet, path: "/api/v1/spaces/space-99/calls"},
	} {
		missing.token = adminToken
		if rec := w.do(t, missing); rec.Code != http.StatusNotFound {
			t.Errorf("%s %s: %d", missing.method, missing.path, rec.Code)
		}
	}
}

// TestSpaceCallRefused says in words why a space calls nobody.
func TestSpaceCallRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		fail   error
		code   int
		detail string
	}{
		{"no number", gateway.ErrUnassigned, http.StatusConflict, "no gateway number is assigned"},
		{"full", gateway.ErrSpaceFull, http.StatusConflict, "all seats"},
		{"unknown space", gateway.ErrUnknownSpace, http.StatusNotFound, "no space"},
		{"draining", gateway.ErrDraining, http.StatusServiceUnavailable, "shutting down"},
		{"calling plan", &sip.StatusError{Code: 403, Reason: "Not In Calling Plan"}, http.StatusUnprocessableEntity, "Not In Calling Plan"},
		{"limit", &call.LimitError{Limit: call.LimitPerMinute}, http.StatusUnprocessableEntity, "Too Many Calls A Minute"},
		{"fault", errBroken, http.StatusInternalServerError, "reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.outs.fail = c.fail
			rec := w.do(t, request{method: http.MethodPost, path: "/api/v1/spaces/" + refOf(w.dir.Current(), 0) + "/calls", token: adminToken, body: `{}`})
			if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.detail) {
				t.Errorf("%d %s, want %d with %q", rec.Code, rec.Body, c.code, c.detail)
			}
		})
	}
}

func TestInvitation(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/spaces/" + refOf(w.dir.Current(), 0) + "/invitation"
	i := get[Invitation](t, w, path, adminToken)
	if i.Dial != "+33170001000,,48213907752#" || i.TelURI != "tel:+33170001000,,48213907752%23" || i.SIPURI != "sip:+33170001000@paris.acme.test;space=48213907752" ||
		!strings.Contains(i.Text, i.Dial) || !strings.Contains(i.Subject, "espace de Alice Martin") {
		t.Errorf("%+v", i)
	}
	if i := get[Invitation](t, w, path+"?language=en", adminToken); !strings.Contains(i.Text, "invites you") {
		t.Errorf("%+v", i)
	}
	if rec := w.do(t, request{method: http.MethodGet, path: path, token: readToken}); rec.Code != http.StatusForbidden || strings.Contains(rec.Body.String(), "48213907752") {
		t.Errorf("with the read scope: %d %s", rec.Code, rec.Body)
	}
	if err := w.gates.AssignGateway(t.Context(), "paris.acme.test", "", nil); err != nil {
		t.Fatal(err)
	}
	rec := w.do(t, request{method: http.MethodGet, path: path, token: adminToken})
	var problem struct{ Detail string }
	if err := json.Unmarshal(rec.Body.Bytes(), &problem); err != nil || rec.Code != http.StatusConflict || !strings.Contains(problem.Detail, "no gateway number") {
		t.Errorf("without a number: %d %s", rec.Code, rec.Body)
	}
}
