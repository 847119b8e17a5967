package events_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/events"
)

// TestDirectoryChanges makes changes and asks what is told of them: fields by name, and no secret.
func TestDirectoryChanges(t *testing.T) {
	const secret = "90210777"
	for _, c := range []struct {
		name   string
		change func(e *directory.Enterprise)
		want   []string
	}{
		{"nothing", func(*directory.Enterprise) {}, nil},
		{"PIN", func(e *directory.Enterprise) { e.Sites[0].Users[0].PIN = secret }, []string{"user.changed pin"}},
		{"space ID", func(e *directory.Enterprise) {
			e.Sites[0].SpaceIDCheck = false
			e.Sites[0].Users[0].SpaceID = secret + "111"
		}, []string{"site.changed space_id_check", "user.changed space_id"}},
		{"phone", func(e *directory.Enterprise) {
			e.Sites[0].Users[0].Phone.Password = secret
			e.Sites[0].Users[0].Forwards.Always = "+33612345678"
		}, []string{"user.changed forwards.always phone.password"}},
		{"softphones", func(e *directory.Enterprise) {
			u := e.Sites[0].Users[0]
			u.Softphones = append(u.Softphones, &directory.Device{Username: "another-one", Password: secret})
		}, []string{"user.changed softphones"}},
		{"gateway", func(e *directory.Enterprise) { e.Sites[0].Gateway.Number = "" }, []string{"gateway_number.changed"}},
		{"site", func(e *directory.Enterprise) { e.Sites[0].Night.From = "21:00"; e.Sites[0].Night.To = "05:00" }, []string{"site.changed night.from night.to"}},
		{"user gone", func(e *directory.Enterprise) {
			s := e.Sites[len(e.Sites)-1] // the last of all, as the others' refs follow from the order
			if n := len(s.Workspaces); n > 0 {
				s.Workspaces = s.Workspaces[:n-1]
			} else {
				s.Users = s.Users[:len(s.Users)-1]
			}
		}, []string{"user.removed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, err := directory.New(sitefile.Demo())
			if err != nil {
				t.Fatal(err)
			}
			e := sitefile.Demo()
			c.change(e)
			after, err := directory.New(e)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range events.OfDirectory(before, after, time.Now()) {
				data, err := json.Marshal(d.Data)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(data), secret) {
					t.Errorf("a secret is told: %s", data)
				}
				if !slices.Contains(events.Types, d.Type) || len(d.Sites) != 1 {
					t.Errorf("%s of sites %v", d.Type, d.Sites)
				}
				what := string(d.Type)
				if changed, ok := d.Data.(events.Changed); ok {
					slices.Sort(changed.Fields)
					what = strings.TrimSpace(what + " " + strings.Join(changed.Fields, " "))
				}
				got = append(got, what)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// TestSitesComeAndGo tells of everybody in a site that is added or removed.
func TestSitesComeAndGo(t *testing.T) {
	empty, err := directory.New(&directory.Enterprise{Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	full, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	count := func(list []events.Draft) map[events.Type]int {
		n := map[events.Type]int{}
		for _, d := range list {
			n[d.Type]++
		}
		return n
	}
	users := 0
	for _, s := range full.Sites() {
		users += len(s.Users) + len(s.Workspaces)
	}
	if n := count(events.OfDirectory(empty, full, time.Now())); n[events.SiteAdded] != len(full.Sites()) || n[events.UserAdded] != users || len(n) != 2 {
		t.Errorf("added: %v", n)
	}
	if n := count(events.OfDirectory(full, empty, time.Now())); n[events.SiteRemoved] != len(full.Sites()) || n[events.UserRemoved] != users || len(n) != 2 {
		t.Errorf("removed: %v", n)
	}
}
