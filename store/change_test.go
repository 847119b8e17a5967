package store_test

import (
	"fmt"
	"slices"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/store/storetest"
)

// TestChangeGivesWhatLoadWould changes an enterprise in every way that the store has a hand in, and looks whether what it
// gives is what it keeps: numbers of users, space IDs, hashes of passwords, revisions.
func TestChangeGivesWhatLoadWould(t *testing.T) {
	s := storetest.New(t)
	if err := s.Import(t.Context(), sitefile.Demo(), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*directory.Site)
	}{
		{"a setting", func(s *directory.Site) { s.Users[1].DND = true }},
		{"a password", func(s *directory.Site) { s.Users[1].PortalPassword, s.Users[1].PortalPasswordHash = "another one", "" }},
		{"a space", func(s *directory.Site) { s.Users[2].Pack = directory.Premium }},
		{"another PIN", func(s *directory.Site) { s.Users[0].PIN = "918273" }},
		{"a user", func(s *directory.Site) {
			u := directory.NewUser(directory.Person)
			u.Name, u.Extension, u.Pack, u.PIN = "Élodie Petit", "241", directory.Premium, "730192"
			s.Users = append(s.Users, u)
		}},
		{"a user less", func(s *directory.Site) { s.Users = s.Users[:2] }},
		{"a number", func(s *directory.Site) { s.Gateway.Number = s.Numbers[1] }},
		{"nothing", func(*directory.Site) {}},
	} {
		got, err := s.Change(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
			c.change(e.Sites[0])
			return e, nil
		})
		if err != nil {
			t.Fatal(c.name, err)
		}
		loaded, err := s.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kept, err := directory.New(loaded)
		if err != nil {
			t.Fatal(err)
		}
		if given, want := describe(got.Sites()), describe(kept.Sites()); !slices.Equal(given, want) {
			t.Errorf("%s: given\n%q\nkept\n%q", c.name, given, want)
		}
	}
}

// describe is all of some sites, secrets too.
func describe(sites []*directory.Site) []string {
	all := []string{string(sitefile.Format(&directory.Enterprise{Name: "acme", Sites: sites}, sitefile.FormatOptions{}))}
	for _, s := range sites {
		all = append(all, fmt.Sprint(s.Domain, s.Revision))
		for u := range s.Everyone() {
			all = append(all, fmt.Sprint(u.Ref, u.Revision, u.Kind, u.Site.Domain, u.SpaceID.Reveal(), u.PIN.Reveal(), u.PortalPassword.Reveal(), u.PortalPasswordHash.Reveal()))
		}
	}
	return all
}
