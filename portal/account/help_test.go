package account

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"passerelle/directory"
	"passerelle/store"
	"passerelle/store/storetest"
)

const (
	alice, alicePassword = "alice@acme.test", "alice-demo"
	from                 = "192.0.2.7:40000"
)

// world is accounts on a store with three people: a site's administrator, a help desk and a user.
type world struct {
	*Accounts
	store *store.Store
	live  *directory.Live
	log   bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.New(t)}
	s := directory.NewSite()
	s.Name, s.Domain, s.Country, s.Timezone = "Paris", "paris.acme.test", "FR", "Europe/Paris"
	for i, name := range []string{"alice", "bruno", "camille"} {
		u := directory.NewUser(directory.Person)
		u.Name, u.Extension, u.Email = name, []string{"201", "202", "203"}[i], name+"@acme.test"
		u.PortalPassword = directory.Secret(name + "-demo")
		u.Roles = [][]directory.Role{{directory.SiteAdmin}, {directory.HelpDesk}, nil}[i]
		s.Users = append(s.Users, u)
	}
	other := directory.NewSite()
	other.Name, other.Domain, other.Country, other.Timezone = "Lyon", "lyon.acme.test", "FR", "Europe/Paris"
	if err := w.store.Import(t.Context(), &directory.Enterprise{Name: "acme", Sites: []*directory.Site{s, other}}, nil); err != nil {
		t.Fatal(err)
	}
	w.live = directory.NewLive(w.directory(t))
	w.Accounts = New(Config{Directory: w.live, Passwords: w.store, Records: w.store, Sessions: w.store.Sessions(),
		Log: slog.New(slog.NewTextHandler(&w.log, nil))})
	return w
}

func (w *world) directory(t *testing.T) *directory.Directory {
	t.Helper()
	e, err := w.store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// edit changes the stored directory and puts it in use.
func (w *world) edit(t *testing.T, change func(*directory.Enterprise)) {
	t.Helper()
	err := w.store.Edit(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
		change(e)
		return e, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.live.Swap(w.directory(t))
}

// browser is somebody's cookies and address.
type browser struct {
	w       *world
	cookies map[string]string
	from    string
	host    string // of the server, as the browser calls it
	header  http.Header
}

func (w *world) browser() *browser {
	return &browser{w: w, cookies: map[string]string{}, from: from, host: "example.com", header: http.Header{}}
}

// visit makes one request, in which do acts as a page would.
func (b *browser) visit(t *testing.T, do func(w http.ResponseWriter, r *http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	r.RemoteAddr, r.Host, r.Header = b.from, b.host, b.header.Clone()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.w.Load(http.HandlerFunc(do)).ServeHTTP(rec, r)
	res := rec.Result()
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return res
}

// signIn tries to sign in.
func (b *browser) signIn(t *testing.T, email, password string) (more bool, err error) {
	t.Helper()
	b.visit(t, func(w http.ResponseWriter, r *http.Request) { more, err = b.w.SignIn(w, r, email, password) })
	return more, err
}

// who is signed in; nil when nobody is.
func (b *browser) who(t *testing.T) (p *Principal) {
	t.Helper()
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { p = Of(r.Context()) })
	return p
}
