package admin

import (
	"net/http"

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
	More                                          int // troubles that are not shown
}

// siteRow is a site at a glance.
type siteRow struct {
	Site          *directory.Site
	Users, Spaces int
}

// trouble is something that is wrong now, and the page where it is put right.
type trouble struct {
	Text, Do, Href string
}

// maxTroubles is how many the first page shows; the page of the server's health has all.
const maxTroubles = 5

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
	}
	problems := p.problems(r)
	for _, pr := range problems[:min(len(problems), maxTroubles)] {
		href := pr.Href
		if href == "" {
			href = "/health"
		}
		h.Troubles = append(h.Troubles, trouble{Text: pr.Text, Do: pr.Do, Href: href})
	}
	h.More = max(0, len(problems)-maxTroubles)
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
		h.Troubles = append(h.Troubles, trouble{Text: p.text(r, "home.no_second"), Href: "/account", Do: p.text(r, "home.turn_on")})
	}
	p.view.Render(w, r, pages, "home", http.StatusOK, page.Frame{Title: p.text(r, "nav.home"), Area: "home", Data: h})
}

func (p *Portal) services(w http.ResponseWriter, r *http.Request) {
	p.view.Render(w, r, pages, "services", http.StatusOK, page.Frame{Title: p.text(r, "nav.services"), Area: "services"})
}
