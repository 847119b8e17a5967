package hub

import (
	"net/http"

	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

// spacePage is the user's own space.
type spacePage struct {
	User       *directory.User
	Space      *directory.Space // nil: the user's pack includes none
	ID         string
	Invitation *api.Invitation // nil while the gateway has no number
	Session    gateway.BridgeInfo
	Launched   launched
}

func (h *Hub) spaceOf(r *http.Request, u *directory.User) spacePage {
	s := spacePage{User: u}
	sp, ok := h.cfg.Directory.Current().SpaceOf(u)
	if !ok {
		return s
	}
	s.Space, s.ID, s.Launched = sp, sp.ID.Reveal(), h.launchedOf(u)
	if sp.Site.Gateway.Number != "" && s.ID != "" {
		i := api.NewInvitation(sp, h.view.Printer(r).Language())
		s.Invitation = &i
	}
	s.Session = h.sessionOf(u)
	return s
}

func (h *Hub) space(w http.ResponseWriter, r *http.Request, u *directory.User) {
	h.render(w, r, "space", http.StatusOK, page.Frame{Title: h.text(r, "nav.space"), Area: "hub", Data: h.spaceOf(r, u)})
}

// regenerateForm tells what a new ID means before it is drawn.
func (h *Hub) regenerateForm(w http.ResponseWriter, r *http.Request, u *directory.User) {
	s := h.spaceOf(r, u)
	if s.Space == nil {
		h.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	h.render(w, r, "regenerate", http.StatusOK, page.Frame{Title: h.text(r, "own.regenerate"), Area: "hub", Data: s})
}

func (h *Hub) regenerate(w http.ResponseWriter, r *http.Request, u *directory.User) {
	if !u.Entitled() {
		h.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	if err := h.cfg.Settings.SetUser(r.Context(), u.Ref, api.NewSpaceID); err != nil {
		h.view.Fail(w, r, "regenerate a space ID", err)
		return
	}
	h.audit(r.Context(), "space ID regenerated", "space", directory.SpaceRef(u.Ref))
	h.view.Note(w, r, "/hub", page.Note{Key: "own.regenerated"})
}
