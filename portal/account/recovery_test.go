package account

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// prove gives a code in the session.
func (b *browser) prove(t *testing.T, code string) (err error) {
	t.Helper()
	b.visit(t, func(w http.ResponseWriter, r *http.Request) { err = b.w.Prove(w, r, code) })
	return err
}

// withApp is somebody signed in whose second factor is an application with that key; codes are the recovery codes.
func (w *world) withApp(t *testing.T, email string) (b *browser, key []byte, codes []string) {
	t.Helper()
	b = w.browser()
	if _, err := b.signIn(t, email, strings.Split(email, "@")[0]+"-demo"); err != nil {
		t.Fatal(err)
	}
	secret := NewTOTPKey()
	key, err := base32Key.DecodeString(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	codes, err = w.EnableTOTP(t.Context(), b.who(t), secret, totpCode(key, totpStep(time.Now())-1))
	if err != nil {
		t.Fatal(err)
	}
	return b, key, codes
}

func TestRecoveryCodesStandInOnce(t *testing.T) {
	w := newWorld(t)
	b, _, codes := w.withApp(t, alice)
	if len(codes) != RecoveryCodes || len(codes[0]) != 19 {
		t.Fatal(codes)
	}
	kept := b.who(t).Account
	for _, c := range codes {
		if strings.Contains(strings.Join(kept.RecoveryHashes, " "), c) {
			t.Error("a code is kept in clear")
		}
	}
	fresh := w.browser()
	if more, err := fresh.signIn(t, alice, alicePassword); !more || err != nil {
		t.Fatal(more, err)
	}
	if err := fresh.prove(t, " "+strings.ToUpper(codes[3])+" "); err != nil {
		t.Fatal(err)
	}
	if p := fresh.who(t); p == nil || len(p.Account.RecoveryHashes) != RecoveryCodes-1 {
		t.Fatalf("after the code: %v", p)
	}
	again := w.browser()
	if _, err := again.signIn(t, alice, alicePassword); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{codes[3], "", "0000-0000-0000-0000", codes[4][:18]} {
		if err := again.prove(t, code); !errors.Is(err, ErrWrongCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
	// Somebody else's code is none.
	other, _, _ := w.withApp(t, "bruno@acme.test")
	other = w.browser()
	if _, err := other.signIn(t, "bruno@acme.test", "bruno-demo"); err != nil {
		t.Fatal(err)
	}
	if err := other.prove(t, codes[5]); !errors.Is(err, ErrWrongCode) {
		t.Error("a code of another account:", err)
	}
	if strings.Contains(w.log.String(), codes[3]) {
		t.Error("the log tells a code")
	}
}

// TestSecondFactorsAreChangedByWhoProvedOne wants the second factor anew in a session that has been open for a while.
func TestSecondFactorsAreChangedByWhoProvedOne(t *testing.T) {
	w := newWorld(t)
	b, key, codes := w.withApp(t, alice)
	ctx := w.context(t, b)
	again, err := w.NewRecoveryCodes(ctx, Of(ctx))
	if err != nil || len(again) != RecoveryCodes {
		t.Fatal(again, err)
	}
	if err := b.prove(t, codes[0]); !errors.Is(err, ErrWrongCode) {
		t.Error("a code that was replaced counts:", err)
	}
	w.mu.Lock()
	for token, s := range w.state {
		s.proved = time.Now().Add(-Fresh - time.Second)
		w.state[token] = s
	}
	w.mu.Unlock()
	ctx = w.context(t, b)
	if _, err := w.NewRecoveryCodes(ctx, Of(ctx)); !errors.Is(err, ErrStale) {
		t.Error("an old session draws recovery codes:", err)
	}
	if err := w.DisableTOTP(ctx, Of(ctx)); !errors.Is(err, ErrStale) {
		t.Error("an old session takes the second factor away:", err)
	}
	old := b.cookies[cookieName]
	if err := b.prove(t, totpCode(key, totpStep(time.Now()))); err != nil {
		t.Fatal(err)
	}
	if b.cookies[cookieName] == old {
		t.Error("the proof has left the session's token as it was")
	}
	ctx = w.context(t, b)
	if err := w.DisableTOTP(ctx, Of(ctx)); err != nil {
		t.Fatal(err)
	}
	if kept := b.who(t).Account; kept.SecondFactor() || len(kept.RecoveryHashes) > 0 {
		t.Error("left are", kept)
	}
	if more, err := w.browser().signIn(t, alice, alicePassword); more || err != nil {
		t.Error("a second factor is asked for that there is not:", more, err)
	}
	if err := b.prove(t, again[0]); !errors.Is(err, ErrDenied) {
		t.Error("an account without a second factor takes a code:", err)
	}
}

// context is that of a request in the browser's session.
func (w *world) context(t *testing.T, b *browser) (ctx context.Context) {
	t.Helper()
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })
	return ctx
}
