package hub

import (
	"errors"
	"net/http"

	"passerelle/directory"
	"passerelle/portal/page"
)

// pinPage is the PIN's form; never a PIN.
type pinPage struct {
	Has   bool
	Fault string
}

func (h *Hub) pin(w http.ResponseWriter, r *http.Request, u *directory.User) {
	h.showPIN(w, r, u, http.StatusOK, "")
}

func (h *Hub) showPIN(w http.ResponseWriter, r *http.Request, u *directory.User, status int, fault string) {
	h.render(w, r, "pin", status, page.Frame{Title: h.text(r, "user.pin"), Area: "calling", Trail: h.trail(r, "user.pin"), Data: pinPage{u.PIN != "", fault}})
}

func (h *Hub) savePIN(w http.ResponseWriter, r *http.Request, u *directory.User) {
	pin := r.PostFormValue("pin")
	fault := ""
	switch err := directory.CheckNewPIN(u, pin); {
	case errors.Is(err, directory.ErrPINSequence):
		fault = "pin.sequence"
	case errors.Is(err, directory.ErrPINNumber):
		fault = "pin.number"
	case err != nil:
		fault = "pin.length"
	case pin != r.PostFormValue("again"):
		fault = "pin.differ"
	}
	if fault != "" {
		h.showPIN(w, r, u, http.StatusUnprocessableEntity, h.text(r, fault))
		return
	}
	if err := h.cfg.Settings.SetUser(r.Context(), u.Ref, func(u *directory.User) { u.PIN = directory.Secret(pin) }); err != nil {
		h.view.Fail(w, r, "change the PIN", err)
		return
	}
	h.audit(r.Context(), "PIN changed", "line", u.Line(), "site", u.Site.Domain)
	h.view.Note(w, r, "/hub/settings/calling/pin", page.Note{Key: "pin.saved"})
}
