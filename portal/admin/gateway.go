package admin

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/i18n"
	"passerelle/portal/page"
)

// gatewayPage is a site's gateway number and the space IDs of its users.
type gatewayPage struct {
	Sites   []*directory.Site
	Site    *directory.Site
	Number  directory.Number
	Free    []directory.Number
	Changes bool // whether who is signed in may
	Effect  effect
	List    page.List[spaceRow]
}

// effect is what a change of the number touches.
type effect struct {
	Spaces, Users int
	Running       int // bridges, which go on
}

// spaceRow is a user of the site with the space, if the pack includes one.
type spaceRow struct {
	User         *directory.User
	Ref          string
	ID           string // empty for those who may not see it
	Entitled     bool
	Participants int
}

func (p *Portal) gateway(w http.ResponseWriter, r *http.Request) {
	if site, ok := p.site(w, r); ok {
		p.showGateway(w, r, site, http.StatusOK)
	}
}

func (p *Portal) showGateway(w http.ResponseWriter, r *http.Request, site *directory.Site, status int) {
	dir, who := p.cfg.Directory.Current(), account.Of(r.Context())
	q := page.ReadQuery(r, "name", "extension", "number", "pack")
	rows := p.spaceRows(dir, site, who.Changes(site), q)
	g := gatewayPage{
		Sites: who.Sites(dir), Site: site, Number: site.Gateway.Number, Free: dir.FreeNumbers(site), Changes: who.Changes(site),
		Effect: p.effect(dir, site), List: page.Cut(q, rows, compareSpaces(q.Sort)),
	}
	p.view.Render(w, r, pages, "gateway", status, page.Frame{
		Title: p.text(r, "nav.gateway"), Area: "gateway", Data: g,
		Trail: []page.Crumb{{Text: p.text(r, "nav.services"), Href: "/services"}, {Text: p.text(r, "services.productivity")}, {Text: p.text(r, "nav.gateway")}},
	})
}

// spaceRows are the site's people that the query finds; an ID is found only whole, by those who see it.
func (p *Portal) spaceRows(dir *directory.Directory, site *directory.Site, reveal bool, q page.Query) []spaceRow {
	seats := map[string]int{}
	for _, b := range p.cfg.Bridges.Bridges() {
		seats[b.Space] = len(b.Participants)
	}
	rows := []spaceRow{}
	for _, u := range site.Users {
		row := spaceRow{User: u}
		if sp, ok := dir.SpaceOf(u); ok {
			row.Entitled, row.Ref, row.Participants = true, sp.Ref, seats[sp.Ref]
			if reveal {
				row.ID = sp.ID.Reveal()
			}
		}
		if q.Matches(u.Name, string(u.Number), u.Extension, u.Email) || row.ID != "" && row.ID == q.Text {
			rows = append(rows, row)
		}
	}
	return rows
}

func compareSpaces(column string) func(a, b spaceRow) int {
	return func(a, b spaceRow) int {
		first := 0
		switch column {
		case "extension":
			first = cmp.Compare(a.User.Extension, b.User.Extension)
		case "number":
			first = cmp.Compare(a.User.Number, b.User.Number)
		case "pack":
			first = cmp.Compare(rank(a), rank(b))
		}
		return cmp.Or(first, byName(a.User, b.User))
	}
}

// rank puts those with a space first.
func rank(r spaceRow) int {
	switch {
	case r.User.Pack == directory.Premium:
		return 0
	case r.Entitled:
		return 1
	default:
		return 2
	}
}

func (p *Portal) effect(dir *directory.Directory, site *directory.Site) effect {
	e := effect{Users: len(site.Users)}
	for _, sp := range dir.Spaces() {
		if sp.Site == site {
			e.Spaces++
		}
	}
	for _, b := range p.cfg.Bridges.Bridges() {
		if b.Site == site.Domain {
			e.Running++
		}
	}
	return e
}

// assign gives the gateway a number, or another one in one step: no moment passes without.
func (p *Portal) assign(w http.ResponseWriter, r *http.Request) {
	site, ok := p.changeable(w, r)
	if !ok {
		return
	}
	number := directory.Number(r.PostFormValue("number"))
	if number == "" {
		p.view.Note(w, r, gatewayHref(site), page.Note{Key: "gateway.choose", Bad: true})
		return
	}
	if !slices.Contains(site.Numbers, number) {
		p.view.Note(w, r, gatewayHref(site), page.Note{Key: "gateway.not_free", Args: []any{i18n.Phone(string(number))}, Bad: true})
		return
	}
	p.change(w, r, site, number)
}

// unassign takes the number away, as the document for administrators has it; undo brings it back.
func (p *Portal) unassign(w http.ResponseWriter, r *http.Request) {
	if site, ok := p.changeable(w, r); ok {
		p.change(w, r, site, "")
	}
}

// change makes the change that a form asks for, unless the number is no longer the one that the form showed.
func (p *Portal) change(w http.ResponseWriter, r *http.Request, site *directory.Site, to directory.Number) {
	before := directory.Number(r.PostFormValue("before"))
	err := p.cfg.Gateways.AssignGateway(r.Context(), site.Domain, to, &before)
	back := gatewayHref(site)
	switch faults := directory.Faults(err); {
	case errors.Is(err, api.ErrChanged):
		p.view.Note(w, r, back, page.Note{Key: "gateway.changed_meanwhile", Bad: true})
		return
	case len(faults) > 0:
		p.log.InfoContext(r.Context(), "gateway number refused", "site", site.Domain, "number", string(to), "err", err)
		p.view.Note(w, r, back, page.Note{Key: "gateway.not_free", Args: []any{i18n.Phone(string(to))}, Bad: true})
		return
	case err != nil:
		p.view.Fail(w, r, "assign gateway number", err)
		return
	}
	note := page.Note{Key: "gateway.assigned", Args: []any{i18n.Phone(string(to))}, Undo: undo(site, before, to)}
	switch {
	case to == "":
		p.audit(r.Context(), "gateway number taken away", "site", site.Domain, "before", string(before))
		note.Key, note.Args = "gateway.unassigned", []any{i18n.Phone(string(before))}
	case before == "":
		p.audit(r.Context(), "gateway number assigned", "site", site.Domain, "number", string(to), "before", "")
	default:
		p.audit(r.Context(), "gateway number assigned", "site", site.Domain, "number", string(to), "before", string(before))
		note.Key, note.Args = "gateway.replaced", []any{i18n.Phone(string(before)), i18n.Phone(string(to))}
	}
	p.view.Note(w, r, back, note)
}

// undo is the form that puts before in the place of now.
func undo(site *directory.Site, before, now directory.Number) *page.Undo {
	u := &page.Undo{Action: "/services/gateway/assign", Fields: []page.Field{
		{Name: "site", Value: site.Domain}, {Name: "before", Value: string(now)}, {Name: "number", Value: string(before)},
	}}
	if before == "" {
		u.Action = "/services/gateway/unassign"
	}
	return u
}

func gatewayHref(site *directory.Site) string {
	return "/services/gateway?" + url.Values{"site": {site.Domain}}.Encode()
}
