package signin

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

//go:embed templates/*.html
var files embed.FS

var pages = page.MustSet(files, "templates/*.html")

// Door serves the pages. It is safe for concurrent use.
type Door struct {
	accounts *account.Accounts
	provider Provider // nil: there is none
	view     *page.Renderer
	log      *slog.Logger
}

// New does no work yet; a nil log discards.
func New(accounts *account.Accounts, view *page.Renderer, log *slog.Logger) *Door {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Door{accounts: accounts, view: view, log: log}
}

// WithProvider has people sign in by a provider too; call it before Routes. Nil is none.
func (d *Door) WithProvider(p Provider) *Door {
	d.provider = p
	return d
}

// Routes adds the door's pages to mux.
func (d *Door) Routes(mux page.Router) {
	mux.HandleFunc("GET /sign-in", d.form)
	mux.HandleFunc("POST /sign-in", d.signIn)
	mux.HandleFunc("GET /sign-in/code", d.codeForm)
	mux.HandleFunc("POST /sign-in/code", d.code)
	mux.HandleFunc("POST /sign-in/passkey/begin", d.askPasskey)
	mux.HandleFunc("POST /sign-in/passkey", d.passkey)
	if d.provider != nil {
		mux.HandleFunc("GET /sign-in/oidc", d.toProvider)
		mux.HandleFunc("GET /sign-in/oidc/callback", d.fromProvider)
	}
	mux.HandleFunc("POST /sign-out", d.signOut)
	mux.HandleFunc("POST /language", d.language)
	mux.HandleFunc("GET /setup/{token}", d.setupForm)
	mux.HandleFunc("POST /setup/{token}", d.setup)
	mux.HandleFunc("GET /account", d.view.SignedIn(d.account))
	mux.HandleFunc("POST /account/code", d.view.SignedIn(d.enableCode))
	mux.HandleFunc("POST /account/code/remove", d.view.SignedIn(d.disableCode))
	mux.HandleFunc("POST /account/passkeys/begin", d.view.SignedIn(d.newPasskey))
	mux.HandleFunc("POST /account/passkeys", d.view.SignedIn(d.addPasskey))
	mux.HandleFunc("POST /account/passkeys/remove", d.view.SignedIn(d.removePasskey))
	mux.HandleFunc("POST /account/recovery-codes", d.view.SignedIn(d.recoveryCodes))
}

// sheet is what the door's forms show again after a refusal; never a password.
type sheet struct {
	Fault       string // text of the refusal
	Next        string
	Email, Name string
	Path        string
	Least       int
	Factors     account.Factors // which the account may give
	Provider    string          // where else people may sign in; empty is nowhere
	ProviderURL string          // the way there
}

func (d *Door) form(w http.ResponseWriter, r *http.Request) {
	if account.Of(r.Context()) != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	d.show(w, r, "signin", "signin.title", http.StatusOK, sheet{Next: page.Local(r.URL.Query().Get("next"))})
}

func (d *Door) show(w http.ResponseWriter, r *http.Request, name, title string, status int, s sheet) {
	if d.provider != nil {
		s.Provider, s.ProviderURL = d.provider.Name(), "/sign-in/oidc?"+url.Values{"next": {page.Local(s.Next)}}.Encode()
	}
	d.view.Render(w, r, pages, name, status, page.Frame{Title: d.view.Printer(r).T(title), Data: s})
}

// maxForm bounds the body of a form.
const maxForm = 64 << 10

func (d *Door) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := page.Local(r.PostFormValue("next"))
	more, err := d.accounts.SignIn(w, r, r.PostFormValue("email"), r.PostFormValue("password"))
	switch {
	case err != nil:
		status, text := d.refusal(r, err)
		if status == http.StatusInternalServerError {
			d.view.Fail(w, r, "sign in", err)
			return
		}
		d.show(w, r, "signin", "signin.title", status, sheet{Fault: text, Next: next, Email: r.PostFormValue("email")})
	case more:
		http.Redirect(w, r, proofPath(next), http.StatusSeeOther)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// refusal is the status and the text of an error; 500 for a fault of the server's.
func (d *Door) refusal(r *http.Request, err error) (status int, text string) {
	p := d.view.Printer(r)
	for _, c := range []struct {
		err    error
		status int
		key    string
	}{
		{account.ErrDenied, http.StatusUnprocessableEntity, "signin.denied"},
		{account.ErrWrongCode, http.StatusUnprocessableEntity, "signin.wrong_code"},
		{account.ErrWrongPasskey, http.StatusUnprocessableEntity, "passkey.wrong"},
		{account.ErrNoPasskeys, http.StatusConflict, "passkey.nowhere"},
		{account.ErrTooManyPasskeys, http.StatusConflict, "passkey.too_many"},
		{account.ErrTooManyTries, http.StatusTooManyRequests, "signin.too_many"},
		{account.ErrBusy, http.StatusServiceUnavailable, "signin.busy"},
		{account.ErrBadName, http.StatusUnprocessableEntity, "setup.bad_name"},
		{account.ErrBadEmail, http.StatusUnprocessableEntity, "setup.bad_email"},
		{account.ErrWeakPassword, http.StatusUnprocessableEntity, "setup.weak"},
	} {
		if errors.Is(err, c.err) {
			return c.status, p.T(c.key, account.MinPassword)
		}
	}
	return http.StatusInternalServerError, ""
}

// codeForm asks for the second factor: of who is signing in, or anew of who is about to change second factors.
func (d *Door) codeForm(w http.ResponseWriter, r *http.Request) {
	d.showCode(w, r, http.StatusOK, page.Local(r.URL.Query().Get("next")), "")
}

func (d *Door) showCode(w http.ResponseWriter, r *http.Request, status int, next, fault string) {
	factors, err := d.accounts.Factors(r)
	switch {
	case errors.Is(err, account.ErrDenied):
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	case err != nil:
		d.view.Fail(w, r, "find the second factors", err)
	default:
		d.show(w, r, "code", "code.title", status, sheet{Fault: fault, Next: next, Factors: factors})
	}
}

func (d *Door) code(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := page.Local(r.PostFormValue("next"))
	d.proved(w, r, next, d.accounts.Prove(w, r, r.PostFormValue("code")))
}

// proved goes on after a second factor, or tells why it did not fit.
func (d *Door) proved(w http.ResponseWriter, r *http.Request, next string, err error) {
	if err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	if errors.Is(err, account.ErrDenied) {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	status, text := d.refusal(r, err)
	if status == http.StatusInternalServerError {
		d.view.Fail(w, r, "check the second factor", err)
		return
	}
	d.showCode(w, r, status, next, text)
}

func (d *Door) signOut(w http.ResponseWriter, r *http.Request) {
	if err := d.accounts.SignOut(w, r); err != nil {
		d.view.Fail(w, r, "sign out", err)
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// language keeps a choice in the browser, and with the account of who is signed in.
func (d *Door) language(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var l directory.Language
	if err := l.UnmarshalText([]byte(r.PostFormValue("language"))); err != nil {
		d.view.Refuse(w, r, http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: page.LanguageCookie, Value: string(l), Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, Secure: account.Secure(r), SameSite: http.SameSiteLaxMode})
	if p := account.Of(r.Context()); p != nil {
		if err := d.accounts.SetLanguage(r.Context(), p, l); err != nil {
			d.view.Fail(w, r, "keep the language", err)
			return
		}
	}
	http.Redirect(w, r, page.Local(r.PostFormValue("back")), http.StatusSeeOther)
}

func (d *Door) setupForm(w http.ResponseWriter, r *http.Request) {
	if err := d.accounts.MaySetup(r, r.PathValue("token")); err != nil {
		d.noSetup(w, r, err)
		return
	}
	d.show(w, r, "setup", "setup.title", http.StatusOK, sheet{Path: r.URL.Path, Least: account.MinPassword})
}

func (d *Door) noSetup(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusNotFound
	if errors.Is(err, account.ErrTooManyTries) {
		status = http.StatusTooManyRequests
	}
	d.view.Refuse(w, r, status)
}

func (d *Door) setup(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	s := sheet{Path: r.URL.Path, Name: r.PostFormValue("name"), Email: r.PostFormValue("email"), Least: account.MinPassword}
	if r.PostFormValue("password") != r.PostFormValue("again") {
		if err := d.accounts.MaySetup(r, r.PathValue("token")); err != nil {
			d.noSetup(w, r, err)
			return
		}
		s.Fault = d.view.Printer(r).T("setup.differ")
		d.show(w, r, "setup", "setup.title", http.StatusUnprocessableEntity, s)
		return
	}
	err := d.accounts.Setup(w, r, r.PathValue("token"), s.Name, s.Email, r.PostFormValue("password"))
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case errors.Is(err, account.ErrNoSetup), errors.Is(err, account.ErrTooManyTries):
		d.noSetup(w, r, err)
	default:
		status, text := d.refusal(r, err)
		if status == http.StatusInternalServerError {
			d.view.Fail(w, r, "set up", err)
			return
		}
		s.Fault = text
		d.show(w, r, "setup", "setup.title", status, s)
	}
}
