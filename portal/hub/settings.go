package hub

import (
	"net/http"
	"strconv"
	"strings"

	"passerelle/directory"
	"passerelle/portal/page"
)

// settingsPage is how the user's line takes and makes calls.
type settingsPage struct {
	User     *directory.User
	Hoteling hotelingForm
	Forwards forwardsForm
	Mailbox  bool // voicemail can be a target
}

// forwardsForm is what the forwardings' form shows: what is set, or what was typed and refused.
type forwardsForm struct {
	Always, Busy, NoAnswer, Seconds, NotReachable string

	Faults map[string]string // by field
}

func (h *Hub) settings(w http.ResponseWriter, r *http.Request, _ *directory.User) {
	h.render(w, r, "settings", http.StatusOK, page.Frame{Title: h.text(r, "nav.settings"), Area: "settings"})
}

func (h *Hub) calling(w http.ResponseWriter, r *http.Request, _ *directory.User) {
	h.render(w, r, "calling", http.StatusOK, page.Frame{Title: h.text(r, "nav.calling"), Area: "calling", Trail: h.trail(r)})
}

// trail is the way to the calling pages, and on to what is named.
func (h *Hub) trail(r *http.Request, on ...string) []page.Crumb {
	steps := []page.Crumb{{Text: h.text(r, "nav.settings"), Href: "/hub/settings"}, {Text: h.text(r, "nav.calling"), Href: "/hub/settings/calling"}}
	for _, key := range on {
		steps = append(steps, page.Crumb{Text: h.text(r, key)})
	}
	steps[len(steps)-1].Href = ""
	return steps
}

func (h *Hub) callSettings(w http.ResponseWriter, r *http.Request, u *directory.User) {
	h.showSettings(w, r, u, http.StatusOK, h.hotelingOf(r, u), forwardsOf(u))
}

func (h *Hub) showSettings(w http.ResponseWriter, r *http.Request, u *directory.User, status int, hotel hotelingForm, forwards forwardsForm) {
	h.render(w, r, "call-settings", status, page.Frame{Title: h.text(r, "calls.title"), Area: "calling", Trail: h.trail(r, "calls.title"),
		Data: settingsPage{User: u, Hoteling: hotel, Forwards: forwards, Mailbox: u.Voicemail != ""}})
}

func forwardsOf(u *directory.User) forwardsForm {
	f := u.Forwards
	form := forwardsForm{Always: f.Always, Busy: f.Busy, NoAnswer: f.NoAnswer.Target, NotReachable: f.NotReachable}
	if f.NoAnswer.Seconds > 0 {
		form.Seconds = strconv.Itoa(f.NoAnswer.Seconds)
	}
	return form
}

// saveForwards keeps where calls go. What the directory refuses is shown at its field, and nothing is changed.
func (h *Hub) saveForwards(w http.ResponseWriter, r *http.Request, u *directory.User) {
	form := forwardsForm{
		Always: target(r, "always"), Busy: target(r, "busy"), NoAnswer: target(r, "no_answer"), NotReachable: target(r, "not_reachable"),
		Seconds: strings.TrimSpace(r.PostFormValue("seconds")), Faults: map[string]string{},
	}
	seconds := 0
	if form.Seconds != "" && form.NoAnswer != "" {
		var err error
		if seconds, err = strconv.Atoi(form.Seconds); err != nil {
			form.Faults["seconds"] = h.text(r, "forwards.bad_seconds")
			h.showSettings(w, r, u, http.StatusUnprocessableEntity, h.hotelingOf(r, u), form)
			return
		}
	}
	err := h.cfg.Settings.SetUser(r.Context(), u.Ref, func(u *directory.User) {
		u.Forwards = directory.Forwards{Always: form.Always, Busy: form.Busy, NotReachable: form.NotReachable}
		u.Forwards.NoAnswer.Target, u.Forwards.NoAnswer.Seconds = form.NoAnswer, seconds
	})
	if faults := directory.Faults(err); len(faults) > 0 {
		for _, f := range faults {
			switch _, field, _ := strings.Cut(f.Path, "forwards."); field {
			case "always", "busy", "not_reachable":
				form.Faults[field] = h.text(r, "forwards.bad_target")
			case "no_answer.target":
				form.Faults["no_answer"] = h.text(r, "forwards.bad_target")
			default:
				form.Faults["seconds"] = h.text(r, "forwards.bad_seconds")
			}
		}
		h.showSettings(w, r, u, http.StatusUnprocessableEntity, h.hotelingOf(r, u), form)
		return
	}
	h.saved(w, r, u, err, "forwards")
}

// target is where calls are to go, as the form has it: a number with the blanks of reading, or as it is.
func target(r *http.Request, field string) string {
	typed := strings.TrimSpace(r.PostFormValue(field))
	if strings.Trim(typed, "+0123456789 .-()\u00a0\u202f") == "" {
		return strings.Map(func(c rune) rune {
			if c == '+' || c >= '0' && c <= '9' {
				return c
			}
			return -1
		}, typed)
	}
	return typed
}

// saveCalls keeps the switches of a line.
func (h *Hub) saveCalls(w http.ResponseWriter, r *http.Request, u *directory.User) {
	on := func(field string) bool { return r.PostFormValue(field) != "" }
	dnd, clir, reject, waiting := on("dnd"), on("clir"), on("reject_anonymous"), on("call_waiting")
	err := h.cfg.Settings.SetUser(r.Context(), u.Ref, func(u *directory.User) {
		u.DND, u.CLIR, u.RejectAnonymous, u.CallWaiting = dnd, clir, reject, &waiting
	})
	h.saved(w, r, u, err, "calls")
}

// saved answers a change of settings.
func (h *Hub) saved(w http.ResponseWriter, r *http.Request, u *directory.User, err error, what string) {
	if err != nil {
		h.view.Fail(w, r, "change settings", err)
		return
	}
	h.audit(r.Context(), "settings changed", "line", u.Line(), "site", u.Site.Domain, "what", what)
	h.view.Note(w, r, settingsAt, page.Note{Key: "user.saved"})
}
