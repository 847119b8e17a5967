package page

import (
	"bytes"
	"crypto/rand"
	"embed"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/i18n"
)

//go:embed templates/*.html
var ownFiles embed.FS

// own are the pages of the frame itself.
var own = MustSet(ownFiles, "templates/*.html")

// Config is what a Renderer stands on.
type Config struct {
	Accounts  *account.Accounts
	Directory *directory.Live
	Version   string       // of the program
	Log       *slog.Logger // nil discards
}

// Renderer writes pages. It is safe for concurrent use.
type Renderer struct {
	cfg Config
	log *slog.Logger
}

// Router takes the routes of a package's pages; http.ServeMux is one.
type Router interface {
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// NewRenderer does no work yet.
func NewRenderer(cfg Config) *Renderer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Renderer{cfg: cfg, log: cfg.Log}
}

// Printer speaks the language of a request: the account's, the cookie's, the browser's.
func (v *Renderer) Printer(r *http.Request) *i18n.Printer {
	var kept directory.Language
	if c, err := r.Cookie(LanguageCookie); err == nil {
		kept = directory.Language(c.Value)
	}
	return i18n.For(i18n.Choose(r.Header.Get("Accept-Language"), account.LanguageOf(r.Context()), kept))
}

// LanguageCookie keeps the language of a browser that nobody is signed in with.
const LanguageCookie = "passerelle_language"

// Render writes the page that name names in set.
func (v *Renderer) Render(w http.ResponseWriter, r *http.Request, set *Set, name string, status int, f Frame) {
	p := v.Printer(r)
	v.fill(r, &f)
	body := bytes.Buffer{}
	if err := set.byName[p.Language()][name].ExecuteTemplate(&body, "layout", f); err != nil {
		v.log.ErrorContext(r.Context(), "page not rendered", "page", name, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Language()))
	h.Set("Cache-Control", "no-store") // pages hold space IDs and names
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only when the caller has gone
}

// Part renders a template of a page alone, for an update of it.
func (v *Renderer) Part(r *http.Request, set *Set, name, part string, data any) (string, error) {
	var body strings.Builder
	err := set.byName[v.Printer(r).Language()][name].ExecuteTemplate(&body, part, data)
	return body.String(), err
}

func (v *Renderer) fill(r *http.Request, f *Frame) {
	f.Principal, f.Version, f.Zone = account.Of(r.Context()), v.cfg.Version, v.Zone(r)
	f.Path = "/"
	f.URL = URL{path: r.URL.Path, query: r.URL.Query()}
	if r.Method == http.MethodGet {
		f.Path = r.URL.RequestURI()
	}
	if f.Principal == nil {
		return
	}
	if note, ok := v.cfg.Accounts.TakeNote(r.Context()).(*Note); ok {
		f.Note = note
	}
	f.Hub = !f.Principal.Staff() || strings.HasPrefix(r.URL.Path, "/hub") || f.Area == "account" && f.Hub
	entries := adminNav
	switch {
	case f.Hub && f.Principal.Staff():
		entries, f.Switch = hubNav, "/"
	case f.Hub:
		entries = hubNav
	case f.Principal.User != nil:
		f.Switch = "/hub"
	}
	f.Nav = navigation(entries, f.Area)
}

// Zone is the time zone of who is signed in.
func (v *Renderer) Zone(r *http.Request) *time.Location {
	name := ""
	if p := account.Of(r.Context()); p != nil && p.User != nil {
		name = p.User.Site.Timezone
	} else if sites := v.cfg.Directory.Current().Sites(); len(sites) > 0 {
		name = sites[0].Timezone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Note keeps a message for the next page and goes there.
func (v *Renderer) Note(w http.ResponseWriter, r *http.Request, to string, n Note) {
	if n.Bad {
		audit.Of(r.Context()).Refused()
	}
	v.cfg.Accounts.Note(r.Context(), &n)
	http.Redirect(w, r, Local(to), http.StatusSeeOther)
}

// Refuse writes a page that says why not: 403, 404, 429 and so on have texts of their own.
func (v *Renderer) Refuse(w http.ResponseWriter, r *http.Request, status int) {
	p := v.Printer(r)
	key := "refusal." + http.StatusText(status)
	if !p.Has(key + ".title") {
		key = "refusal.other"
	}
	v.Render(w, r, own, "refusal", status, Frame{Title: p.T(key + ".title"), Data: refusal{Title: p.T(key + ".title"), Text: p.T(key + ".text"), Status: status}})
}

type refusal struct {
	Title, Text, Ref string
	Status           int
}

// Fail logs a fault of the server's and writes a page with its reference only.
func (v *Renderer) Fail(w http.ResponseWriter, r *http.Request, doing string, err error) {
	ref := rand.Text()[:12]
	v.log.ErrorContext(r.Context(), "portal request failed", "deed", doing, "ref", ref, "err", err)
	p := v.Printer(r)
	v.Render(w, r, own, "refusal", http.StatusInternalServerError, Frame{Title: p.T("refusal.fault.title"), Data: refusal{
		Title: p.T("refusal.fault.title"), Text: p.T("refusal.fault.text", ref), Ref: ref, Status: http.StatusInternalServerError}})
}

// SignedIn lets only those through who are signed in; a page asked for is shown after the sign-in.
func (v *Renderer) SignedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if account.Of(r.Context()) != nil {
			next(w, r)
			return
		}
		to := "/sign-in"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
		}
		if r.Header.Get("HX-Request") != "" { // a part of a page that was left open: leave the page whole
			w.Header().Set("HX-Redirect", to)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// Staff lets only those through who have pages of the administrator's portal to see.
func (v *Renderer) Staff(next http.HandlerFunc) http.HandlerFunc {
	return v.SignedIn(func(w http.ResponseWriter, r *http.Request) {
		if !account.Of(r.Context()).Staff() {
			v.Refuse(w, r, http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// Local gives the address if it is one of this server, else the first page.
func Local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
