package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"passerelle/directory/sitefile"
	"passerelle/store"
	"passerelle/store/storetest"
)

func check(t *testing.T, s *store.Store, ref uint64, password string, want bool) {
	t.Helper()
	if ok, err := s.CheckPortalPassword(t.Context(), ref, password); err != nil || ok != want {
		t.Errorf("user %d with %q: %v, %v", ref, password, ok, err)
	}
}

func TestFewPortalPasswordsAreHashedAtOnce(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, sitefile.Demo())
	for _, site := range load(t, s).Sites {
		for _, u := range site.Users {
			if u.PortalPassword != "" || !strings.HasPrefix(u.PortalPasswordHash.Reveal(), "$argon2id$") {
				t.Errorf("%s: the password is kept, or not hashed", u.Name)
			}
		}
	}
	alice := load(t, s).Sites[0].Users[0]
	check(t, s, alice.Ref, "alice-demo", true)
	check(t, s, alice.Ref, "bruno-demo", false)
	check(t, s, alice.Ref, "", false)
	check(t, s, load(t, s).Sites[0].Workspaces[0].Ref, "", false) // no password, no way in
	if _, err := s.CheckPortalPassword(t.Context(), 99, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Error("nobody:", err)
	}
}

func TestManyPortalPasswordsAreHashedAtFirstSignIn(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, bulk(100))
	users := load(t, s).Sites[0].Users
	if users[7].PortalPassword.Reveal() != "portal-7" || users[7].PortalPasswordHash != "" {
		t.Fatal("hashed at import")
	}
	check(t, s, users[7].Ref, "portal-8", false)
	if load(t, s).Sites[0].Users[7].PortalPassword == "" {
		t.Error("a wrong password changed something")
	}
	var wg sync.WaitGroup
	for range 4 { // all at once: each is right, whoever comes first hashes
		wg.Go(func() { check(t, s, users[7].Ref, "portal-7", true) })
	}
	wg.Wait()
	now := load(t, s).Sites[0].Users
	if now[7].PortalPassword != "" || now[7].PortalPasswordHash == "" {
		t.Error("not hashed at the first sign-in")
	}
	if now[8].PortalPasswordHash != "" {
		t.Error("somebody else's was hashed")
	}
	check(t, s, users[7].Ref, "portal-7", true)
	check(t, s, users[7].Ref, "portal-8", false)
}

func TestGivenHashIsUsed(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, sitefile.Demo())
	hash := load(t, s).Sites[0].Users[0].PortalPasswordHash
	next := sitefile.Demo()
	bruno := next.Sites[0].Users[1]
	bruno.PortalPassword, bruno.PortalPasswordHash = "", hash
	importInto(t, s, next)
	check(t, s, load(t, s).Sites[0].Users[1].Ref, "alice-demo", true)
}
