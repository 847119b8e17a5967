package signin

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"passerelle/portal/account"
	"passerelle/portal/page"
)

// begun is what the script is answered: what the browser is to ask its passkeys, or a page to go to first.
type begun struct {
	Options  json.RawMessage `json:"options,omitempty"`
	Location string          `json:"location,omitempty"`
}

func (d *Door) begin(w http.ResponseWriter, r *http.Request, doing string, options []byte, err error) {
	answer := begun{Options: options}
	switch {
	case errors.Is(err, account.ErrStale):
		answer.Location = proofPath("/account")
	case errors.Is(err, account.ErrDenied):
		answer.Location = "/sign-in"
	case err != nil:
		status, _ := d.refusal(r, err)
		if status == http.StatusInternalServerError {
			d.log.ErrorContext(r.Context(), "portal request failed", "deed", doing, "err", err)
		}
		http.Error(w, http.StatusText(status), status) // the script tells it in words of the page
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // fails only when the caller has gone
}

// proofPath is the page on which the second factor is given before the page next.
func proofPath(next string) string { return "/sign-in/code?" + url.Values{"next": {next}}.Encode() }

// newPasskey says what the browser is to ask for a new passkey.
func (d *Door) newPasskey(w http.ResponseWriter, r *http.Request) {
	options, err := d.accounts.BeginPasskey(r)
	d.begin(w, r, "ask for a passkey", options, err)
}

// addPasskey keeps the new passkey.
func (d *Door) addPasskey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p := account.Of(r.Context())
	codes, err := d.accounts.AddPasskey(r, r.PostFormValue("name"), []byte(r.PostFormValue("credential")))
	if err != nil {
		d.refusePasskey(w, r, "add a passkey", err)
		return
	}
	d.log.InfoContext(r.Context(), "passkey added", "by", p.String())
	d.changed(w, r, "passkey.added", codes)
}

// removePasskey takes a passkey away.
func (d *Door) removePasskey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p := account.Of(r.Context())
	if err := d.accounts.RemovePasskey(r.Context(), p, r.PostFormValue("id")); err != nil {
		d.stale(w, r, "remove a passkey", err)
		return
	}
	d.log.InfoContext(r.Context(), "passkey removed", "by", p.String())
	d.changed(w, r, "passkey.removed", nil)
}

// refusePasskey tells on the account's page why a passkey was not taken.
func (d *Door) refusePasskey(w http.ResponseWriter, r *http.Request, doing string, err error) {
	status, text := d.refusal(r, err)
	if status == http.StatusInternalServerError {
		d.view.Fail(w, r, doing, err)
		return
	}
	d.log.InfoContext(r.Context(), "passkey not taken", "deed", doing, "err", err)
	d.showAccount(w, r, status, account.NewTOTPKey(), accountFaults{Passkey: text})
}

// askPasskey says what the browser is to ask the passkeys of who is signing in.
func (d *Door) askPasskey(w http.ResponseWriter, r *http.Request) {
	options, err := d.accounts.BeginProof(r)
	d.begin(w, r, "ask the passkeys", options, err)
}

// passkey completes a sign-in by the answer of a passkey.
func (d *Door) passkey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := page.Local(r.PostFormValue("next"))
	d.proved(w, r, next, d.accounts.ProvePasskey(w, r, []byte(r.PostFormValue("credential"))))
}
