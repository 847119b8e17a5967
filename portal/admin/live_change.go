package admin

import (
	"net/http"
	"slices"

	"passerelle/portal/page"
)

// lock lets nobody into a session any more but the space's owner, or everybody again, as the form's field on says.
func (p *Portal) lock(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	b, ok := p.bridge(w, r)
	if !ok {
		return
	}
	on, done := r.FormValue("on") == "true", page.Note{Key: "live.unlocked", Args: []any{b.Owner}}
	if on {
		done.Key = "live.locked"
	}
	err := p.cfg.Bridges.Lock(r.Context(), b.Space, on)
	p.changed(w, r, err, done, "bridge locked", "space", b.Space, "locked", on)
}

// mute keeps what a participant says from the others, or lets them hear it again, as the form's field on says.
func (p *Portal) mute(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	b, ok := p.bridge(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	i := slices.IndexFunc(b.Seats, func(s seatView) bool { return s.ID == id })
	if i < 0 {
		p.view.Note(w, r, "/live", page.Note{Key: "live.left_already"})
		return
	}
	on, done := r.FormValue("on") == "true", page.Note{Key: "live.unmuted", Args: []any{b.Seats[i].Name}}
	if on {
		done.Key = "live.muted"
	}
	err := p.cfg.Bridges.Mute(r.Context(), b.Space, id, on)
	p.changed(w, r, err, done, "participant muted", "space", b.Space, "participant", id, "muted", on)
}
