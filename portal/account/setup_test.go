package account

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
)

const goodPassword = "correct horse battery"

// setUp uses a link.
func (b *browser) setUp(t *testing.T, token, name, email, password string) (err error) {
	t.Helper()
	b.visit(t, func(w http.ResponseWriter, r *http.Request) { err = b.w.Setup(w, r, token, name, email, password) })
	return err
}

func (w *world) setupToken(t *testing.T) string {
	t.Helper()
	path, err := w.SetupPath(t.Context())
	token, ok := strings.CutPrefix(path, "/setup/")
	if err != nil || !ok || len(token) < 26 {
		t.Fatalf("path %q, %v", path, err)
	}
	return token
}

func TestSetupLinkMakesTheOwnerOnce(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	old := w.setupToken(t)
	token := w.setupToken(t)
	for _, c := range []struct {
		token, name, email, password string
		want                         error
	}{
		{old, "Zoé", "zoe@acme.test", goodPassword, ErrNoSetup},
		{"", "Zoé", "zoe@acme.test", goodPassword, ErrNoSetup},
		{token, " ", "zoe@acme.test", goodPassword, ErrBadName},
		{token, "Zoé", "zoe", goodPassword, ErrBadEmail},
		{token, "Zoé", "Alice@acme.test", goodPassword, ErrBadEmail},
		{token, "Zoé", "zoe@acme.test", "short", ErrWeakPassword},
		{token, "Zoé", "zoe@acme.test", "zoe@acme.test", ErrWeakPassword},
		{token, "Zoé", "zoe@acme.test", "aaaaaaaaaaaaaa", ErrWeakPassword},
		{token, "Zoé", "zoe@acme.test", goodPassword, nil},
		{token, "Eve", "eve@acme.test", goodPassword, ErrNoSetup},
	} {
		if err := b.setUp(t, c.token, c.name, c.email, c.password); !errors.Is(err, c.want) {
			t.Errorf("%s, %s, %.8s: %v, want %v", c.name, c.email, c.password, err, c.want)
		}
	}
	if p := b.who(t); p == nil || p.Name != "Zoé" || !p.Owns() || len(p.Sites(w.live.Current())) != 2 {
		t.Errorf("the owner is %+v", p)
	}
	if path, err := w.SetupPath(t.Context()); path != "" || err != nil {
		t.Errorf("a second link: %q, %v", path, err)
	}
	again := w.browser()
	if _, err := again.signIn(t, "ZOE@acme.test", goodPassword); err != nil {
		t.Error("the owner cannot sign in:", err)
	}
	if text := w.log.String(); strings.Contains(text, token) || strings.Contains(text, goodPassword) {
		t.Error("the log tells the link or the password")
	}
}

func TestNoSetupWhereSomebodyAdministers(t *testing.T) {
	w := newWorld(t)
	w.edit(t, func(e *directory.Enterprise) { e.Sites[0].Users[0].Roles = []directory.Role{directory.EnterpriseAdmin} })
	if path, err := w.SetupPath(t.Context()); path != "" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}

// TestOwnerIsMadeAnew takes a lost account over by a link from the terminal.
func TestOwnerIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	old := w.browser()
	if err := old.setUp(t, w.setupToken(t), "Zoé", "zoe@acme.test", goodPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := w.EnableTOTP(t.Context(), old.who(t), NewTOTPKey(), "000000"); !errors.Is(err, ErrWrongCode) {
		t.Fatal(err)
	}
	key := NewTOTPKey()
	raw, err := base32Key.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.EnableTOTP(t.Context(), old.who(t), key, totpCode(raw, totpStep(time.Now()))); err != nil {
		t.Fatal(err)
	}
	first, _ := w.OwnerPath(t.Context())
	path, until := w.OwnerPath(t.Context())
	if left := time.Until(until); left > OwnerLinkLife || left < OwnerLinkLife-time.Minute {
		t.Error("the link holds for", left)
	}
	fresh, token := w.browser(), strings.TrimPrefix(path, "/setup/")
	const password = "another battery of horses"
	if err := fresh.setUp(t, strings.TrimPrefix(first, "/setup/"), "Eve", "eve@acme.test", password); !errors.Is(err, ErrNoSetup) {
		t.Error("a link that was replaced:", err)
	}
	if err := fresh.setUp(t, token, "Zoé", "zoe@acme.test", password); err != nil {
		t.Fatal(err)
	}
	if err := w.browser().setUp(t, token, "Eve", "eve@acme.test", password); !errors.Is(err, ErrNoSetup) {
		t.Error("the link works twice:", err)
	}
	if p := old.who(t); p != nil {
		t.Error("a session from before is", p)
	}
	if p := fresh.who(t); p == nil || !p.Owns() || p.Account.SecondFactor() {
		t.Errorf("the owner is %+v", p)
	}
	if _, err := w.browser().signIn(t, "zoe@acme.test", goodPassword); !errors.Is(err, ErrDenied) {
		t.Error("the old password:", err)
	}
	if more, err := w.browser().signIn(t, "zoe@acme.test", password); more || err != nil {
		t.Error("the new password:", more, err)
	}
	if strings.Contains(w.log.String(), token) {
		t.Error("the log tells the link")
	}
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if _, err := b.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	key := NewTOTPKey()
	raw, err := base32Key.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	// Codes of the step before, the present one and the next count; each once, and none that is older.
	step := totpStep(time.Now())
	if _, err := w.EnableTOTP(t.Context(), b.who(t), key, "000000x"); !errors.Is(err, ErrWrongCode) {
		t.Fatal(err)
	}
	if _, err := w.EnableTOTP(t.Context(), b.who(t), key, totpCode(raw, step)); err != nil {
		t.Fatal(err)
	}
	fresh := w.browser()
	if more, err := fresh.signIn(t, alice, alicePassword); !more || err != nil {
		t.Fatal(more, err)
	}
	if p := fresh.who(t); p != nil {
		t.Fatal("the password alone is", p)
	}
	pending := fresh.cookies[cookieName]
	if err := fresh.prove(t, totpCode(raw, step)); !errors.Is(err, ErrWrongCode) {
		t.Error("a code counts twice:", err)
	}
	if err := w.browser().prove(t, totpCode(raw, step+1)); !errors.Is(err, ErrDenied) {
		t.Error("a code without a password:", err)
	}
	if err := fresh.prove(t, totpCode(raw, step+1)); err != nil {
		t.Fatal(err)
	}
	if p := fresh.who(t); p == nil || p.Name != "alice" || fresh.cookies[cookieName] == pending {
		t.Errorf("after the code: %v", p)
	}
	guesser := w.browser()
	if _, err := guesser.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range codeTries + 2 {
		if errors.Is(guesser.prove(t, "123456x"), ErrTooManyTries) {
			refused++
		}
	}
	if refused == 0 {
		t.Error("codes may be guessed without end")
	}
}
