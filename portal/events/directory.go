package events

import (
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
)

// Changed is a site or user of the directory that was added, changed or removed. The fields are named as in the site file; their
// values are told by the API to who may see them.
type Changed struct {
	Site   string   `json:"site"`
	Name   string   `json:"name"`
	Ref    uint64   `json:"ref,omitempty"`  // of a user
	Kind   string   `json:"kind,omitempty"` // of a user: person or workspace
	Line   string   `json:"line,omitempty"` // of a user
	Fields []string `json:"fields,omitempty"`
}

// GatewayNumber is a change of a site's gateway number.
type GatewayNumber struct {
	Site   string `json:"site"`
	Number string `json:"number,omitempty"` // absent when none is assigned
	Before string `json:"before,omitempty"`
}

// OfDirectory tells what a new snapshot of the directory has made different. It takes a while for a large one: see PostLater.
func OfDirectory(before, after *directory.Directory, at time.Time) (all []Draft) {
	add := func(t Type, data any, sites ...string) {
		all = append(all, Draft{Type: t, Time: at, Sites: sites, Data: data})
	}
	for _, s := range after.Sites() {
		was, ok := before.SiteByDomain(s.Domain)
		if !ok {
			add(SiteAdded, Changed{Site: s.Domain, Name: s.Name}, s.Domain)
			was = &directory.Site{Gateway: s.Gateway}
		} else if fields := siteFields(was, s); len(fields) > 0 {
			add(SiteChanged, Changed{Site: s.Domain, Name: s.Name, Fields: fields}, s.Domain)
		}
		if was.Gateway.Number != s.Gateway.Number {
			add(GatewayNumberChanged, GatewayNumber{Site: s.Domain, Number: string(s.Gateway.Number), Before: string(was.Gateway.Number)}, s.Domain)
		}
		for u := range s.Everyone() {
			old, ok := before.UserByRef(u.Ref)
			c := Changed{Site: s.Domain, Name: u.Name, Ref: u.Ref, Kind: u.Kind.String(), Line: u.Line()}
			switch {
			case !ok:
				add(UserAdded, c, s.Domain)
			case old.Site.Domain != s.Domain:
				c.Fields = append([]string{"site"}, userFields(old, u)...)
				add(UserChanged, c, s.Domain, old.Site.Domain)
			default:
				if c.Fields = userFields(old, u); len(c.Fields) > 0 {
					add(UserChanged, c, s.Domain)
				}
			}
		}
	}
	for _, s := range before.Sites() {
		for u := range s.Everyone() {
			if _, ok := after.UserByRef(u.Ref); !ok {
				add(UserRemoved, Changed{Site: s.Domain, Name: u.Name, Ref: u.Ref, Kind: u.Kind.String(), Line: u.Line()}, s.Domain)
			}
		}
		if _, ok := after.SiteByDomain(s.Domain); !ok {
			add(SiteRemoved, Changed{Site: s.Domain, Name: s.Name}, s.Domain)
		}
	}
	return all
}

// userFields names the fields in which two states of a user differ.
func userFields(before, after *directory.User) []string {
	if kept(before.Revision, after.Revision) {
		return nil
	}
	return fieldsOf(audit.DiffUser(before, after, after.Site.Domain))
}

// siteFields names the fields in which two states of a site's own record differ, but for the gateway number.
func siteFields(before, after *directory.Site) []string {
	if kept(before.Revision, after.Revision) {
		return nil
	}
	return slices.DeleteFunc(fieldsOf(audit.DiffSite(before, after)), func(f string) bool { return f == "gateway.number" })
}

// kept reports whether two revisions of a stored record are the same one, which saves looking at ten thousand records.
func kept(before, after uint64) bool { return before == after && after != 0 }

func fieldsOf(changes []audit.Change) (fields []string) {
	for _, c := range changes {
		if !slices.Contains(fields, c.Field) {
			fields = append(fields, c.Field)
		}
	}
	return fields
}
