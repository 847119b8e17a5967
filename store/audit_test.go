package store_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/directory/sitefile"
	"passerelle/store"
	"passerelle/store/storetest"
)

// entries are those of the journal, the latest first.
func entries(t *testing.T, s *store.Store, q audit.Query) []audit.Entry {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	p, err := s.Audit(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p.Entries
}

func TestEditsAreRecorded(t *testing.T) {
	s := storetest.New(t)
	if err := s.Import(t.Context(), sitefile.Demo(), nil); err != nil {
		t.Fatal(err)
	}
	first := entries(t, s, audit.Query{})
	if len(first) != 1 || first[0].By.Via != audit.ViaServer || len(first[0].Changes) < 5 || first[0].Changes[0].Kind != audit.Added {
		t.Fatalf("%+v", first)
	}
	ctx := audit.With(t.Context(), &audit.Trail{Actor: audit.Actor{ID: "owner", Via: audit.ViaPortal, From: "192.0.2.9"}, Deed: "user.change"})
	broken := errors.New("no")
	for _, c := range []struct {
		change func(*directory.Enterprise) error
		want   int
	}{
		{func(e *directory.Enterprise) error { e.Sites[0].Users[0].DND = true; return nil }, 2},
		{func(*directory.Enterprise) error { return nil }, 2},
		{func(e *directory.Enterprise) error { e.Sites[0].Users[0].DND = false; return broken }, 2},
		{func(e *directory.Enterprise) error { e.Sites[0].Users[0].Extension = "no digits"; return nil }, 2},
		{func(e *directory.Enterprise) error { e.Sites[0].Users = e.Sites[0].Users[1:]; return nil }, 3},
	} {
		_ = s.Edit(ctx, nil, func(e *directory.Enterprise) (*directory.Enterprise, error) { return e, c.change(e) })
		if n := len(entries(t, s, audit.Query{})); n != c.want {
			t.Fatalf("%d entries, want %d", n, c.want)
		}
	}
	all := entries(t, s, audit.Query{})
	if e := all[0]; len(e.Changes) == 0 || e.Changes[len(e.Changes)-1].Kind != audit.Removed || e.Changes[len(e.Changes)-1].Name != "Alice Martin" {
		t.Errorf("%+v", e)
	}
	if e := all[1]; e.By.ID != "owner" || e.Deed != "user.change" || len(e.Changes) != 1 || e.Changes[0].Field != "dnd" || string(e.Changes[0].After) != "true" || !e.Undoable() {
		t.Errorf("%+v", e)
	}
}

func TestAnEntryIsUndoneOnce(t *testing.T) {
	s := storetest.New(t)
	id, err := s.Record(t.Context(), audit.Entry{Deed: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), audit.Entry{Deed: "b", Undoes: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), audit.Entry{Deed: "c", Undoes: id}); !errors.Is(err, audit.ErrUndone) {
		t.Error(err)
	}
	if e, err := s.AuditEntry(t.Context(), id); err != nil || e.UndoneBy != id+1 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := s.AuditEntry(t.Context(), 99); !errors.Is(err, audit.ErrNotFound) {
		t.Error(err)
	}
}

func TestJournalForgetsTheOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.New(t)
		s.KeepAudit(48 * time.Hour)
		for i := range 5 {
			if _, err := s.Record(t.Context(), audit.Entry{Deed: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Hour)
		}
		all := entries(t, s, audit.Query{})
		if len(all) != 3 || all[0].Deed != "4" || all[2].Deed != "2" {
			t.Errorf("%+v", all)
		}
		if since := entries(t, s, audit.Query{Since: all[1].At}); len(since) != 2 {
			t.Errorf("%+v", since)
		}
		if until := entries(t, s, audit.Query{Until: all[1].At}); len(until) != 1 || until[0].Deed != "2" {
			t.Errorf("%+v", until)
		}
	})
}

func TestJournalPages(t *testing.T) {
	s := storetest.New(t)
	for i := range 7 {
		if _, err := s.Record(t.Context(), audit.Entry{Deed: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	var seen string
	q := audit.Query{Limit: 2, Match: func(e *audit.Entry) bool { return e.Deed != "3" }}
	for {
		p, err := s.Audit(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			seen += e.Deed
		}
		if q.Before = p.Next; p.Next == 0 {
			break
		}
	}
	if seen != "654210" {
		t.Error(seen)
	}
}
