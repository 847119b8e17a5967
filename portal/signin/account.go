package signin

import (
	"errors"
	"html/template"
	"net/http"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// accountSheet is an account's own page.
type accountSheet struct {
	Principal *account.Principal
	Roles     []string     // text keys
	Key       string       // of a second factor about to be set up
	Link      template.URL // the same for an application on this device
	QR        account.QR   // of Link
	Faults    accountFaults
	// PasskeysHere says whether passkeys work as the browser has reached the server.
	PasskeysHere bool
}

// accountFaults are refusals, by the part of the page that they belong to.
type accountFaults struct{ Code, Passkey string }

func (d *Door) account(w http.ResponseWriter, r *http.Request) {
	d.showAccount(w, r, http.StatusOK, account.NewTOTPKey(), accountFaults{})
}

func (d *Door) showAccount(w http.ResponseWriter, r *http.Request, status int, key directory.Secret, faults accountFaults) {
	p := account.Of(r.Context())
	s := accountSheet{Principal: p, Faults: faults}
	_, s.PasskeysHere = d.accounts.PasskeyHost(r)
	if p.User == nil {
		s.Roles = []string{"role.owner"}
	} else {
		for _, role := range p.User.Roles {
			s.Roles = append(s.Roles, "role."+string(role))
		}
	}
	if p.Account.TOTP == "" {
		link := account.TOTPLink("Passerelle", p.Email, key)
		s.Key, s.Link = key.Reveal(), template.URL(link) //nolint:gosec // its scheme is ours, its values are escaped
		var err error
		if s.QR, err = account.QROf(link); err != nil { // an address as long as a page: the key is there to be typed
			d.log.WarnContext(r.Context(), "second factor without a QR code", "account", p.String(), "err", err)
		}
	}
	d.view.Render(w, r, pages, "account", status, page.Frame{Title: d.view.Printer(r).T("account.title"), Area: "account", Data: s})
}

// enableCode makes an application the second factor, with a code that is right.
func (d *Door) enableCode(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p := account.Of(r.Context())
	key := directory.Secret(r.PostFormValue("key"))
	codes, err := d.accounts.EnableTOTP(r.Context(), p, key, r.PostFormValue("code"))
	if err != nil {
		status, text := d.refusal(r, err)
		if status == http.StatusInternalServerError {
			d.view.Fail(w, r, "set the second factor up", err)
			return
		}
		d.showAccount(w, r, status, key, accountFaults{Code: text})
		return
	}
	d.log.InfoContext(r.Context(), "second factor changed", "by", p.String(), "on", true)
	d.changed(w, r, "account.second_on", codes)
}

// disableCode takes the application away.
func (d *Door) disableCode(w http.ResponseWriter, r *http.Request) {
	p := account.Of(r.Context())
	if err := d.accounts.DisableTOTP(r.Context(), p); err != nil {
		d.stale(w, r, "take the second factor away", err)
		return
	}
	d.log.InfoContext(r.Context(), "second factor changed", "by", p.String(), "on", false)
	d.changed(w, r, "account.second_off", nil)
}

// recoveryCodes draws new recovery codes and shows them.
func (d *Door) recoveryCodes(w http.ResponseWriter, r *http.Request) {
	p := account.Of(r.Context())
	codes, err := d.accounts.NewRecoveryCodes(r.Context(), p)
	if err != nil {
		d.stale(w, r, "draw recovery codes", err)
		return
	}
	d.log.InfoContext(r.Context(), "recovery codes drawn", "by", p.String())
	d.changed(w, r, "account.codes_new", codes)
}

// changed shows the recovery codes that a change has drawn, once, or the account with a message.
func (d *Door) changed(w http.ResponseWriter, r *http.Request, note string, codes []string) {
	if len(codes) == 0 {
		d.view.Note(w, r, "/account", page.Note{Key: note})
		return
	}
	d.view.Render(w, r, pages, "codes", http.StatusOK, page.Frame{
		Title: d.view.Printer(r).T("codes.title"), Area: "account", Note: &page.Note{Key: note}, Data: codes,
	})
}

// stale asks for the second factor where a change wants it anew; any other fault is the server's.
func (d *Door) stale(w http.ResponseWriter, r *http.Request, doing string, err error) {
	if errors.Is(err, account.ErrStale) {
		audit.Of(r.Context()).Refused()
		http.Redirect(w, r, proofPath("/account"), http.StatusSeeOther)
		return
	}
	d.view.Fail(w, r, doing, err)
}
