package hub

import (
	"context"
	"errors"
	"net/http"

	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/portal/page"
)

// sessionOf is the live session of the user's space; without one it has no participants.
func (h *Hub) sessionOf(u *directory.User) gateway.BridgeInfo {
	ref := directory.SpaceRef(u.Ref)
	for _, b := range h.cfg.Bridges.Bridges() {
		if b.Space == ref {
			return b
		}
	}
	return gateway.BridgeInfo{}
}

// session answers a page that looks who is in: the list alone.
func (h *Hub) session(w http.ResponseWriter, r *http.Request, u *directory.User) {
	part, err := h.view.Part(r, pages, "space", "session", h.sessionOf(u))
	if err != nil {
		h.view.Fail(w, r, "show the session of a space", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(part)) // fails only when the caller has gone
}

// endSessionForm asks before everybody is sent away.
func (h *Hub) endSessionForm(w http.ResponseWriter, r *http.Request, u *directory.User) {
	s := h.sessionOf(u)
	if len(s.Participants) == 0 {
		h.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	h.render(w, r, "end", http.StatusOK, page.Frame{Title: h.text(r, "session.end_title"), Area: "hub", Data: s})
}

func (h *Hub) endSession(w http.ResponseWriter, r *http.Request, u *directory.User) {
	err := h.cfg.Bridges.EndBridge(r.Context(), directory.SpaceRef(u.Ref))
	h.sessionDone(w, r, u, err, "session.ended")
}

// lockSession lets nobody in any more but the user and whom the user brings, or everybody again.
func (h *Hub) lockSession(w http.ResponseWriter, r *http.Request, u *directory.User) {
	on, done := r.PostFormValue("on") == "true", "session.unlocked"
	if on {
		done = "session.locked"
	}
	h.sessionDone(w, r, u, h.cfg.Bridges.Lock(r.Context(), directory.SpaceRef(u.Ref), on), done)
}

// mute keeps what a participant says from the others, or lets them hear it again.
func (h *Hub) mute(w http.ResponseWriter, r *http.Request, u *directory.User) {
	on, done := r.PostFormValue("on") == "true", "session.unmuted"
	if on {
		done = "session.muted"
	}
	h.sessionDone(w, r, u, h.cfg.Bridges.Mute(r.Context(), directory.SpaceRef(u.Ref), r.PathValue("id"), on), done)
}

func (h *Hub) remove(w http.ResponseWriter, r *http.Request, u *directory.User) {
	h.sessionDone(w, r, u, h.cfg.Bridges.Remove(r.Context(), directory.SpaceRef(u.Ref), r.PathValue("id")), "session.removed")
}

// sessionDone tells what became of a request. That it had come to pass by itself is as good.
func (h *Hub) sessionDone(w http.ResponseWriter, r *http.Request, u *directory.User, err error, done string) {
	switch {
	case errors.Is(err, gateway.ErrNoBridge), errors.Is(err, gateway.ErrNoParticipant):
		done = "live.left_already"
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		h.view.Fail(w, r, "change a session", err)
		return
	default:
		h.audit(r.Context(), "session changed by its owner", "space", directory.SpaceRef(u.Ref), "deed", done)
	}
	h.view.Note(w, r, "/hub", page.Note{Key: done})
}
