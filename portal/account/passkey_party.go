package account

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"passerelle/directory"
)

// relyingParty is this server as passkeys know it: by the name under which the browser reached it.
func (a *Accounts) relyingParty(r *http.Request) (*webauthn.WebAuthn, error) {
	host, ok := a.PasskeyHost(r)
	if !ok {
		return nil, ErrNoPasskeys
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Passerelle", RPOrigins: []string{a.origin(r)},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
			Registration: webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyLife, TimeoutUVD: ceremonyLife},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPasskeys, err)
	}
	return party, nil
}

// PasskeyHost is the name for which the passkeys of a request are; false where browsers have none: by an IP address, and
// without TLS but on the server's own machine.
func (a *Accounts) PasskeyHost(r *http.Request) (host string, ok bool) {
	u, err := url.Parse(a.origin(r))
	if err != nil {
		return "", false
	}
	host = strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return "", false
	}
	return host, u.Scheme == "https" || host == "localhost"
}

// origin is what the browser takes this server for (RFC 6454): that of the settings, else what the request says.
func (a *Accounts) origin(r *http.Request) string {
	switch {
	case a.cfg.Origin != "":
		return a.cfg.Origin
	case Secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// passkeyUser is an account as the library of passkeys asks for it, at one of the server's names.
type passkeyUser struct {
	account     *directory.Account
	email, name string
	host        string
}

// WebAuthnID implements webauthn.User. IDs of accounts are never given twice and name nobody.
func (u passkeyUser) WebAuthnID() []byte { return []byte(u.account.ID) }

// WebAuthnName implements webauthn.User.
func (u passkeyUser) WebAuthnName() string { return u.email }

// WebAuthnDisplayName implements webauthn.User.
func (u passkeyUser) WebAuthnDisplayName() string { return u.name }

// WebAuthnCredentials implements webauthn.User; a passkey that cannot be read opens nothing.
func (u passkeyUser) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, k := range u.account.Passkeys {
		var c webauthn.Credential
		if k.Host == u.host && json.Unmarshal(k.Credential, &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// ceremonyLife is how long a browser may take to answer what its passkeys were asked.
const ceremonyLife = 5 * time.Minute

// keepCeremony keeps what the passkeys of a session were asked, in memory, in place of what they were asked before.
func (a *Accounts) keepCeremony(ctx context.Context, c *webauthn.SessionData) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for token, old := range a.ceremonies {
		if now.After(old.Expires) {
			delete(a.ceremonies, token)
		}
	}
	a.ceremonies[a.sessions.Token(ctx)] = *c
}

// takeCeremony gives what the passkeys of a session were asked, once.
func (a *Accounts) takeCeremony(ctx context.Context) (c webauthn.SessionData, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := a.sessions.Token(ctx)
	c, ok = a.ceremonies[token]
	delete(a.ceremonies, token)
	return c, ok && time.Now().Before(c.Expires)
}
