package admin

import (
	"encoding/csv"
	"net/http"
	"strings"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

// spacePage is one user's space: its ID, and what to send to guests, in both languages.
type spacePage struct {
	Space       *directory.Space
	ID          string
	Invitations []invitation
	Running     int // participants now
}

type invitation struct {
	Language directory.Language
	api.Invitation
}

// ownSpace is the space that a path names, for those who may change its site. Without one the request is answered.
func (p *Portal) ownSpace(w http.ResponseWriter, r *http.Request) (*directory.Space, bool) {
	who := account.Of(r.Context())
	sp, ok := p.cfg.Directory.Current().SpaceByRef(r.PathValue("ref"))
	switch {
	case !ok || !who.Sees(sp.Site):
		p.view.Refuse(w, r, http.StatusNotFound)
		return nil, false
	case !who.Changes(sp.Site):
		p.view.Refuse(w, r, http.StatusForbidden)
		return nil, false
	}
	return sp, true
}

func (p *Portal) space(w http.ResponseWriter, r *http.Request) {
	if sp, ok := p.ownSpace(w, r); ok {
		p.showSpace(w, r, sp, "space")
	}
}

// regenerateForm tells what a new ID means before it is drawn.
func (p *Portal) regenerateForm(w http.ResponseWriter, r *http.Request) {
	if sp, ok := p.ownSpace(w, r); ok {
		p.showSpace(w, r, sp, "regenerate")
	}
}

func (p *Portal) showSpace(w http.ResponseWriter, r *http.Request, sp *directory.Space, name string) {
	s := spacePage{Space: sp, ID: sp.ID.Reveal()}
	if sp.Site.Gateway.Number != "" && s.ID != "" {
		mine := p.view.Printer(r).Language()
		for _, l := range []directory.Language{mine, directory.French, directory.English} {
			if len(s.Invitations) == 0 || l != mine {
				s.Invitations = append(s.Invitations, invitation{l, api.NewInvitation(sp, l)})
			}
		}
	}
	for _, b := range p.cfg.Bridges.Bridges() {
		if b.Space == sp.Ref {
			s.Running = len(b.Participants)
		}
	}
	p.view.Render(w, r, pages, name, http.StatusOK, page.Frame{
		Title: p.text(r, name+".title", sp.Owner.Name), Area: "gateway", Data: s,
		Trail: []page.Crumb{
			{Text: p.text(r, "nav.services"), Href: "/services"}, {Text: p.text(r, "nav.gateway"), Href: gatewayHref(sp.Site)}, {Text: sp.Owner.Name},
		},
	})
}

func (p *Portal) regenerate(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	sp, ok := p.ownSpace(w, r)
	if !ok {
		return
	}
	if err := p.cfg.Settings.SetUser(r.Context(), sp.Owner.Ref, api.NewSpaceID); err != nil {
		p.view.Fail(w, r, "regenerate a space ID", err)
		return
	}
	p.audit(r.Context(), "space ID regenerated", "space", sp.Ref)
	p.view.Note(w, r, "/services/gateway/spaces/"+sp.Ref, page.Note{Key: "space.regenerated", Args: []any{sp.Owner.Name}})
}

// spacesCSV exports the users of a site with their space IDs, as spreadsheets of the reader's language open it.
func (p *Portal) spacesCSV(w http.ResponseWriter, r *http.Request) {
	site, ok := p.site(w, r)
	if !ok {
		return
	}
	who, speak := account.Of(r.Context()), p.view.Printer(r)
	if !who.Changes(site) {
		p.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	p.audit(r.Context(), "space IDs exported", "site", site.Domain)
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(site.Domain, `"`, "")+`-spaces.csv"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("\ufeff")) // tells spreadsheets the encoding
	out := csv.NewWriter(w)
	if speak.Language() == directory.French {
		out.Comma = ';'
	}
	dir := p.cfg.Directory.Current()
	rows := p.spaceRows(dir, site, true, page.ReadQuery(r))
	_ = out.Write([]string{speak.T("csv.name"), speak.T("csv.number"), speak.T("csv.extension"), speak.T("csv.email"), speak.T("csv.pack"), speak.T("csv.gateway"), speak.T("csv.space")})
	for _, row := range rows {
		u := row.User
		_ = out.Write([]string{inert(u.Name), string(u.Number), u.Extension, inert(u.Email), string(u.Pack), string(site.Gateway.Number), row.ID})
	}
	out.Flush() // an error means that the caller has gone
}

// inert keeps a spreadsheet from reading a text as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
