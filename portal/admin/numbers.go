package admin

import (
	"cmp"
	"net/http"

	"passerelle/directory"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

// numberRow is a number and who has it.
type numberRow struct {
	api.PhoneNumber
	Site *directory.Site
	User *directory.User // nil: nobody's line
}

// Use is what the number is for: user, workspace, gateway, inbound, or free.
func (n numberRow) Use() string {
	if n.Owner == nil {
		return "free"
	}
	return n.Owner.Type
}

// numbers lists the numbers of the sites, with whom each leads to.
func (p *Portal) numbers(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	q := page.ReadQuery(r, "number", "use", "name", "site")
	rows := []numberRow{}
	for _, s := range sites {
		lines := make(map[string]*directory.User)
		for u := range s.Everyone() {
			lines[string(u.Number)] = u
		}
		for _, n := range api.NumbersOf(s) {
			row := numberRow{PhoneNumber: n, Site: s, User: lines[n.Number]}
			if q.Matches(n.Number, row.name(), row.extension(), p.text(r, "numbers."+row.Use())) {
				rows = append(rows, row)
			}
		}
	}
	show(p, w, r, "numbers", all, page.Cut(q, rows, func(a, b numberRow) int {
		first := 0
		switch q.Sort {
		case "use":
			first = cmp.Compare(a.Use(), b.Use())
		case "name":
			first = cmp.Compare(a.name(), b.name())
		case "site":
			first = cmp.Compare(a.Site.Name, b.Site.Name)
		}
		return cmp.Or(first, cmp.Compare(a.Number, b.Number))
	}))
}

func (n numberRow) name() string {
	if n.User == nil {
		return ""
	}
	return n.User.Name
}

func (n numberRow) extension() string {
	if n.User == nil {
		return ""
	}
	return n.User.Extension
}
