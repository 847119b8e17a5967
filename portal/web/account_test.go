package web_test

import (
	"crypto/hmac"
	"crypto/sha1" // what authenticator applications compute
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	keyOnPage  = regexp.MustCompile(`name="key" value="([A-Z2-7]+)"`)
	codeOnPage = regexp.MustCompile(`\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b`)
)

// appCode is what an authenticator application shows, steps of 30 s from now.
func appCode(t *testing.T, key string, steps int64) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, raw)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()/30+steps)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// withApp turns somebody's application on; the recovery codes are those of the page.
func (b *browser) withApp(t *testing.T) (key string, codes []string) {
	t.Helper()
	page := b.get("/account")
	page.want(t, 200, "Vérification en deux étapes", "photographiez ce code")
	found := keyOnPage.FindStringSubmatch(page.body)
	if found == nil || !strings.Contains(page.body, `<svg class="qr"`) || !strings.Contains(page.body, `href="otpauth://totp/Passerelle:`) {
		t.Fatal("no key, QR code or link on the page")
	}
	b.post("/account/code", "key", found[1], "code", "000").want(t, http.StatusUnprocessableEntity, "Le code est incorrect")
	page = b.post("/account/code", "key", found[1], "code", appCode(t, found[1], -1))
	page.want(t, 200, "La vérification en deux étapes est activée.", "Conservez ces codes en lieu sûr.")
	if codes = codeOnPage.FindAllString(page.body, -1); len(codes) != 10 {
		t.Fatal("codes on the page:", codes)
	}
	return found[1], codes
}

func TestSecondFactorOnThePages(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	key, codes := b.withApp(t)
	b.get("/account").want(t, 200, "Activée", "Il en reste 10.")
	b.get("/account").without(t, codes...)
	fresh := w.browser(t)
	page := fresh.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo", "next", "/services")
	page.want(t, 200, "Vérification en deux étapes", "Utiliser un code de secours", "Code de secours")
	if got := fresh.get("/services"); !strings.HasPrefix(got.path, "/sign-in") {
		t.Fatal("the password alone opens", got.path)
	}
	fresh.post("/sign-in/code", "code", codes[0][:18]+"?").want(t, http.StatusUnprocessableEntity, "Le code est incorrect")
	if page := fresh.post("/sign-in/code", "code", codes[0], "next", "/services"); page.path != "/services" {
		t.Fatal("a recovery code leads to", page.path)
	}
	page = fresh.get("/account")
	page.want(t, 200, "Il en reste 9.")
	page = fresh.post("/account/recovery-codes")
	page.want(t, 200, "De nouveaux codes de secours")
	page.without(t, codes...)
	third := w.browser(t)
	third.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo")
	third.post("/sign-in/code", "code", codes[1]).want(t, http.StatusUnprocessableEntity, "Le code est incorrect")
	if page := third.post("/sign-in/code", "code", appCode(t, key, 0)); page.path != "/" {
		t.Error("the application's code leads to", page.path)
	}
	if page := third.post("/account/code/remove"); page.path != "/account" {
		t.Error("at", page.path)
	}
	if page := w.as(t, "alice").get("/account"); !strings.Contains(page.body, `<svg class="qr"`) {
		t.Error("the second factor is still on")
	}
}

// TestLostSecondFactorIsTakenAway by an administrator of the enterprise, and by nobody else.
func TestLostSecondFactorIsTakenAway(t *testing.T) {
	w := newWorld(t)
	bruno := w.user(t, "bruno@acme.test")
	w.as(t, "bruno").withApp(t)
	path := fmt.Sprint("/users/", bruno.Ref)
	alice := w.as(t, "alice")
	alice.get(path).without(t, "second-factor")
	alice.post(path+"/second-factor").want(t, http.StatusForbidden)
	if on, err := w.acc.HasSecondFactor(t.Context(), bruno.Ref); !on || err != nil {
		t.Fatal(on, err)
	}
	promote(t, w)
	owner := w.as(t, "camille")
	owner.get(path).want(t, 200, "Retirer la vérification en deux étapes")
	page := owner.post(path + "/second-factor")
	page.want(t, 200, "L’utilisateur se connecte sans vérification en deux étapes.")
	page.without(t, "/second-factor")
	w.as(t, "bruno")
	kept, err := w.store.Account(t.Context(), w.account(t, "bruno"))
	if err != nil || kept.SecondFactor() || len(kept.RecoveryHashes) > 0 {
		t.Errorf("left are %+v, %v", kept, err)
	}
	if e := w.lastEntry(t); e.Deed != "account.second_factor_reset" || !strings.HasPrefix(e.Subject, "Bruno Keller") {
		t.Errorf("the journal has %+v", e)
	}
}
