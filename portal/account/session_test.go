package account

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
)

func TestSignInAndOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if p := b.who(t); p != nil {
		t.Fatal("a stranger is", p)
	}
	if more, err := b.signIn(t, " ALICE@acme.test ", alicePassword); more || err != nil {
		t.Fatal(more, err)
	}
	if p := b.who(t); p == nil || p.Name != "alice" || p.User == nil {
		t.Fatalf("signed in as %+v", p)
	}
	token := b.cookies[cookieName]
	b.visit(t, func(rw http.ResponseWriter, r *http.Request) {
		if err := w.SignOut(rw, r); err != nil {
			t.Error(err)
		}
	})
	b.cookies[cookieName] = token // kept by somebody
	if p := b.who(t); p != nil {
		t.Error("the token of a session that ended is", p)
	}
	if text := w.log.String(); strings.Contains(text, alicePassword) || strings.Contains(text, token) || !strings.Contains(text, "signed in") {
		t.Errorf("the log tells too much or nothing: %s", text)
	}
}

func TestWrongAndUnknownAreAlike(t *testing.T) {
	b := newWorld(t).browser()
	for email, password := range map[string]string{alice: "wrong", "nobody@acme.test": "wrong", "": "", strings.Repeat("x", 300): "wrong"} {
		if _, err := b.signIn(t, email, password); !errors.Is(err, ErrDenied) || err.Error() != ErrDenied.Error() {
			t.Errorf("%.20s: %v", email, err)
		}
	}
	if p := b.who(t); p != nil {
		t.Error("signed in without a password as", p)
	}
}

func TestASessionHasATokenOfItsOwn(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.cookies[cookieName] = "token-that-an-attacker-chose-and-planted"
	if _, err := b.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	if b.cookies[cookieName] == "token-that-an-attacker-chose-and-planted" {
		t.Fatal("the session has the planted token")
	}
	first := b.cookies[cookieName]
	if _, err := b.signIn(t, "camille@acme.test", "camille-demo"); err != nil {
		t.Fatal(err)
	}
	if p := b.who(t); p == nil || p.Name != "camille" {
		t.Errorf("the second sign-in is %v", p)
	}
	b.cookies[cookieName] = first
	if p := b.who(t); p != nil {
		t.Error("the former token still opens the session of", p)
	}
}

func TestTheCookieIsHard(t *testing.T) {
	for name, c := range map[string]struct {
		from, proto string
		secure      bool
	}{
		"plain":              {from, "", false},
		"proxy of this host": {"127.0.0.1:4000", "https", true},
		"a stranger's claim": {from, "https", false},
	} {
		b := newWorld(t).browser()
		b.from = c.from
		b.header.Set("X-Forwarded-Proto", c.proto)
		res := b.visit(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := b.w.SignIn(w, r, alice, alicePassword); err != nil {
				t.Error(err)
			}
		})
		k := res.Cookies()[0]
		if !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Secure != c.secure || k.Domain != "" || k.MaxAge != 0 {
			t.Errorf("%s: %v", name, k)
		}
	}
}

func TestSessionsEndWithTheirUser(t *testing.T) {
	for name, change := range map[string]func(*directory.Enterprise){
		"user removed":    func(e *directory.Enterprise) { e.Sites[0].Users = e.Sites[0].Users[1:] },
		"address removed": func(e *directory.Enterprise) { e.Sites[0].Users[0].Email = "" },
		"password changed": func(e *directory.Enterprise) {
			e.Sites[0].Users[0].PortalPassword, e.Sites[0].Users[0].PortalPasswordHash = "another one", ""
		},
	} {
		w := newWorld(t)
		b := w.browser()
		if _, err := b.signIn(t, alice, alicePassword); err != nil {
			t.Fatal(err)
		}
		w.edit(t, func(e *directory.Enterprise) { e.Sites[0].Users[2].DND = true })
		if b.who(t) == nil {
			t.Fatalf("%s: signed out by a change of somebody else", name)
		}
		w.edit(t, change)
		if p := b.who(t); p != nil {
			t.Errorf("%s: still signed in as %v", name, p)
		}
	}
}

func TestRolesAreThoseOfTheMoment(t *testing.T) {
	w := newWorld(t)
	paris, lyon := w.live.Current().Sites()[0], w.live.Current().Sites()[1]
	for email, want := range map[string][4]bool{ // staff, sees paris, changes paris, sees lyon
		alice:               {true, true, true, false},
		"bruno@acme.test":   {true, true, false, false},
		"camille@acme.test": {false, false, false, false},
	} {
		b := w.browser()
		if _, err := b.signIn(t, email, strings.Split(email, "@")[0]+"-demo"); err != nil {
			t.Fatal(err)
		}
		p := b.who(t)
		if got := [4]bool{p.Staff(), p.Sees(paris), p.Changes(paris), p.Sees(lyon)}; got != want || p.Changes(lyon) || p.Owns() {
			t.Errorf("%s: %v", email, got)
		}
	}
	b := w.browser()
	if _, err := b.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })
	if !w.Still(ctx) {
		t.Error("a live session is not still signed in")
	}
	w.edit(t, func(e *directory.Enterprise) { e.Sites[0].Users[0].Roles = nil })
	if b.who(t).Staff() || w.Still(ctx) {
		t.Error("the role outlives the directory's change")
	}
	w.edit(t, func(e *directory.Enterprise) { e.Sites[0].Users[0].Roles = []directory.Role{directory.EnterpriseAdmin} })
	if p := b.who(t); !p.Owns() || !p.Changes(lyon) || len(p.Sites(w.live.Current())) != 2 {
		t.Error("the new role is not in force")
	}
}

func TestIdleSessionsEnd(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if _, err := b.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	token := b.cookies[cookieName]
	if now := time.Now(); !w.touch(token, now.Add(Idle-time.Minute)) || !w.touch(token, now.Add(2*Idle-2*time.Minute)) {
		t.Fatal("a session in use has ended")
	}
	if w.touch(token, time.Now().Add(4*Idle)) {
		t.Error("a session goes on after a long pause")
	}
	w.mu.Lock()
	w.state[token] = state{seen: time.Now().Add(-Idle - time.Second)}
	w.mu.Unlock()
	if p := b.who(t); p != nil {
		t.Error("an idle session is still", p)
	}
	if p := b.who(t); p != nil {
		t.Error("an idle session came back as", p)
	}
}

func TestNotesAreReadOnce(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	for _, x := range []*browser{b, other} {
		if _, err := x.signIn(t, alice, alicePassword); err != nil {
			t.Fatal(err)
		}
	}
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { w.Note(r.Context(), "kept") })
	var got []any
	for _, x := range []*browser{other, b, b} {
		x.visit(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, w.TakeNote(r.Context())) })
	}
	if got[0] != nil || got[1] != "kept" || got[2] != nil {
		t.Errorf("read %v", got)
	}
}
