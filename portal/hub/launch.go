package hub

import (
	"errors"
	"net/http"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/portal/page"
	"passerelle/sip"
)

// launched are the calls of the user's space that are up or were a while ago, the latest first.
type launched struct {
	Calls []gateway.OutcallInfo
	Up    bool // one of them is: the page looks again
}

// maxLaunched is how many calls the page shows.
const maxLaunched = 10

func (h *Hub) launchedOf(u *directory.User) launched {
	var l launched
	all := h.cfg.Calls.Outcalls(directory.SpaceRef(u.Ref))
	for i := len(all) - 1; i >= 0 && len(l.Calls) < maxLaunched; i-- {
		l.Calls = append(l.Calls, all[i])
		l.Up = l.Up || !all[i].Over()
	}
	return l
}

// calls answers a page that looks how far the calls are: the list alone.
func (h *Hub) calls(w http.ResponseWriter, r *http.Request, u *directory.User) {
	part, err := h.view.Part(r, pages, "space", "launched", h.launchedOf(u))
	if err != nil {
		h.view.Fail(w, r, "show the calls of a space", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(part)) // fails only when the caller has gone
}

// launch calls somebody into the user's space, or the user's own line when the form names nobody.
func (h *Hub) launch(w http.ResponseWriter, r *http.Request, u *directory.User) {
	to := target(r, "to")
	if to == "" && r.PostFormValue("me") == "" {
		h.view.Note(w, r, "/hub", page.Note{Key: "launch.nobody", Bad: true})
		return
	}
	_, err := h.cfg.Calls.Call(r.Context(), directory.SpaceRef(u.Ref), to)
	h.launchDone(w, r, u, err, page.Note{Key: "launch.begun"})
}

func (h *Hub) launchAgain(w http.ResponseWriter, r *http.Request, u *directory.User) {
	_, err := h.cfg.Calls.RetryOutcall(r.Context(), directory.SpaceRef(u.Ref), r.PathValue("id"))
	h.launchDone(w, r, u, err, page.Note{Key: "launch.begun"})
}

func (h *Hub) launchEnd(w http.ResponseWriter, r *http.Request, u *directory.User) {
	err := h.cfg.Calls.EndOutcall(r.Context(), directory.SpaceRef(u.Ref), r.PathValue("id"))
	h.launchDone(w, r, u, err, page.Note{Key: "launch.over"})
}

// launchDone tells what became of a request. A refusal says why in the user's words.
func (h *Hub) launchDone(w http.ResponseWriter, r *http.Request, u *directory.User, err error, done page.Note) {
	if key := refusal(err); key != "" {
		h.view.Note(w, r, "/hub", page.Note{Key: key, Bad: true})
		return
	}
	if err != nil {
		h.view.Fail(w, r, "call out of a space", err)
		return
	}
	h.audit(r.Context(), "space calls by portal", "space", directory.SpaceRef(u.Ref), "deed", done.Key)
	h.view.Note(w, r, "/hub", done)
}

// refusal is the text of why a space calls nobody, empty for what is no refusal.
func refusal(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, gateway.ErrUnassigned):
		return "gateway.none_effect"
	case errors.Is(err, gateway.ErrSpaceFull):
		return "launch.full"
	case errors.Is(err, gateway.ErrUnknownSpace):
		return "own.none"
	case errors.Is(err, gateway.ErrNoOutcall), errors.Is(err, gateway.ErrOutcallUp):
		return "launch.gone"
	case errors.Is(err, gateway.ErrDraining):
		return "launch.closing"
	}
	if _, limited := errors.AsType[*call.LimitError](err); limited {
		return "launch.limited"
	}
	if _, refused := errors.AsType[*sip.StatusError](err); !refused {
		return ""
	}
	if code, _ := sip.StatusOf(err); code == 403 {
		return "launch.not_allowed"
	}
	return "launch.no_number"
}
