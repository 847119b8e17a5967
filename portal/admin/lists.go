package admin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/page"
	"passerelle/sip"
)

// listPage is a list over the sites that somebody sees, or one of them.
type listPage[T any] struct {
	Sites []*directory.Site
	Site  string // domain; empty is all
	List  page.List[T]
	Zone  *time.Location
}

// scope is the sites that a list's request means. Without one that may be seen the request is answered.
func (p *Portal) scope(w http.ResponseWriter, r *http.Request) (all, meant []*directory.Site, ok bool) {
	all = account.Of(r.Context()).Sites(p.cfg.Directory.Current())
	domain := r.URL.Query().Get("site")
	if domain == "" {
		return all, all, true
	}
	i := slices.IndexFunc(all, func(s *directory.Site) bool { return strings.EqualFold(s.Domain, domain) })
	if i < 0 {
		p.view.Refuse(w, r, http.StatusNotFound)
		return nil, nil, false
	}
	return all, all[i : i+1], true
}

// show writes a list's page.
func show[T any](p *Portal, w http.ResponseWriter, r *http.Request, name string, sites []*directory.Site, list page.List[T]) {
	p.view.Render(w, r, pages, name, http.StatusOK, frameOf(p, r, name, sites, list))
}

func frameOf[T any](p *Portal, r *http.Request, name string, sites []*directory.Site, list page.List[T]) page.Frame {
	return page.Frame{Title: p.text(r, "nav."+name), Area: name, Data: listPage[T]{
		Sites: sites, Site: strings.ToLower(r.URL.Query().Get("site")), List: list, Zone: p.view.Zone(r),
	}}
}

// userRow is a user or workspace.
type userRow struct {
	User      *directory.User
	Person    bool
	Reachable int // registered contacts
}

func (p *Portal) users(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	q := page.ReadQuery(r, "name", "extension", "number", "site", "phone")
	contacts := p.contacts()
	rows := []userRow{}
	for _, s := range sites {
		for u := range s.Everyone() {
			if q.Matches(u.Name, string(u.Number), u.Extension, u.Email) {
				rows = append(rows, userRow{u, u.Kind == directory.Person, contacts[sip.NewAOR(u.Line(), s.Domain)]})
			}
		}
	}
	show(p, w, r, "users", all, page.Cut(q, rows, func(a, b userRow) int {
		first := 0
		switch q.Sort {
		case "extension":
			first = cmp.Compare(a.User.Extension, b.User.Extension)
		case "number":
			first = cmp.Compare(a.User.Number, b.User.Number)
		case "site":
			first = cmp.Compare(a.User.Site.Name, b.User.Site.Name)
		case "phone":
			first = cmp.Compare(a.Reachable, b.Reachable)
		}
		return cmp.Or(first, byName(a.User, b.User))
	}))
}

// contacts counts the live contacts of each line.
func (p *Portal) contacts() map[sip.AOR]int {
	counts := make(map[sip.AOR]int)
	for b := range p.cfg.Registrations.All() {
		counts[b.AOR]++
	}
	return counts
}

// phoneRow is a device with its registration.
type phoneRow struct {
	Device  *directory.Device
	Contact *sip.Binding // nil: not registered
}

func (p *Portal) phones(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	q := page.ReadQuery(r, "name", "model", "state", "mac", "since")
	latest := map[string]*sip.Binding{}
	for b := range p.cfg.Registrations.All() {
		if now := latest[b.Username]; now == nil || now.Refreshed.Before(b.Refreshed) {
			latest[b.Username] = &b
		}
	}
	rows := []phoneRow{}
	for _, s := range sites {
		for u := range s.Everyone() {
			for _, d := range u.Devices() {
				row := phoneRow{Device: d, Contact: latest[d.Username]}
				agent := ""
				if row.Contact != nil {
					agent = row.Contact.UserAgent
				}
				if q.Matches(u.Name, string(u.Number), u.Extension, string(d.MAC), strings.ReplaceAll(string(d.MAC), ":", ""), d.Model, d.Username, agent) {
					rows = append(rows, row)
				}
			}
		}
	}
	show(p, w, r, "phones", all, page.Cut(q, rows, func(a, b phoneRow) int {
		first := 0
		switch q.Sort {
		case "model":
			first = cmp.Compare(a.Device.Model, b.Device.Model)
		case "mac":
			first = cmp.Compare(a.Device.MAC, b.Device.MAC)
		case "state":
			first = cmp.Compare(a.state(), b.state())
		case "since":
			first = a.since().Compare(b.since())
		}
		return cmp.Or(first, byName(a.Device.User, b.Device.User), cmp.Compare(a.Device.Username, b.Device.Username))
	}))
}

// state orders phones: those that cannot be reached come first.
func (r phoneRow) state() int {
	switch {
	case r.Contact == nil:
		return 0
	case !r.Contact.Reachable():
		return 1
	default:
		return 2
	}
}

func (r phoneRow) since() time.Time {
	if r.Contact == nil {
		return time.Time{}
	}
	return r.Contact.Since
}

func (p *Portal) registrations(w http.ResponseWriter, r *http.Request) {
	if all, list, ok := p.registrationList(w, r); ok {
		show(p, w, r, "registrations", all, list)
	}
}

// registrationsEvery is how often the registrations are looked at anew for somebody who follows them: there may be many.
const registrationsEvery = 3 * time.Second

// registrationEvents sends the list's rows whenever they have changed.
func (p *Portal) registrationEvents(w http.ResponseWriter, r *http.Request) {
	followList(p, w, r, registrationsEvery, "registrations", p.registrationList)
}

func (p *Portal) registrationList(w http.ResponseWriter, r *http.Request) (all []*directory.Site, list page.List[sip.Binding], ok bool) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return nil, list, false
	}
	q := page.ReadQuery(r, "aor", "source", "since", "expires", "agent")
	seen := map[string]bool{}
	for _, s := range sites {
		seen[s.Domain] = true
	}
	rows := []sip.Binding{}
	for b := range p.cfg.Registrations.All() {
		if seen[b.AOR.Domain()] && q.Matches(string(b.AOR), b.Contact, b.Username, b.UserAgent, b.Source.Remote.String()) {
			rows = append(rows, b)
		}
	}
	return all, page.Cut(q, rows, func(a, b sip.Binding) int {
		first := 0
		switch q.Sort {
		case "source":
			first = a.Source.Remote.Compare(b.Source.Remote)
		case "since":
			first = a.Since.Compare(b.Since)
		case "expires":
			first = a.Expires.Compare(b.Expires)
		case "agent":
			first = cmp.Compare(a.UserAgent, b.UserAgent)
		}
		return cmp.Or(first, cmp.Compare(a.AOR, b.AOR), cmp.Compare(a.Contact, b.Contact))
	}), true
}

// trunkRow is a trunk with its state.
type trunkRow struct {
	Trunk *directory.Trunk
	State trunks.State
}

func (p *Portal) trunks(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	q := page.ReadQuery(r, "name", "address", "site", "state")
	rows := p.trunkRows(sites)
	rows = slices.DeleteFunc(rows, func(t trunkRow) bool {
		return !q.Matches(t.Trunk.Name, t.Trunk.Address, t.Trunk.Domain, t.Trunk.Username)
	})
	show(p, w, r, "trunks", all, page.Cut(q, rows, func(a, b trunkRow) int {
		first := 0
		switch q.Sort {
		case "address":
			first = cmp.Compare(a.Trunk.Address, b.Trunk.Address)
		case "site":
			first = cmp.Compare(a.Trunk.Site.Name, b.Trunk.Site.Name)
		case "state":
			first = cmp.Compare(a.State.Condition, b.State.Condition)
		}
		return cmp.Or(first, cmp.Compare(a.Trunk.Name, b.Trunk.Name), cmp.Compare(a.Trunk.Site.Domain, b.Trunk.Site.Domain))
	}))
}

// trunkRows are the trunks of sites with their states; one that is not watched yet is unknown.
func (p *Portal) trunkRows(sites []*directory.Site) []trunkRow {
	states := map[[2]string]trunks.State{}
	for _, s := range p.cfg.Trunks.States() {
		states[[2]string{s.Trunk.Site.Domain, s.Trunk.Name}] = s
	}
	rows := []trunkRow{}
	for _, s := range sites {
		for _, t := range s.Trunks {
			state, watched := states[[2]string{s.Domain, t.Name}]
			if !watched {
				state.Condition = trunks.Unknown
			}
			rows = append(rows, trunkRow{t, state})
		}
	}
	return rows
}
