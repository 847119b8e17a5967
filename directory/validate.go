package directory

import (
	"fmt"
	"strings"
)

// Validate checks every rule of the enterprise and gives all its faults, in the order of the file.
// It changes nothing.
func Validate(e *Enterprise) []*Fault {
	v := &validator{seen: make(map[string]Place), shared: make(map[Number]Place), extensions: make(map[*Site]map[string]bool)}
	v.collect(e)
	for i, s := range e.Sites {
		v.site(s, fmt.Sprintf("sites[%d]", i))
	}
	return v.faults
}

// validator gathers faults and what has been seen so far.
type validator struct {
	faults []*Fault
	seen   map[string]Place // kind and value → the first one
	sites  []*Site          // all of the enterprise
	lines  map[Number]*User // every user's number
	pools  map[Number]*Site // every site's numbers
	// extensions of the lines of a site, made when they are first asked for
	extensions map[*Site]map[string]bool
	shared     map[Number]Place // numbers on somebody else's phone → that phone
}

// collect notes what later rules look up.
func (v *validator) collect(e *Enterprise) {
	v.sites = e.Sites
	v.lines = make(map[Number]*User)
	v.pools = make(map[Number]*Site)
	for i, s := range e.Sites {
		for _, n := range s.Numbers {
			if v.pools[n] == nil {
				v.pools[n] = s
			}
		}
		eachUser(s, fmt.Sprintf("sites[%d]", i), func(u *User, path string) {
			if v.lines[u.Number] == nil && u.Number != "" {
				v.lines[u.Number] = u
			}
			if u.Phone == nil {
				return
			}
			for _, l := range u.Phone.Lines {
				if l.Number != u.Number {
					v.shared[l.Number] = Place{Path: joinPath(path, "phone.lines"), Owner: u.Phone, Field: "lines"}
				}
			}
		})
	}
}

// eachUser calls f with each user and workspace of the site and its path.
func eachUser(s *Site, path string, f func(u *User, path string)) {
	for i, u := range s.Users {
		f(u, fmt.Sprintf("%s.users[%d]", path, i))
	}
	for i, u := range s.Workspaces {
		f(u, fmt.Sprintf("%s.workspaces[%d]", path, i))
	}
}

// place is a struct under examination.
type place struct {
	v     *validator
	path  string
	owner any
}

func (v *validator) at(owner any, path string) place { return place{v: v, path: path, owner: owner} }

// fault notes that the field breaks a rule.
func (p place) fault(field, format string, args ...any) {
	p.v.faults = append(p.v.faults, &Fault{
		Path: joinPath(p.path, field), Cause: fmt.Sprintf(format, args...), Owner: p.owner, Field: field,
	})
}

// need notes an empty field that must not be.
func (p place) need(field, value string) bool {
	if value == "" {
		p.fault(field, "is missing")
	}
	return value != ""
}

// within notes a number outside its bounds.
func (p place) within(field string, value, least, most int) {
	if value < least || value > most {
		p.fault(field, "%d is out of range: %d to %d", value, least, most)
	}
}

// length notes a text that is too long for the phones and pages that show it.
func (p place) length(field, value string, most int) {
	if len(value) > most {
		p.fault(field, "is longer than %d bytes", most)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.fault(field, "has a control character")
	}
}

// unique notes a value that another struct has already. What it is called goes into the message,
// the value itself does not: it may be a secret.
func (p place) unique(field, kind, value string) bool {
	if value == "" {
		return true
	}
	return p.once(kind+"\x00"+value, field, kind)
}

// uniqueIn is unique within one site.
func (p place) uniqueIn(s *Site, field, kind, value string) {
	if value != "" {
		p.once(fmt.Sprintf("%s\x00%p\x00%s", kind, s, value), field, kind)
	}
}

// once notes the second use of a key.
func (p place) once(key, field, kind string) bool {
	first, dup := p.v.seen[key]
	if dup {
		p.clash(field, first, "duplicate %s: %s has it already", kind, first.Path)
		return false
	}
	p.v.seen[key] = Place{Path: joinPath(p.path, field), Owner: p.owner, Field: field}
	return true
}

// clash notes a field that does not go with another, whose path the message names.
func (p place) clash(field string, first Place, format string, args ...any) {
	p.fault(field, format, args...)
	p.v.faults[len(p.v.faults)-1].First = &first
}
