package store_test

import (
	"testing"

	"passerelle/directory"
	"passerelle/store/storetest"
)

// TestRevisions changes users and sites: each change is a new revision of what it touches and of nothing else, and the
// revisions are those of the file.
func TestRevisions(t *testing.T) {
	s := storetest.New(t)
	site := directory.NewSite()
	site.Name, site.Domain, site.Country, site.Timezone = "Paris", "paris.acme.test", "FR", "Europe/Paris"
	for i, name := range []string{"Alice", "Bruno"} {
		u := directory.NewUser(directory.Person)
		u.Name, u.Extension, u.PIN = name, []string{"201", "202"}[i], "2468"
		site.Users = append(site.Users, u)
	}
	if err := s.Import(t.Context(), &directory.Enterprise{Name: "acme", Sites: []*directory.Site{site}}, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name               string
		change             func(*directory.Site)
		site, alice, bruno uint64
	}{
		{"imported", nil, 1, 1, 1},
		{"nothing", func(*directory.Site) {}, 1, 1, 1},
		{"a setting", func(s *directory.Site) { s.Users[0].DND = true }, 1, 2, 1},
		{"a secret", func(s *directory.Site) { s.Users[1].PIN = "1357" }, 1, 2, 2},
		{"a site", func(s *directory.Site) { s.ParkSeconds = 30 }, 2, 2, 2},
		{"one goes before another", func(s *directory.Site) { s.Users = s.Users[1:] }, 2, 0, 2},
		{"a new one is no old one", func(s *directory.Site) {
			u := directory.NewUser(directory.Person)
			u.Name, u.Extension = "Alice", "201"
			s.Users = append([]*directory.User{u}, s.Users...)
		}, 2, 1, 2},
	} {
		if step.change != nil {
			err := s.Edit(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
				step.change(e.Sites[0])
				return e, nil
			})
			if err != nil {
				t.Fatal(step.name, err)
			}
		}
		e, err := s.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]uint64{}
		for _, u := range e.Sites[0].Users {
			got[u.Name] = u.Revision
		}
		if e.Sites[0].Revision != step.site || got["Alice"] != step.alice || got["Bruno"] != step.bruno {
			t.Errorf("%s: site %d, users %v", step.name, e.Sites[0].Revision, got)
		}
	}
}
