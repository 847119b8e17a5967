package directory_test

import (
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// stored is the demo as a store gives it: with Refs.
func stored(t *testing.T) *directory.Enterprise {
	t.Helper()
	e := sitefile.Demo()
	if _, err := directory.New(e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestMergeKeepsWhoSomebodyIs(t *testing.T) {
	base, next := stored(t), sitefile.Demo()
	alice, bruno, camille := base.Sites[0].Users[0], base.Sites[0].Users[1], base.Sites[0].Users[2]

	// Alice has another name, but her number. Bruno has another number, but his extension and name, and no space any
	// more. Camille's extension is somebody else's now. X is new.
	paris, montreal := next.Sites[0], next.Sites[1]
	paris.Users[0].Name, paris.Users[0].SpaceID = "Alice Durand", ""
	paris.Users[1].Number, paris.Users[1].Collaboration, paris.Users[1].SpaceID = "+33170001299", false, ""
	paris.Users[2].Number, paris.Users[2].Name = "+33170001298", "Camille's successor"
	montreal.Users = append(montreal.Users, &directory.User{Name: "X", Extension: "299"})
	merged := directory.Merge(base, next, false)

	got := merged.Sites[0].Users
	if got[0].Ref != alice.Ref || got[0].SpaceID != alice.SpaceID {
		t.Error("Alice changed her name and lost her space")
	}
	if got[1].Ref != bruno.Ref || got[1].SpaceID != "" {
		t.Errorf("Bruno with a new number: ref %d, space ID kept without being entitled: %v", got[1].Ref, got[1].SpaceID != "")
	}
	if got[2].Ref == camille.Ref || got[2].PIN != "112233" {
		t.Error("the extension's new owner inherits from the former one")
	}
	if x := merged.Sites[1].Users[1]; x.Ref != 0 {
		t.Errorf("a new user has a number before the store gave one: %d", x.Ref)
	}
}

func TestMergeMovesAUserToAnotherSite(t *testing.T) {
	base, next := stored(t), sitefile.Demo()
	alice := next.Sites[0].Users[0]
	next.Sites[0].Users = next.Sites[0].Users[1:]
	alice.SpaceID = ""
	next.Sites[1].Users = append(next.Sites[1].Users, alice)
	merged := directory.Merge(base, next, false)
	moved := merged.Sites[1].Users[1]
	if moved.Ref != base.Sites[0].Users[0].Ref || moved.SpaceID != "48213907752" {
		t.Error("Alice moved and lost her space")
	}
}

func TestMergeOrder(t *testing.T) {
	base, next := stored(t), sitefile.Demo()
	montreal := next.Sites[1]
	lyon := &directory.Site{Name: "Lyon", Domain: "lyon.acme.test"}
	montreal.Domain = "MONTREAL.acme.test"
	next.Sites = []*directory.Site{lyon, montreal}
	merged := directory.Merge(base, next, false)
	want := []*directory.Site{base.Sites[0], montreal, lyon}
	if len(merged.Sites) != len(want) {
		t.Fatalf("%d sites", len(merged.Sites))
	}
	for i, s := range merged.Sites {
		if s != want[i] {
			t.Errorf("site %d is %s, want %s", i, s.Name, want[i].Name)
		}
	}
}
