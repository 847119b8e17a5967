package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"passerelle/directory"
)

const (
	// MaxPasskeys is how many passkeys an account may have.
	MaxPasskeys = 10
	// maxPasskeyName bounds what an owner calls a passkey, in characters.
	maxPasskeyName = 60
	// passkeyTries is how many answers of passkeys one account may have refused within the window.
	passkeyTries = 20
)

// BeginPasskey gives what a browser is to ask a new passkey of who is signed in, as JSON. An account that has a second
// factor must have proved it lately: else ErrStale.
func (a *Accounts) BeginPasskey(r *http.Request) (options []byte, err error) {
	ctx := r.Context()
	p := Of(ctx)
	if p == nil {
		return nil, ErrDenied
	}
	if p.Account.SecondFactor() && !a.proved(ctx, time.Now()) {
		return nil, ErrStale
	}
	if len(p.Account.Passkeys) >= MaxPasskeys {
		return nil, ErrTooManyPasskeys
	}
	party, err := a.relyingParty(r)
	if err != nil {
		return nil, err
	}
	user := passkeyUser{&p.Account, p.Email, p.Name, party.Config.RPID}
	var known []protocol.CredentialDescriptor
	for _, c := range user.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	ask, ceremony, err := party.BeginRegistration(user, webauthn.WithExclusions(known), webauthn.WithConveyancePreference(protocol.PreferNoAttestation),
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementDiscouraged))
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	a.keepCeremony(ctx, ceremony)
	return json.Marshal(ask.Response)
}

// AddPasskey keeps the passkey that a browser answered with. codes are the recovery codes, to be shown once, if the account
// had none.
func (a *Accounts) AddPasskey(r *http.Request, name string, answer []byte) (codes []string, err error) {
	ctx := r.Context()
	p := Of(ctx)
	ceremony, ok := a.takeCeremony(ctx)
	if p == nil || !ok {
		return nil, fmt.Errorf("nothing was asked: %w", ErrWrongPasskey)
	}
	party, err := a.relyingParty(r)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWrongPasskey, err)
	}
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > maxPasskeyName {
		return nil, ErrBadName
	}
	err = a.cfg.Records.EditAccount(ctx, p.Account.ID, func(kept *directory.Account) error {
		if len(kept.Passkeys) >= MaxPasskeys {
			return ErrTooManyPasskeys
		}
		made, err := party.CreateCredential(passkeyUser{kept, p.Email, p.Name, party.Config.RPID}, ceremony, parsed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrWrongPasskey, err)
		}
		made.Attestation = webauthn.CredentialAttestation{} // none was asked for
		raw, err := json.Marshal(made)
		if err != nil {
			return err
		}
		kept.Passkeys = append(kept.Passkeys, directory.Passkey{
			ID: base64.RawURLEncoding.EncodeToString(made.ID), Name: name, Host: party.Config.RPID, Added: time.Now().UTC(), Credential: raw,
		})
		codes = firstCodes(kept)
		return nil
	})
	return codes, err
}

// RemovePasskey takes a passkey away from who has proved the second factor lately; ErrStale asks for it anew. One that is
// not there is no fault.
func (a *Accounts) RemovePasskey(ctx context.Context, p *Principal, id string) error {
	return a.changeFactors(ctx, p, func(kept *directory.Account) error {
		kept.Passkeys = slices.DeleteFunc(kept.Passkeys, func(k directory.Passkey) bool { return k.ID == id })
		dropCodes(kept)
		return nil
	})
}

// BeginProof gives what a browser is to ask the passkeys of the account that is signing in (see Pending), as JSON.
func (a *Accounts) BeginProof(r *http.Request) (options []byte, err error) {
	p, err := a.pendingPrincipal(r.Context())
	if err != nil {
		return nil, err
	}
	party, err := a.relyingParty(r)
	if err != nil {
		return nil, err
	}
	user := passkeyUser{&p.Account, p.Email, p.Name, party.Config.RPID}
	if len(user.WebAuthnCredentials()) == 0 {
		return nil, ErrWrongPasskey
	}
	ask, ceremony, err := party.BeginLogin(user)
	if err != nil {
		return nil, fmt.Errorf("ask the passkeys: %w", err)
	}
	a.keepCeremony(r.Context(), ceremony)
	return json.Marshal(ask.Response)
}

// ProvePasskey is Prove by the answer of a passkey.
func (a *Accounts) ProvePasskey(w http.ResponseWriter, r *http.Request, answer []byte) error {
	ctx := r.Context()
	p, err := a.pendingPrincipal(ctx)
	if err != nil {
		return err
	}
	l := limit{"passkey " + p.Account.ID, passkeyTries}
	if a.limits.take(time.Now(), l) > 0 {
		return ErrTooManyTries
	}
	if err := a.usePasskey(r, p, answer); err != nil {
		a.log.InfoContext(ctx, "passkey refused", "account", p.Account.ID, "remote", Source(r), "err", err)
		return err
	}
	a.limits.giveBack(l)
	return a.start(w, r, p, true)
}

// usePasskey checks an answer and notes the passkey's counter, in one transaction.
func (a *Accounts) usePasskey(r *http.Request, p *Principal, answer []byte) error {
	ceremony, ok := a.takeCeremony(r.Context())
	if !ok {
		return fmt.Errorf("nothing was asked: %w", ErrWrongPasskey)
	}
	party, err := a.relyingParty(r)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWrongPasskey, err)
	}
	return a.cfg.Records.EditAccount(r.Context(), p.Account.ID, func(kept *directory.Account) error {
		used, err := party.ValidateLogin(passkeyUser{kept, p.Email, p.Name, party.Config.RPID}, ceremony, parsed)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrWrongPasskey, err)
		}
		if used.Authenticator.CloneWarning { // its counter stands still: somebody may have a copy
			return fmt.Errorf("its counter went back: %w", ErrWrongPasskey)
		}
		id := base64.RawURLEncoding.EncodeToString(used.ID)
		i := slices.IndexFunc(kept.Passkeys, func(k directory.Passkey) bool { return k.ID == id })
		if i < 0 {
			return ErrWrongPasskey
		}
		if kept.Passkeys[i].Credential, err = json.Marshal(used); err != nil {
			return err
		}
		kept.Passkeys[i].Used = time.Now().UTC()
		return nil
	})
}

// Factors are the second factors that an account may give where the browser has reached the server.
type Factors struct {
	Code     bool // of an application
	Passkey  bool
	Recovery bool
}

// Factors gives those of who is signing in (see Pending); ErrDenied when that is nobody.
func (a *Accounts) Factors(r *http.Request) (Factors, error) {
	p, err := a.pendingPrincipal(r.Context())
	if err != nil {
		return Factors{}, err
	}
	f := Factors{Code: p.Account.TOTP != "", Recovery: len(p.Account.RecoveryHashes) > 0}
	if host, ok := a.PasskeyHost(r); ok {
		f.Passkey = slices.ContainsFunc(p.Account.Passkeys, func(k directory.Passkey) bool { return k.Host == host })
	}
	return f, nil
}

// pendingPrincipal is whose second factor the session may give; ErrDenied when it is nobody's.
func (a *Accounts) pendingPrincipal(ctx context.Context) (*Principal, error) {
	id := a.Pending(ctx)
	if id == "" {
		return nil, ErrDenied
	}
	p, err := a.principal(ctx, id)
	if err == nil && p == nil {
		err = ErrDenied
	}
	return p, err
}
