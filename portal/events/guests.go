package events

import (
	"slices"

	"passerelle/directory"
	"passerelle/hoteling"
)

// Guest is a user who is at home on another's phone, or was.
type Guest struct {
	Host  Person `json:"host"`  // whose phone it is
	Guest Person `json:"guest"` // who is signed in there, or was
	Cause string `json:"cause"` // the road: phone, code, api, portal, limit, move, settings
}

// Person is a user or workspace. One that the directory has forgotten has its number only.
type Person struct {
	Ref  uint64 `json:"ref"`
	Name string `json:"name,omitempty"`
	Line string `json:"line,omitempty"`
	Site string `json:"site,omitempty"`
}

// OfGuest tells who signed in or out on a host phone.
func OfGuest(dir *directory.Directory, c hoteling.Change) Draft {
	d := Draft{Type: GuestSignedIn}
	guest := c.Guest
	if guest == 0 {
		d.Type, guest = GuestSignedOut, c.Was
	}
	g := Guest{Host: personOf(dir, c.Host), Guest: personOf(dir, guest), Cause: string(c.Cause)}
	for _, site := range []string{g.Host.Site, g.Guest.Site} {
		if site != "" && !slices.Contains(d.Sites, site) {
			d.Sites = append(d.Sites, site)
		}
	}
	d.Data = g
	return d
}

func personOf(dir *directory.Directory, ref uint64) Person {
	if u, ok := dir.UserByRef(ref); ok {
		return person(u)
	}
	return Person{Ref: ref}
}

func person(u *directory.User) Person {
	return Person{Ref: u.Ref, Name: u.Name, Line: u.Line(), Site: u.Site.Domain}
}
