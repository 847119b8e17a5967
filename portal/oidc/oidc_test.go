package oidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"passerelle/portal/oidc/oidctest"
)

const redirect = "https://portal.acme.test/sign-in/oidc/callback"

func world(t *testing.T) (*Provider, *oidctest.Provider) {
	t.Helper()
	idp := oidctest.New(t)
	p, err := New(Config{Issuer: idp.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Redirect: redirect})
	if err != nil {
		t.Fatal(err)
	}
	return p, idp
}

// visit signs in at the provider and gives the query with which the browser is sent back.
func visit(t *testing.T, page string) url.Values {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil || !strings.HasPrefix(back.String(), redirect+"?") {
		t.Fatal(res.Status, back, err)
	}
	return back.Query()
}

// signIn is a whole sign-in; change may spoil it on the way back.
func signIn(t *testing.T, p *Provider, change func(*Flow, url.Values)) (string, error) {
	t.Helper()
	page, f, err := p.Begin(t.Context(), "/hub")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := DecodeFlow(f.Encode())
	if err != nil || kept.Next != "/hub" || !kept.Until.Equal(f.Until) {
		t.Fatal(kept, err)
	}
	query := visit(t, page)
	if change != nil {
		change(&kept, query)
	}
	return p.Finish(t.Context(), kept, query)
}

func TestSignIn(t *testing.T) {
	p, _ := world(t)
	for range 2 {
		if email, err := signIn(t, p, nil); email != "alice@acme.test" || err != nil {
			t.Fatal(email, err)
		}
	}
}

// TestSpoiledSignIns are those that an attacker, or a provider at fault, sends back.
func TestSpoiledSignIns(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		claims map[string]any
		info   map[string]any
		sign   *rsa.PrivateKey
		change func(*Flow, url.Values)
		want   error
	}{
		"another browser's state":  {change: func(_ *Flow, q url.Values) { q.Set("state", "x") }, want: ErrRefused},
		"no state":                 {change: func(_ *Flow, q url.Values) { q.Del("state") }, want: ErrRefused},
		"no flow":                  {change: func(f *Flow, q url.Values) { *f = Flow{Until: f.Until}; q.Del("state") }, want: ErrRefused},
		"too late":                 {change: func(f *Flow, _ url.Values) { f.Until = time.Now().Add(-time.Second) }, want: ErrRefused},
		"another verifier":         {change: func(f *Flow, _ url.Values) { f.Verifier = strings.Repeat("v", 43) }, want: ErrRefused},
		"another nonce":            {change: func(f *Flow, _ url.Values) { f.Nonce = "n" }, want: ErrRefused},
		"another provider":         {change: func(_ *Flow, q url.Values) { q.Set("iss", "https://evil.test") }, want: ErrRefused},
		"refused by the provider":  {change: func(_ *Flow, q url.Values) { q.Set("error", "access_denied") }, want: ErrRefused},
		"no code":                  {change: func(_ *Flow, q url.Values) { q.Del("code") }, want: ErrRefused},
		"a code of nobody":         {change: func(_ *Flow, q url.Values) { q.Set("code", "x") }, want: ErrRefused},
		"nonce in the token":       {claims: map[string]any{"nonce": "n"}, want: ErrRefused},
		"no nonce in the token":    {claims: map[string]any{"nonce": nil}, want: ErrRefused},
		"token for another":        {claims: map[string]any{"aud": "another"}, want: ErrRefused},
		"token by another":         {claims: map[string]any{"iss": "https://evil.test"}, want: ErrRefused},
		"token of another party":   {claims: map[string]any{"aud": []string{oidctest.ClientID, "another"}, "azp": "another"}, want: ErrRefused},
		"token that has expired":   {claims: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, want: ErrRefused},
		"signature of another":     {sign: stranger, want: ErrRefused},
		"address not verified":     {claims: map[string]any{"email_verified": false}, want: ErrUnverified},
		"verified is not said":     {claims: map[string]any{"email_verified": nil}, want: ErrUnverified},
		"verified is a number":     {claims: map[string]any{"email_verified": 1}, want: ErrUnverified},
		"verified is a word":       {claims: map[string]any{"email_verified": "true"}},
		"address elsewhere":        {claims: map[string]any{"email": nil}, info: map[string]any{"sub": "alice", "email": "alice@acme.test", "email_verified": true}},
		"elsewhere, not verified":  {claims: map[string]any{"email": nil}, info: map[string]any{"sub": "alice", "email": "alice@acme.test"}, want: ErrUnverified},
		"elsewhere, of another":    {claims: map[string]any{"email": nil}, info: map[string]any{"sub": "bruno", "email": "alice@acme.test", "email_verified": true}, want: ErrRefused},
		"elsewhere, not told":      {claims: map[string]any{"email": nil}, want: ErrUnavailable},
		"elsewhere, without email": {claims: map[string]any{"email": nil}, info: map[string]any{"sub": "alice"}, want: ErrUnverified},
	} {
		p, idp := world(t)
		idp.Claims(c.claims)
		idp.Info(c.info)
		idp.SignBy(c.sign)
		email, err := signIn(t, p, c.change)
		if !errors.Is(err, c.want) || (email != "") != (c.want == nil) {
			t.Errorf("%s: %q, %v, want %v", name, email, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "alice@") {
			t.Errorf("%s: the error tells the address: %v", name, err)
		}
	}
}

func TestACodeCountsOnce(t *testing.T) {
	p, _ := world(t)
	page, f, err := p.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	query := visit(t, page)
	if _, err := p.Finish(t.Context(), f, query); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), f, query); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

func TestProviderThatIsDown(t *testing.T) {
	p, idp := world(t)
	idp.Down(true)
	for range 2 { // the second time it is not asked
		if _, _, err := p.Begin(t.Context(), "/"); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	idp.Down(false)
	p.failed = time.Now().Add(-failurePause)
	page, f, err := p.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	query := visit(t, page)
	idp.Down(true)
	if _, err := p.Finish(t.Context(), f, query); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Finish(gone, f, query); !errors.Is(err, ErrUnavailable) {
		t.Error("a browser that has gone:", err)
	}
}

func TestConfigurations(t *testing.T) {
	for issuer, ok := range map[string]bool{
		"https://id.acme.test": true, "https://id.acme.test/realms/acme": true, "http://localhost:9000": true, "http://127.0.0.1:9000": true,
		"http://id.acme.test": false, "id.acme.test": false, "": false, "https://user:word@id.acme.test": false, "https://id.acme.test?x=1": false, "ftp://id.acme.test": false,
	} {
		if _, err := New(Config{Issuer: issuer, ClientID: "passerelle"}); (err == nil) != ok {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	if _, err := New(Config{Issuer: "https://id.acme.test"}); err == nil {
		t.Error("no client ID")
	}
	p, err := New(Config{Issuer: "https://id.acme.test/realms/acme", ClientID: "x"})
	if err != nil || p.Name() != "id.acme.test" {
		t.Error(p.Name(), err)
	}
}

func TestCookiesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "x", "e30", "bnVsbA", strings.Repeat("A", 5000)} {
		if _, err := DecodeFlow(text); !errors.Is(err, ErrRefused) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
