package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/call/cdr"
)

// journal fills a journal with the two legs of each of n calls: in from Alice's phone, out by the carrier.
func journal(t *testing.T, n int) (*cdr.Journal, time.Time) {
	t.Helper()
	j, err := cdr.Open(cdr.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for i := range n {
		end := start.Add(time.Duration(i) * time.Minute)
		in := cdr.Record{
			ID: fmt.Sprintf("in%d", i), Call: fmt.Sprintf("call%d", i), Direction: cdr.In, User: "+33170001201", Device: "alice-app",
			Site: "paris.acme.test", Number: "+33612345678", Route: "trunk", Start: end.Add(-30 * time.Second), Ended: cdr.Peer, Code: 200, End: end,
		}
		if i%2 == 0 {
			in.Answer, in.Received = end.Add(-20500*time.Millisecond), cdr.NewQuality(1000, 10, 3*time.Millisecond, 40*time.Millisecond)
		}
		out := in
		out.ID, out.Direction, out.User, out.Device, out.Trunk = fmt.Sprintf("out%d", i), cdr.Out, "", "", "carrier"
		j.End(in)
		j.End(out)
	}
	return j, start
}

func TestCallRecords(t *testing.T) {
	j, start := journal(t, 5)
	w := newWorld(t, func(w *world) { w.records = j })
	all := get[Page[CallLeg]](t, w, "/api/v1/calls", readToken)
	if len(all.Items) != 10 || all.Items[0].ID != "out4" || all.Items[9].ID != "in0" || all.NextCursor != "" {
		t.Fatalf("all: %+v", all)
	}
	if c := all.Items[9]; c.Line != "+33170001201" || c.Device != "alice-app" || c.Answer == nil || c.Seconds != 21 || c.Received == nil ||
		c.Received.JitterMS != 3 || c.Received.DelayMS != 40 || c.Received.Lost != 10 || c.Received.MOS < 3 || c.Sent != nil {
		t.Errorf("an answered leg: %+v", c)
	}
	if c := all.Items[2]; c.Answer != nil || c.Seconds != 0 || c.Trunk != "carrier" {
		t.Errorf("an unanswered leg: %+v", c)
	}
	for query, want := range map[string]int{
		"site=PARIS.acme.test":        10,
		"site=lyon.acme.test":         0,
		"line=%2B33170001201":         5,
		"trunk=carrier":               5,
		"number=%2B33612345678":       10,
		"call=call3":                  2,
		"direction=in&answered=true":  3,
		"direction=in&answered=false": 2,
		"space=space-7":               0,
		"since=" + start.Add(3*time.Minute).Format(time.RFC3339): 4,
		"until=" + start.Add(3*time.Minute).Format(time.RFC3339): 6,
	} {
		if got := get[Page[CallLeg]](t, w, "/api/v1/calls?"+query, readToken); len(got.Items) != want {
			t.Errorf("%s: %d records, want %d", query, len(got.Items), want)
		}
	}
	for _, query := range []string{"cursor=!", "cursor=bm9uZQ", "direction=sideways", "since=yesterday", "limit=0", "colour=red"} {
		if rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/calls?" + query, token: readToken}); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
}

// TestCallRecordsByPage follows the links while further calls end.
func TestCallRecordsByPage(t *testing.T) {
	j, start := journal(t, 5)
	w := newWorld(t, func(w *world) { w.records = j })
	path, seen := "/api/v1/calls?limit=2&direction=in", ""
	for path != "" {
		rec := w.do(t, request{method: http.MethodGet, path: path, token: readToken})
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		for _, id := range []string{"in0", "in1", "in2", "in3", "in4", "late"} {
			if strings.Contains(rec.Body.String(), `"id":"`+id+`"`) {
				seen += " " + id
			}
		}
		path, _, _ = strings.Cut(strings.TrimPrefix(rec.Header().Get("Link"), "<"), ">")
		j.End(cdr.Record{ID: "late", Direction: cdr.In, Start: start, End: start.Add(time.Hour)})
	}
	if seen != " in3 in4 in1 in2 in0" {
		t.Errorf("pages held%s", seen)
	}
}
