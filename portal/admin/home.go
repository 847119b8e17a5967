package admin

import (
	"net/http"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// homePage is the portal at a glance.
type homePage struct {
	Sites                                         []siteRow
	Users, Spaces, Bridges, Participants, Devices int
	Registered                                    int
	Troubles                                      []trouble
}

// siteRow is a site at a glance.
type siteRow struct {
	Site          *directory.Site
	Users, Spaces int
}

// trouble is something that is wrong now, and the page where it is put right.
type trouble struct {
	Text string // key
	Args []any
	Href string
	Do   string // key of what to do
}

// home shows the administrator what is there and what is wrong; a user has the hub instead.
func (p *Portal) home(w http.ResponseWriter, r *http.Request) {
	who := account.Of(r.Context())
	if !who.Staff() {
		http.Redirect(w, r, "/hub", http.StatusSeeOther)
		return
	}
	dir := p.cfg.Directory.Current()
	var h homePage
	seen := map[string]bool{}
	spaces := map[string]int{}
	for _, sp := range dir.Spaces() {
		spaces[sp.Site.Domain]++
	}
	for _, s := range who.Sites(dir) {
		seen[s.Domain] = true
		h.Sites = append(h.Sites, siteRow{Site: s, Users: len(s.Users), Spaces: spaces[s.Domain]})
		h.Users += len(s.Users)
		h.Spaces += spaces[s.Domain]
		for u := range s.Everyone() {
			h.Devices += len(u.Devices())
		}
		if s.Gateway.Number == "" && spaces[s.Domain] > 0 {
			h.Troubles = append(h.Troubles, trouble{Text: "home.no_number", Args: []any{s.Name}, Href: "/services/gateway?site=" + s.Domain, Do: "home.assign_one"})
		}
	}
	for _, t := range p.trunkRows(who.Sites(dir)) {
		if t.State.Condition == trunks.Down {
			h.Troubles = append(h.Troubles, trouble{Text: "home.trunk_down", Args: []any{t.Trunk.Site.Name, t.Trunk.Name}, Href: "/trunks?sort=state", Do: "home.look_at_trunk"})
		}
	}
	for b := range p.cfg.Registrations.All() {
		if seen[b.AOR.Domain()] {
			h.Registered++
		}
	}
	for _, b := range p.cfg.Bridges.Bridges() {
		if seen[b.Site] {
			h.Bridges++
			h.Participants += len(b.Participants)
		}
	}
	if !who.Account.SecondFactor() {
		h.Troubles = append(h.Troubles, trouble{Text: "home.no_second", Href: "/account", Do: "home.turn_on"})
	}
	p.view.Render(w, r, pages, "home", http.StatusOK, page.Frame{Title: p.text(r, "nav.home"), Area: "home", Data: h})
}

func (p *Portal) services(w http.ResponseWriter, r *http.Request) {
	p.view.Render(w, r, pages, "services", http.StatusOK, page.Frame{Title: p.text(r, "nav.services"), Area: "services"})
}
