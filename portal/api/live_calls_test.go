package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/call/cdr"
)

var (
	_ = exercise("list-live-calls", sample{path: "/live-calls"})
	_ = exercise("get-live-call", sample{path: "/live-calls/c1"})
	_ = exercise("end-live-call", sample{path: "/live-calls/c1"})
)

// fakeLiveCalls are the calls that are up.
type fakeLiveCalls struct {
	mu   sync.Mutex
	live []call.LiveCall
	fail error
}

// someCalls are a call from Alice to Bruno, one of them for help, and one from Paris to Lyon that rings.
func someCalls(start time.Time) *fakeLiveCalls {
	leg := func(id, name, line, site string, d cdr.Direction, up bool) call.LiveLeg {
		l := call.LiveLeg{Record: cdr.Record{ID: "r" + id, Call: "c" + id, CallID: id, Direction: d, User: line, Site: site, Start: start, Route: "line"}, Name: name}
		if up {
			l.Answer, l.Codec = start.Add(time.Second), "PCMA"
		}
		return l
	}
	to, lyon := leg("1", "Bruno Keller", "+33170001202", "paris.acme.test", cdr.Out, true), leg("3", "Zoe", "201", "lyon.acme.test", cdr.Out, false)
	to.Held, lyon.Ringing = true, true
	help := leg("2", "Alice Martin", "+33170001201", "paris.acme.test", cdr.In, true)
	help.Route = "emergency"
	return &fakeLiveCalls{live: []call.LiveCall{
		{ID: "c1", Legs: []call.LiveLeg{leg("1", "Alice Martin", "+33170001201", "paris.acme.test", cdr.In, true), to}},
		{ID: "c2", Legs: []call.LiveLeg{help}},
		{ID: "c3", Legs: []call.LiveLeg{leg("3", "Camille Roy", "+33170001203", "paris.acme.test", cdr.In, false), lyon}},
	}}
}

func (f *fakeLiveCalls) LiveCalls() []call.LiveCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.live)
}

func (f *fakeLiveCalls) EndCall(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.live, func(c call.LiveCall) bool { return c.ID == id })
	switch {
	case f.fail != nil:
		return f.fail
	case i < 0:
		return call.ErrNoCall
	case f.live[i].Help():
		return call.ErrCallForHelp
	}
	f.live = slices.Delete(f.live, i, i+1)
	return nil
}

func TestLiveCalls(t *testing.T) {
	w := newWorld(t, func(w *world) { w.lives = someCalls(w.start) })
	all := get[Page[LiveCall]](t, w, "/api/v1/live-calls", readToken)
	if len(all.Items) != 3 || all.Items[0].ID != "c1" || all.Items[0].Answer == nil || all.Items[2].Answer != nil || !all.Items[1].Help {
		t.Fatalf("%+v", all)
	}
	if got := all.Items[0].Legs; got[0].State != "up" || got[1].State != "held" || got[1].Codec != "PCMA" || got[0].Name != "Alice Martin" || got[0].Line != "+33170001201" {
		t.Errorf("legs: %+v", got)
	}
	if got := all.Items[2].Legs; got[0].State != "trying" || got[1].State != "ringing" {
		t.Errorf("legs: %+v", got)
	}
	if got := get[Page[LiveCall]](t, w, "/api/v1/live-calls?site=LYON.acme.test", readToken); len(got.Items) != 1 || got.Items[0].ID != "c3" {
		t.Errorf("of Lyon: %+v", got)
	}
	if got := get[LiveCall](t, w, "/api/v1/live-calls/c3", readToken); got.ID != "c3" {
		t.Errorf("%+v", got)
	}
}

func TestEndLiveCall(t *testing.T) {
	for _, c := range []struct {
		name, id string
		fail     error
		code     int
	}{
		{"a call", "c1", nil, http.StatusNoContent},
		{"one that has just ended", "c1", call.ErrNoCall, http.StatusNoContent},
		{"an unknown one", "c9", nil, http.StatusNotFound},
		{"one for help", "c2", nil, http.StatusConflict},
		{"fails", "c1", errBroken, http.StatusInternalServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.lives = someCalls(w.start) })
			w.lives.fail = c.fail
			rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/live-calls/" + c.id, token: adminToken})
			if rec.Code != c.code {
				t.Fatalf("%d %s, want %d", rec.Code, rec.Body, c.code)
			}
			if ended := len(w.lives.LiveCalls()) == 2; ended != (c.code == http.StatusNoContent && c.fail == nil) {
				t.Error("ended:", ended)
			}
			if logged := strings.Contains(w.log.String(), `"by":"ops"`); logged != (c.code == http.StatusNoContent) {
				t.Errorf("in the log: %v: %s", logged, w.log)
			}
			if rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/live-calls/" + c.id, token: readToken}); rec.Code != http.StatusForbidden {
				t.Errorf("a token that only reads: %d", rec.Code)
			}
		})
	}
}

// TestLiveCallOfTwoSites is seen by both, and by nobody else.
func TestLiveCallOfTwoSites(t *testing.T) {
	w := newWorld(t, func(w *world) { w.lives = someCalls(w.start) })
	for site, want := range map[string]int{"lyon.acme.test": 1, "paris.acme.test": 3, "oslo.acme.test": 0} {
		who := known{Name: site, Scopes: []Scope{ScopeAdmin}, Site: site}
		rec := w.send(t, who, request{method: http.MethodGet, path: "/api/v1/live-calls"})
		if got := strings.Count(rec.Body.String(), `"legs"`); got != want {
			t.Errorf("%s sees %d calls, want %d: %s", site, got, want, rec.Body)
		}
	}
}
