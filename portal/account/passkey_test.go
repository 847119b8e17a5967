package account

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	virtual "github.com/descope/virtualwebauthn"

	"passerelle/directory"
)

// portalName is the name under which the tests' browsers reach the portal.
const portalName = "portal.acme.test"

// key is somebody's passkey, with the browser that speaks to it.
type key struct {
	at   virtual.RelyingParty
	auth virtual.Authenticator
	cred virtual.Credential
}

func newKey() *key {
	return &key{virtual.RelyingParty{Name: "Passerelle", ID: portalName, Origin: "https://" + portalName}, virtual.NewAuthenticator(), virtual.NewCredential(virtual.KeyTypeEC2)}
}

// secureBrowser reaches the portal by TLS and its name.
func (w *world) secureBrowser() *browser {
	b := w.browser()
	b.host, b.from = portalName, "127.0.0.1:9"
	b.header.Set("X-Forwarded-Proto", "https")
	return b
}

// begin asks for what a passkey is to be asked.
func (b *browser) beginPasskey(t *testing.T) (options string, err error) {
	t.Helper()
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) {
		var raw []byte
		raw, err = b.w.BeginPasskey(r)
		options = string(raw)
	})
	return options, err
}

// add answers with a new passkey.
func (b *browser) addPasskey(t *testing.T, k *key, options, name string) (codes []string, err error) {
	t.Helper()
	asked, err := virtual.ParseAttestationOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	answer := virtual.CreateAttestationResponse(k.at, k.auth, k.cred, *asked)
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { codes, err = b.w.AddPasskey(r, name, []byte(answer)) })
	return codes, err
}

// withPasskey is somebody signed in who has a passkey.
func (w *world) withPasskey(t *testing.T, email string) (*browser, *key) {
	t.Helper()
	b, k := w.secureBrowser(), newKey()
	if _, err := b.signIn(t, email, strings.Split(email, "@")[0]+"-demo"); err != nil {
		t.Fatal(err)
	}
	options, err := b.beginPasskey(t)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := b.addPasskey(t, k, options, "Laptop")
	if err != nil || len(codes) != RecoveryCodes {
		t.Fatal(codes, err)
	}
	k.auth.AddCredential(k.cred)
	return b, k
}

// answer is what a passkey answers in a session that waits for it.
func (b *browser) askPasskey(t *testing.T, k *key) (answer string) {
	t.Helper()
	var options []byte
	var err error
	b.visit(t, func(_ http.ResponseWriter, r *http.Request) { options, err = b.w.BeginProof(r) })
	if err != nil {
		t.Fatal(err)
	}
	asked, err := virtual.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return virtual.CreateAssertionResponse(k.at, k.auth, k.cred, *asked)
}

func (b *browser) provePasskey(t *testing.T, answer string) (err error) {
	t.Helper()
	b.visit(t, func(w http.ResponseWriter, r *http.Request) { err = b.w.ProvePasskey(w, r, []byte(answer)) })
	return err
}

// pending is a browser in which the password was given.
func (w *world) pending(t *testing.T, email string) *browser {
	t.Helper()
	b := w.secureBrowser()
	if more, err := b.signIn(t, email, strings.Split(email, "@")[0]+"-demo"); !more || err != nil {
		t.Fatal(more, err)
	}
	return b
}

func TestPasskeyIsASecondFactor(t *testing.T) {
	w := newWorld(t)
	_, k := w.withPasskey(t, alice)
	b := w.pending(t, alice)
	if p := b.who(t); p != nil {
		t.Fatal("the password alone is", p)
	}
	k.cred.Counter = 5
	waiting := b.cookies[cookieName]
	answer := b.askPasskey(t, k)
	if err := b.provePasskey(t, answer); err != nil {
		t.Fatal(err)
	}
	p := b.who(t)
	if p == nil || p.Name != "alice" || b.cookies[cookieName] == waiting {
		t.Fatalf("after the passkey: %v", p)
	}
	kept := p.Account.Passkeys
	if len(kept) != 1 || kept[0].Name != "Laptop" || kept[0].Host != portalName || time.Since(kept[0].Used) > time.Minute || !strings.Contains(string(kept[0].Credential), `"signCount":5`) {
		t.Errorf("kept are %+v", kept)
	}
	if log := w.log.String(); strings.Contains(log, "signature") || strings.Contains(log, "clientDataJSON") {
		t.Error("the log tells an answer")
	}
}

// TestPasskeysThatDoNotFit are answers that open nothing.
func TestPasskeysThatDoNotFit(t *testing.T) {
	w := newWorld(t)
	_, k := w.withPasskey(t, alice)
	_, other := w.withPasskey(t, "bruno@acme.test")
	for name, c := range map[string]func(b *browser) string{
		"another account's": func(b *browser) string {
			return b.askPasskey(t, other)
		},
		"of another site": func(b *browser) string {
			evil := *k
			evil.at.Origin = "https://evil.test"
			return b.askPasskey(t, &evil)
		},
		"for another name": func(b *browser) string {
			evil := *k
			evil.at.ID = "evil.test"
			return b.askPasskey(t, &evil)
		},
		"to what another session was asked": func(b *browser) string {
			elsewhere := w.pending(t, alice)
			answer := elsewhere.askPasskey(t, k)
			b.askPasskey(t, k)
			return answer
		},
		"to what was asked before": func(b *browser) string {
			answer := b.askPasskey(t, k)
			b.askPasskey(t, k)
			return answer
		},
		"with another signature": func(b *browser) string {
			var a map[string]any
			if err := json.Unmarshal([]byte(b.askPasskey(t, k)), &a); err != nil {
				t.Fatal(err)
			}
			response := a["response"].(map[string]any)
			response["signature"] = response["authenticatorData"]
			raw, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		},
		"nonsense": func(b *browser) string { b.askPasskey(t, k); return `{"id":1}` },
		"empty":    func(b *browser) string { b.askPasskey(t, k); return "" },
	} {
		b := w.pending(t, alice)
		if err := b.provePasskey(t, c(b)); !errors.Is(err, ErrWrongPasskey) {
			t.Errorf("%s: %v", name, err)
		}
		if p := b.who(t); p != nil {
			t.Errorf("%s: signed in as %v", name, p)
		}
	}
	b := w.pending(t, alice)
	answer := b.askPasskey(t, k)
	if err := b.provePasskey(t, answer); err != nil {
		t.Fatal(err)
	}
	again := w.pending(t, alice)
	if err := again.provePasskey(t, answer); !errors.Is(err, ErrWrongPasskey) {
		t.Error("an answer counts twice:", err)
	}
	if err := w.secureBrowser().provePasskey(t, answer); !errors.Is(err, ErrDenied) {
		t.Error("an answer without a password:", err)
	}
}

func TestCopiedPasskeysAreRefused(t *testing.T) {
	w := newWorld(t)
	_, k := w.withPasskey(t, alice)
	for _, c := range []struct {
		counter uint32
		want    error
	}{{7, nil}, {7, ErrWrongPasskey}, {6, ErrWrongPasskey}, {8, nil}} {
		b := w.pending(t, alice)
		k.cred.Counter = c.counter
		if err := b.provePasskey(t, b.askPasskey(t, k)); !errors.Is(err, c.want) {
			t.Errorf("counter %d: %v, want %v", c.counter, err, c.want)
		}
	}
}

func TestPasskeysAreAddedByWhoProvedTheFirst(t *testing.T) {
	w := newWorld(t)
	b, k := w.withPasskey(t, alice)
	options, err := b.beginPasskey(t)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.addPasskey(t, newKey(), options, " "); !errors.Is(err, ErrBadName) {
		t.Error("a passkey without a name:", err)
	}
	if _, err := b.addPasskey(t, newKey(), options, "Phone"); !errors.Is(err, ErrWrongPasskey) {
		t.Error("an answer to what was asked before:", err)
	}
	if options, err = b.beginPasskey(t); err != nil {
		t.Fatal(err)
	}
	if codes, err := b.addPasskey(t, newKey(), options, "Phone"); err != nil || codes != nil {
		t.Error("a second passkey:", codes, err)
	}
	w.mu.Lock()
	for token, s := range w.state {
		s.proved = time.Time{} // as after a restart of the server
		w.state[token] = s
	}
	w.mu.Unlock()
	if _, err := b.beginPasskey(t); !errors.Is(err, ErrStale) {
		t.Error("a session that was left open adds a passkey:", err)
	}
	ctx := w.context(t, b)
	if err := w.RemovePasskey(ctx, Of(ctx), Of(ctx).Account.Passkeys[0].ID); !errors.Is(err, ErrStale) {
		t.Error("a session that was left open removes a passkey:", err)
	}
	if err := b.provePasskey(t, b.askPasskey(t, k)); err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{1, 0} {
		ctx = w.context(t, b)
		if err := w.RemovePasskey(ctx, Of(ctx), Of(ctx).Account.Passkeys[0].ID); err != nil {
			t.Fatal(err)
		}
		if kept := b.who(t).Account; len(kept.Passkeys) != left || kept.SecondFactor() != (left > 0) || (len(kept.RecoveryHashes) > 0) != (left > 0) {
			t.Errorf("left are %+v", kept)
		}
	}
	if more, err := w.secureBrowser().signIn(t, alice, alicePassword); more || err != nil {
		t.Error("a second factor is asked for that there is not:", more, err)
	}
}

// TestPasskeysAreBounded fills an account.
func TestPasskeysAreBounded(t *testing.T) {
	w := newWorld(t)
	b, _ := w.withPasskey(t, alice)
	err := w.store.EditAccount(t.Context(), b.who(t).Account.ID, func(kept *directory.Account) error {
		for len(kept.Passkeys) < MaxPasskeys {
			kept.Passkeys = append(kept.Passkeys, directory.Passkey{ID: "x", Name: "x"})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.beginPasskey(t); !errors.Is(err, ErrTooManyPasskeys) {
		t.Error(err)
	}
}

func TestWherePasskeysWork(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		host, origin string
		secure       bool
		want         string
	}{
		{"Portal.acme.test", "", true, "portal.acme.test"},
		{"portal.acme.test:8443", "", true, "portal.acme.test"},
		{"portal.acme.test", "", false, ""},
		{"localhost:8080", "", false, "localhost"},
		{"127.0.0.1:8080", "", false, ""},
		{"192.0.2.7", "", true, ""},
		{"[2001:db8::1]:443", "", true, ""},
		{"", "", true, ""},
		{"127.0.0.1:8080", "https://portal.acme.test", false, "portal.acme.test"},
		{"portal.acme.test", "http://portal.acme.test", true, ""},
	} {
		w.cfg.Origin = c.origin
		b := w.browser()
		b.host = c.host
		if c.secure {
			b = w.secureBrowser()
			b.host = c.host
		}
		b.visit(t, func(_ http.ResponseWriter, r *http.Request) {
			if got, ok := w.PasskeyHost(r); ok != (c.want != "") || ok && got != c.want {
				t.Errorf("%+v: %q %v", c, got, ok)
			}
		})
	}
}
