package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/store"
	"passerelle/store/storetest"
)

// sameEnterprise compares what a file can say; secrets by their text.
var sameEnterprise = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(directory.User{}, "Site", "Ref", "Revision", "PortalPassword", "PortalPasswordHash"),
	cmpopts.IgnoreFields(directory.Device{}, "User", "Primary"),
	cmpopts.IgnoreFields(directory.Trunk{}, "Site"),
	cmpopts.IgnoreFields(directory.Site{}, "Revision"),
	cmp.Transformer("reveal", func(s directory.Secret) string { return s.Reveal() }),
}

func load(t *testing.T, s *store.Store) *directory.Enterprise {
	t.Helper()
	e, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func importInto(t *testing.T, s *store.Store, e *directory.Enterprise) {
	t.Helper()
	if err := s.Import(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyStore(t *testing.T) {
	s := storetest.New(t)
	e := load(t, s)
	if len(e.Sites) != 0 || e.Name != "" {
		t.Fatalf("an empty store has %+v", e)
	}
	if _, err := directory.New(e); err != nil {
		t.Fatal("a server cannot start on an empty store:", err)
	}
	if empty, err := s.Empty(t.Context()); !empty || err != nil {
		t.Fatal("Empty:", empty, err)
	}
}

func TestImportIsWhatLoadGives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "passerelle.db")
	s := storetest.Open(t, path)
	importInto(t, s, demo())
	if diff := cmp.Diff(demo(), load(t, s), sameEnterprise); diff != "" {
		t.Fatal("loaded differs from imported:\n" + diff)
	}
	if empty, err := s.Empty(t.Context()); empty || err != nil {
		t.Fatal("Empty:", empty, err)
	}
	storetest.Close(t, s)
	again := storetest.Open(t, path)
	if diff := cmp.Diff(demo(), load(t, again), sameEnterprise); diff != "" {
		t.Fatal("after reopening:\n" + diff)
	}
}

func TestNoSecretInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s := storetest.Open(t, path)
	importInto(t, s, sitefile.Demo())
	storetest.Close(t, s)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, site := range sitefile.Demo().Sites {
		for u := range site.Everyone() {
			u.EachSecret(func(field string, _ directory.Purpose, secret *directory.Secret) {
				n++
				if bytes.Contains(raw, []byte(secret.Reveal())) {
					t.Errorf("the file shows the %s of %s", field, u.Name)
				}
			})
		}
	}
	if n < 15 {
		t.Fatalf("only %d secrets were looked for", n)
	}
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	storetest.Close(t, storetest.Open(t, path))
	if _, err := store.Open(path, store.NewKey()); !errors.Is(err, store.ErrWrongKey) {
		t.Fatalf("opened with another key: %v", err)
	}
	storetest.Open(t, path) // the failed attempt let go of the file and changed nothing
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	storetest.Open(t, path)
	if _, err := store.Open(path, storetest.Key); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("opened twice: %v", err)
	}
}

func TestImportReplacesOnlyItsSites(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, demo())
	before := load(t, s)

	next := demo()
	next.Sites = next.Sites[1:]     // Montreal alone
	next.Sites[0].Users = nil       // without Dana
	next.Sites[0].Name = "Montréal" // renamed
	importInto(t, s, next)
	after := load(t, s)

	if diff := cmp.Diff(before.Sites[0], after.Sites[0], sameEnterprise); diff != "" {
		t.Error("Paris changed:\n" + diff)
	}
	if after.Sites[1].Name != "Montréal" || len(after.Sites[1].Users) != 0 || len(after.Sites[1].Workspaces) != 1 {
		t.Errorf("Montreal was not replaced: %+v", after.Sites[1])
	}
}

func TestRefsAreStable(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, demo())
	refs := refsOf(load(t, s))

	next := demo()
	paris := next.Sites[0]
	paris.Users = append([]*directory.User{{Name: "New first", Extension: "250", Pack: directory.Premium}}, paris.Users[1:]...) // Alice left
	importInto(t, s, next)
	after := refsOf(load(t, s))
	for name, ref := range after {
		switch before, known := refs[name]; {
		case known && ref != before:
			t.Errorf("%s was %d and is %d", name, before, ref)
		case !known && ref <= refs["Visitor desk"]:
			t.Errorf("%s got %d, which somebody had before", name, ref)
		}
	}
	importInto(t, s, demo()) // Alice is back, as somebody new
	if again := refsOf(load(t, s)); again["Alice Martin"] == refs["Alice Martin"] || again["Alice Martin"] == after["New first"] {
		t.Errorf("Alice came back with a used number: %d", again["Alice Martin"])
	}
}

func refsOf(e *directory.Enterprise) map[string]uint64 {
	refs := make(map[string]uint64)
	for _, s := range e.Sites {
		for u := range s.Everyone() {
			refs[u.Name] = u.Ref
		}
	}
	return refs
}

func TestSpaceIDsAreGeneratedOnceAndKept(t *testing.T) {
	s := storetest.New(t)
	without := func() *directory.Enterprise {
		e := demo()
		for _, u := range e.Sites[0].Users {
			u.SpaceID = ""
		}
		return e
	}
	importInto(t, s, without())
	first := load(t, s).Sites[0].Users
	for _, u := range first {
		if u.Entitled() != (u.SpaceID != "") {
			t.Errorf("%s: entitled %v, has a space ID %v", u.Name, u.Entitled(), u.SpaceID != "")
		}
		if u.SpaceID != "" && (!directory.ValidSpaceID(demo().Sites[0], u.SpaceID.Reveal()) || len(u.SpaceID.Reveal()) != 11) {
			t.Errorf("%s got a bad space ID", u.Name)
		}
	}
	importInto(t, s, without())
	for i, u := range load(t, s).Sites[0].Users {
		if u.SpaceID != first[i].SpaceID {
			t.Errorf("the space ID of %s changed with a second import", u.Name)
		}
	}
}

func TestImportOfFaultyDataChangesNothing(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, demo())
	before := load(t, s)

	// Sound by itself, but a number of it is Alice's already.
	e := &directory.Enterprise{Name: "acme", Sites: []*directory.Site{directory.NewSite()}}
	site := e.Sites[0]
	site.Name, site.Domain, site.Country, site.Timezone = "Lyon", "lyon.acme.test", "FR", "Europe/Paris"
	site.Users = []*directory.User{directory.NewUser(directory.Person)}
	site.Users[0].Name, site.Users[0].Number = "Thief", "+33170001201"
	err := s.Import(t.Context(), e, nil)
	if !errors.Is(err, directory.ErrInvalid) {
		t.Fatalf("imported a duplicate number: %v", err)
	}
	if faults := directory.Faults(err); len(faults) != 1 || faults[0].Path != "sites[2].users[0].number" {
		t.Errorf("faults: %v", err)
	}
	if diff := cmp.Diff(before, load(t, s), sameEnterprise); diff != "" {
		t.Error("a refused import left traces:\n" + diff)
	}
}

func TestCancelledImportChangesNothing(t *testing.T) {
	s := storetest.New(t)
	ctx, cancel := contextWithCancel(t)
	e := bulk(1000)
	err := s.Import(ctx, e, func(done, _ int) {
		if done >= 300 {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("the import ran on after its context ended")
	}
	if empty, _ := s.Empty(t.Context()); !empty {
		t.Error("a cancelled import left traces")
	}
}

func TestProgressIsTold(t *testing.T) {
	s := storetest.New(t)
	last, calls := 0, 0
	if err := s.Import(t.Context(), bulk(1050), func(done, total int) {
		if total != 1050 || done < last {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
		calls++
	}); err != nil {
		t.Fatal(err)
	}
	if last != 1050 || calls != 11 {
		t.Errorf("%d calls, the last with %d", calls, last)
	}
}

func TestClosed(t *testing.T) {
	s := storetest.New(t)
	storetest.Close(t, s)
	if _, err := s.Load(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Error("Load:", err)
	}
	if err := s.Import(t.Context(), demo(), nil); !errors.Is(err, store.ErrClosed) {
		t.Error("Import:", err)
	}
}
