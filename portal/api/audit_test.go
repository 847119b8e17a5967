package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/audit"
	"passerelle/portal/auditor"
)

var (
	_ = exercise("list-changes", sample{path: "/audit", prepare: changed})
	_ = exercise("undo-change", sample{path: "/audit/1/undo", prepare: changed})
)

// changed is a world in which somebody has changed something.
func changed(_ *testing.T, w *world) {
	_, _ = w.audits.Record(context.Background(), audit.Entry{By: audit.Actor{ID: "owner", Via: audit.ViaPortal}, Deed: "line.settings", Changes: []audit.Change{{
		Kind: audit.Changed, Site: "paris.acme.test", User: 1, Name: "Alice Martin", Field: "dnd", Before: json.RawMessage("false"), After: json.RawMessage("true"),
	}}})
}

// fakeAudit is a journal in memory.
type fakeAudit struct {
	mu      sync.Mutex
	entries []audit.Entry // oldest first
	fail    error
}

func (f *fakeAudit) Record(_ context.Context, e audit.Entry) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.ID = uint64(len(f.entries) + 1)
	if e.At.IsZero() {
		e.At = time.Now()
	}
	f.entries = append(f.entries, e)
	return e.ID, nil
}

func (f *fakeAudit) Audit(_ context.Context, q audit.Query) (p audit.Page, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range slices.Backward(f.entries) {
		if q.Before != 0 && e.ID >= q.Before || !q.Match(&e) {
			continue
		}
		if len(p.Entries) == q.Limit {
			p.Next = e.ID + 1
			break
		}
		p.Entries = append(p.Entries, e)
	}
	return p, f.fail
}

func (f *fakeAudit) Undo(_ context.Context, id uint64, may func(*audit.Entry) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	if id > uint64(len(f.entries)) {
		return audit.ErrNotFound
	}
	return may(&f.entries[id-1])
}

// TestEveryOperationHasADeed holds each operation that may change something to the list of deeds.
func TestEveryOperationHasADeed(t *testing.T) {
	w := newWorld(t)
	seen := 0
	for path, item := range w.api.huma.OpenAPI().Paths {
		for _, op := range []string{idOf(item.Post), idOf(item.Put), idOf(item.Patch), idOf(item.Delete)} {
			if op == "" {
				continue
			}
			seen++
			if !auditor.KnowsOperation(op) {
				t.Errorf("%s (%s): portal/auditor/deeds.go has no name for what it does", op, path)
			}
		}
	}
	if seen < 20 {
		t.Error("few operations:", seen)
	}
}

func TestDeedsOfTheAPIAreRecorded(t *testing.T) {
	w := newWorld(t)
	space := refOf(w.dir.Current(), 0)
	if rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/bridges/" + space, token: readToken}); rec.Code != http.StatusForbidden {
		t.Fatal(rec.Code)
	}
	if rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/bridges/space-999", token: adminToken}); rec.Code != http.StatusNotFound {
		t.Fatal(rec.Code)
	}
	if len(w.audits.entries) != 0 {
		t.Fatalf("refusals are recorded: %+v", w.audits.entries)
	}
	if rec := w.do(t, request{method: http.MethodDelete, path: "/api/v1/bridges/" + space, token: adminToken}); rec.Code != http.StatusNoContent {
		t.Fatal(rec.Code, rec.Body)
	}
	page := get[Page[AuditEntry]](t, w, "/api/v1/audit", readToken)
	if len(page.Items) != 1 {
		t.Fatalf("%+v", page)
	}
	e := page.Items[0]
	if e.Deed != "bridge.end" || e.By.ID != "ops" || e.By.Via != "api" || e.By.From == "" || e.Subject != "Alice Martin (+33170001201)" || e.Site != "paris.acme.test" || e.Undoable {
		t.Errorf("%+v", e)
	}
}

func TestAuditPagesAndFilters(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		site := []string{"paris.acme.test", "lyon.acme.test"}[i%2]
		_, _ = w.audits.Record(t.Context(), audit.Entry{By: audit.Actor{ID: "owner", Via: audit.ViaPortal}, Deed: fmt.Sprint("d", i), Changes: []audit.Change{{
			Kind: audit.Changed, Site: site, Name: "x", Field: "dnd", Before: json.RawMessage("false"), After: json.RawMessage(`["a"]`),
		}}})
	}
	var seen []string
	for path := "/api/v1/audit?limit=2&site=PARIS.acme.test"; path != ""; {
		page := get[Page[AuditEntry]](t, w, path, readToken)
		for _, e := range page.Items {
			seen = append(seen, e.Deed)
			if !e.Undoable || e.Changes[0].Before != false || fmt.Sprint(e.Changes[0].After) != "[a]" {
				t.Errorf("%+v", e)
			}
		}
		path = ""
		if page.NextCursor != "" {
			path = "/api/v1/audit?limit=2&site=paris.acme.test&cursor=" + page.NextCursor
		}
	}
	if strings.Join(seen, " ") != "d4 d2 d0" {
		t.Error(seen)
	}
	if got := get[Page[AuditEntry]](t, w, "/api/v1/audit?deed=d1&by=owner", readToken); len(got.Items) != 1 {
		t.Errorf("%+v", got)
	}
	if rec := w.do(t, request{method: http.MethodGet, path: "/api/v1/audit?cursor=x", token: readToken}); rec.Code != http.StatusUnprocessableEntity {
		t.Error(rec.Code)
	}
}

func TestUndoByAPI(t *testing.T) {
	w := newWorld(t)
	_, _ = w.audits.Record(t.Context(), audit.Entry{Deed: "line.settings"})
	for _, c := range []struct {
		path string
		fail error
		want int
	}{
		{"/api/v1/audit/1/undo", nil, http.StatusNoContent},
		{"/api/v1/audit/1/undo", auditor.ErrForbidden, http.StatusForbidden},
		{"/api/v1/audit/7/undo", nil, http.StatusNotFound},
		{"/api/v1/audit/1/undo", audit.ErrUndone, http.StatusConflict},
		{"/api/v1/audit/1/undo", fmt.Errorf("dnd: %w", audit.ErrMeanwhile), http.StatusConflict},
		{"/api/v1/audit/1/undo", audit.ErrFinal, http.StatusConflict},
		{"/api/v1/audit/1/undo", errBroken, http.StatusInternalServerError},
	} {
		w.audits.fail = c.fail
		if rec := w.do(t, request{method: http.MethodPost, path: c.path, token: adminToken}); rec.Code != c.want {
			t.Errorf("%v: %d %s", c.fail, rec.Code, rec.Body)
		}
	}
}

func idOf(op *huma.Operation) string {
	if op == nil {
		return ""
	}
	return op.OperationID
}
