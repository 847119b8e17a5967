package signin

import (
	"html/template"
	"net/http"

	"passerelle/directory"
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
	Fault     string
}

func (d *Door) account(w http.ResponseWriter, r *http.Request) {
	d.showAccount(w, r, http.StatusOK, account.NewTOTPKey(), "")
}

func (d *Door) showAccount(w http.ResponseWriter, r *http.Request, status int, key directory.Secret, fault string) {
	p := account.Of(r.Context())
	s := accountSheet{Principal: p, Fault: fault}
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

// secondFactor sets an account's second factor up, or takes it away, each with a code that is right.
func (d *Door) secondFactor(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p := account.Of(r.Context())
	key, code := directory.Secret(r.PostFormValue("key")), r.PostFormValue("code")
	var err error
	done := "account.second_on"
	if p.Account.TOTP == "" {
		err = d.accounts.EnableTOTP(r.Context(), p, key, code)
	} else {
		done = "account.second_off"
		err = d.accounts.DisableTOTP(r.Context(), p, code)
	}
	if err != nil {
		status, text := d.refusal(r, err)
		if status == http.StatusInternalServerError {
			d.view.Fail(w, r, "change the second factor", err)
			return
		}
		d.showAccount(w, r, status, key, text)
		return
	}
	d.log.InfoContext(r.Context(), "second factor changed", "by", p.String(), "on", done == "account.second_on")
	d.view.Note(w, r, "/account", page.Note{Key: done})
}
