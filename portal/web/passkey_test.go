package web_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"passerelle/directory"
)

// withAuthenticator gives the browser an authenticator, as a laptop has one, that answers at once.
func withAuthenticator() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return err
	})
}

// look takes axe-core's view of a page, and a picture where pictures are wanted.
func (b *tab) look(name string) {
	b.t.Helper()
	b.axe(name)
	if dir := os.Getenv("PASSERELLE_SHOTS"); dir != "" {
		b.shoot(dir, name)
	}
}

// TestPasskeyInTheBrowser adds a passkey in Chromium, signs in with it, and takes it away, in both languages.
func TestPasskeyInTheBrowser(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		w := newWorld(t)
		b := w.chromium(t, lang)
		b.url = strings.Replace(w.url, "127.0.0.1", "localhost", 1) // passkeys are for names
		b.do(withAuthenticator())
		b.signIn("alice")
		b.open("/account")
		b.do(chromedp.SendKeys(chromedp.CSS("#passkey-name"), "Portable\r"), chromedp.WaitVisible(chromedp.CSS("#recovery-codes")))
		b.look("recovery-codes-" + lang)
		kept, err := w.store.Account(t.Context(), w.account(t, "alice"))
		if err != nil || len(kept.Passkeys) != 1 || kept.Passkeys[0].Name != "Portable" || kept.Passkeys[0].Host != "localhost" || len(kept.RecoveryHashes) != 10 {
			t.Fatalf("kept are %+v, %v", kept, err)
		}
		b.do(chromedp.Click(chromedp.CSS("main a[href='/account']")), chromedp.WaitVisible(chromedp.CSS("form[action='/account/recovery-codes']")))
		b.look("account-passkey-" + lang)
		b.do(chromedp.Click(chromedp.CSS("form[action='/sign-out'] button")), chromedp.WaitVisible(chromedp.CSS("#email")))
		b.do(chromedp.SendKeys(chromedp.CSS("#email"), "alice@acme.test"), chromedp.SendKeys(chromedp.CSS("#password"), "alice-demo\r"),
			chromedp.WaitVisible(chromedp.CSS("form[data-passkey=prove] button")))
		b.look("second-factor-" + lang)
		b.do(chromedp.Click(chromedp.CSS("form[data-passkey=prove] button")), chromedp.WaitVisible(chromedp.CSS("nav.side")))
		if kept, err = w.store.Account(t.Context(), kept.ID); err != nil || kept.Passkeys[0].Used.IsZero() {
			t.Errorf("the passkey was not used: %+v, %v", kept, err)
		}
		b.open("/account")
		b.do(chromedp.Click(chromedp.CSS("form[action='/account/passkeys/remove'] button")), chromedp.WaitVisible(chromedp.CSS(".note[role=status]")))
		if kept, err = w.store.Account(t.Context(), kept.ID); err != nil || kept.SecondFactor() {
			t.Errorf("the passkey is still there: %+v, %v", kept, err)
		}
	}
}

// TestPasskeysAreNotOfferedInVain by an IP address, where browsers have none.
func TestPasskeysAreNotOfferedInVain(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	page := b.get("/account")
	page.want(t, 200, "Les clés d’accès demandent que le portail soit ouvert en https")
	page.without(t, "data-passkey")
	if got := b.post("/account/passkeys/begin"); got.code != 409 {
		t.Error("asked for one, answered", got.code)
	}
	if got := b.post("/account/passkeys", "name", "Portable", "credential", "{}"); got.code != 422 || !strings.Contains(text(got.body), "Cette clé d’accès ne convient pas") {
		t.Error("a passkey that nobody asked for:", got.code)
	}
	stranger := w.browser(t)
	for _, path := range []string{"/sign-in/passkey", "/account/passkeys", "/account/passkeys/begin", "/account/passkeys/remove", "/account/code", "/account/code/remove", "/account/recovery-codes", "/sign-in/code"} {
		if got := stranger.post(path, "credential", "{}"); got.path != "/sign-in" {
			t.Errorf("%s: a stranger is at %s", path, got.path)
		}
	}
	if got := stranger.post("/sign-in/passkey/begin"); got.code != 200 || got.body != `{"location":"/sign-in"}`+"\n" {
		t.Error("a stranger asks passkeys:", got.code, got.body)
	}
}

// account is the ID of the account of a user of the demo.
func (w *world) account(t *testing.T, name string) string {
	t.Helper()
	return directory.UserAccount(w.user(t, name+"@acme.test").Ref)
}
