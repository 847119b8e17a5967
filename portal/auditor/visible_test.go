package auditor

import (
	"errors"
	"testing"

	"passerelle/directory/audit"
)

// TestWhoMayTakeBack holds each viewer to what they could change themselves.
func TestWhoMayTakeBack(t *testing.T) {
	of := func(domains ...string) func(string) bool {
		return func(d string) bool {
			for _, one := range domains {
				if one == d {
					return true
				}
			}
			return false
		}
	}
	owner := Viewer{All: true, Sees: of("a", "b"), Users: of("a", "b"), Sites: of("a", "b")}
	siteAdmin := Viewer{Sees: of("a"), Users: of("a"), Sites: of("a")}
	helpDesk := Viewer{Sees: of("a"), Users: of(), Sites: of()}
	user := func(site, field string) audit.Change {
		return audit.Change{Kind: audit.Changed, Site: site, User: 7, Field: field}
	}
	site := func(domain, field string) audit.Change {
		return audit.Change{Kind: audit.Changed, Site: domain, Field: field}
	}
	for _, c := range []struct {
		name                      string
		changes                   []audit.Change
		owner, siteAdmin, helpDsk error
	}{
		{"a forward", []audit.Change{user("a", "forwards.always")}, nil, nil, ErrForbidden},
		{"a host's limit", []audit.Change{user("a", "phone.host.limit_hours")}, nil, nil, ErrForbidden},
		{"the gateway's number", []audit.Change{site("a", "gateway.number")}, nil, nil, ErrForbidden},
		{"roles", []audit.Change{user("a", "roles")}, nil, ErrForbidden, ErrForbidden},
		{"an address", []audit.Change{user("a", "email")}, nil, ErrForbidden, ErrForbidden},
		{"roles with a forward", []audit.Change{user("a", "forwards.always"), user("a", "roles")}, nil, ErrForbidden, ErrForbidden},
		{"a field that begins like another", []audit.Change{user("a", "pinned")}, nil, ErrForbidden, ErrForbidden},
		{"the site's domain", []audit.Change{site("a", "feature_codes")}, nil, ErrForbidden, ErrForbidden},
		{"another site's", []audit.Change{user("b", "dnd")}, nil, audit.ErrNotFound, audit.ErrNotFound},
		{"both sites'", []audit.Change{user("a", "dnd"), user("b", "dnd")}, nil, ErrForbidden, ErrForbidden},
	} {
		e := audit.Entry{Changes: c.changes}
		for _, v := range []struct {
			who  string
			view Viewer
			want error
		}{{"owner", owner, c.owner}, {"site admin", siteAdmin, c.siteAdmin}, {"help desk", helpDesk, c.helpDsk}} {
			if got := v.view.MayUndo(&e); !errors.Is(got, v.want) {
				t.Errorf("%s by %s: %v, want %v", c.name, v.who, got, v.want)
			}
		}
	}
	seen, ok := siteAdmin.Visible(audit.Entry{Site: "b", Subject: "Dana", Changes: []audit.Change{user("a", "dnd"), user("b", "dnd")}})
	if !ok || len(seen.Changes) != 1 || seen.More != 1 || seen.Subject != "" || seen.Undoable() {
		t.Errorf("%+v", seen)
	}
}
