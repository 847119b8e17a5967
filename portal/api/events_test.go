package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"passerelle/portal/events"
	"passerelle/portal/stream"
)

type note struct {
	N int `json:"n"`
}

func draft(t events.Type, n int, sites ...string) events.Draft {
	return events.Draft{Type: t, Sites: sites, Data: note{n}}
}

// numbers are the notes of a page.
func numbers(t *testing.T, list []events.Event) (all []int) {
	t.Helper()
	for _, e := range list {
		var n note
		if err := json.Unmarshal(e.Data, &n); err != nil {
			t.Fatal(err)
		}
		all = append(all, n.N)
	}
	return all
}

var _ = exercise("list-events", sample{path: "/events", prepare: func(t *testing.T, w *world) {
	post(t, w.events.(*events.Log), draft(events.CallBegan, 1, "paris.acme.test"), draft(events.ServerStarted, 2))
}})

func TestEventPages(t *testing.T) {
	log := newEventLog(t, 100)
	w := newWorld(t, func(w *world) { w.events = log })
	post(t, log, draft(events.CallBegan, 1, "paris.acme.test"), draft(events.CallEnded, 2, "lyon.acme.test"), draft(events.BridgeBegan, 3, "paris.acme.test"), draft(events.ServerStarted, 4))

	for _, c := range []struct {
		query string
		want  []int
	}{
		{"", []int{1, 2, 3, 4}},
		{"?cursor=oldest&limit=3", []int{1, 2, 3}},
		{"?type=call.*", []int{1, 2}},
		{"?type=call.ended,bridge.began", []int{2, 3}},
		{"?site=PARIS.acme.test", []int{1, 3}},
		{"?cursor=latest", nil},
		{"?cursor=testlog-3", []int{4}},
	} {
		p := get[EventPage](t, w, "/api/v1/events"+c.query, eventsToken)
		if got := numbers(t, p.Items); !slices.Equal(got, c.want) || p.NextCursor == "" || p.Items == nil {
			t.Errorf("%q gave %v, next %q; want %v", c.query, got, p.NextCursor, c.want)
		}
	}
	// The cursor of an empty page goes on with what comes later.
	p := get[EventPage](t, w, "/api/v1/events?cursor=latest", eventsToken)
	post(t, log, draft(events.CallBegan, 5))
	p = get[EventPage](t, w, "/api/v1/events?cursor="+p.NextCursor, eventsToken)
	if got := numbers(t, p.Items); !slices.Equal(got, []int{5}) || p.More {
		t.Errorf("after the cursor of an empty page: %v, more %v", got, p.More)
	}

	for query, code := range map[string]int{
		"cursor=testlog-77": http.StatusGone, "cursor=other-1": http.StatusGone, "cursor=nonsense": http.StatusUnprocessableEntity,
		"cursor=testlog-01": http.StatusUnprocessableEntity, "type=call.strange": http.StatusUnprocessableEntity, "type=strange.*": http.StatusUnprocessableEntity,
	} {
		rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/events?" + query, token: eventsToken})
		if rec.Code != code {
			t.Errorf("%s: %d %s, want %d", query, rec.Code, rec.Body, code)
		}
		wantProblem(t, rec.Header(), rec.Body.Bytes(), code)
	}
}

func TestCursorOfDroppedEventsIsGone(t *testing.T) {
	log := newEventLog(t, 2)
	w := newWorld(t, func(w *world) { w.events = log })
	for i := range 4 {
		post(t, log, draft(events.CallBegan, i+1))
	}
	for cursor, code := range map[string]int{"testlog-1": http.StatusGone, "testlog-2": http.StatusOK, "oldest": http.StatusOK} {
		for _, accept := range []string{"application/json", eventStream} {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // no stream goes on
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/events?cursor="+cursor, nil)
			r.Header.Set("Authorization", "Bearer "+eventsToken)
			r.Header.Set("Accept", accept)
			rec := httptest.NewRecorder()
			w.api.Handler(w.tokens).ServeHTTP(rec, r)
			if rec.Code != code {
				t.Errorf("%s as %s: %d, want %d", cursor, accept, rec.Code, code)
			}
		}
	}
}

// openStream follows the log over a real connection; next gives the lines of the next event.
func openStream(t *testing.T, server *httptest.Server, query, lastEvent string) (next func() map[string]string, resp *http.Response) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+eventsToken)
	r.Header.Set("Accept", eventStream)
	if lastEvent != "" {
		r.Header.Set("Last-Event-ID", lastEvent)
	}
	resp, err = server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return func() map[string]string {
		fields := map[string]string{}
		for lines.Scan() {
			name, value, ok := strings.Cut(lines.Text(), ": ")
			switch {
			case ok && name != "":
				fields[name] = value
			case fields["event"] != "":
				return fields
			}
		}
		return nil // the stream is over
	}, resp
}

func TestEventStream(t *testing.T) {
	log := newEventLog(t, 100)
	w := newWorld(t, func(w *world) { w.events = log })
	closing := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.api.Handler(w.tokens).ServeHTTP(rw, r.WithContext(stream.WithClosing(r.Context(), closing)))
	}))
	defer server.Close()
	post(t, log, draft(events.CallBegan, 1))

	next, resp := openStream(t, server, "", "")
	if kind := resp.Header.Get("Content-Type"); kind != eventStream {
		t.Fatalf("the stream has type %q", kind)
	}
	post(t, log, draft(events.CallEnded, 2), draft(events.CallBegan, 3))
	for _, want := range []string{"2 call.ended testlog-2", "3 call.began testlog-3"} {
		e := next()
		var got events.Event
		if err := json.Unmarshal([]byte(e["data"]), &got); err != nil {
			t.Fatalf("data %q: %v", e["data"], err)
		}
		if have := strings.Join([]string{string(got.Data[5 : len(got.Data)-1]), e["event"], e["id"]}, " "); have != want || got.ID != e["id"] {
			t.Errorf("the stream gave %q, want %q", have, want)
		}
	}
	// A reader that was cut off goes on where it was.
	again, _ := openStream(t, server, "?cursor=latest&type=call.began", "testlog-1")
	if e := again(); e["id"] != "testlog-3" {
		t.Errorf("after Last-Event-ID testlog-1 came %v", e)
	}
	close(closing)
	if next() != nil || again() != nil {
		t.Error("a stream went on though the server wants it to end")
	}
	for len(w.api.streams) > 0 { // each gives its place back soon
		post(t, log, draft(events.CallBegan, 0))
	}
}

func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t)
	for range maxStreams {
		w.api.streams <- struct{}{}
	}
	rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/events", token: eventsToken, header: map[string]string{"Accept": eventStream}})
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("one stream too many: %d", rec.Code)
	}
	wantProblem(t, rec.Header(), rec.Body.Bytes(), http.StatusServiceUnavailable)
}

// TestStreamEndsWithItsToken revokes the token of an open stream.
func TestStreamEndsWithItsToken(t *testing.T) {
	var id Identity
	err := error(nil)
	c := caller{again: func() (Identity, error) { return id, err }}
	if !c.still() {
		t.Error("nothing has changed")
	}
	id.Scopes = []Scope{ScopeRead}
	if c.still() {
		t.Error("the scope has changed")
	}
	id, err = Identity{}, ErrUnknownToken
	if c.still() {
		t.Error("the token is gone")
	}
}
