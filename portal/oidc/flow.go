package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// FlowLife is how long somebody may take at the provider.
const FlowLife = 10 * time.Minute

// Flow is a sign-in that has gone out to the provider. Its browser keeps it, and nobody else: it proves that who comes back
// is who went.
type Flow struct {
	State    string    `json:"s"` // RFC 6749 §10.12
	Nonce    string    `json:"n"` // OpenID Connect Core 1.0 §15.5.2
	Verifier string    `json:"v"` // RFC 7636 §4.1
	Next     string    `json:"p"` // page to show afterwards
	Until    time.Time `json:"u"`
}

// Encode writes the flow for a cookie.
func (f Flow) Encode() string {
	raw, err := json.Marshal(f)
	if err != nil {
		panic(err) // strings and a time
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DecodeFlow reads what Encode wrote.
func DecodeFlow(text string) (f Flow, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil || f.State == "" || f.Nonce == "" || f.Verifier == "" {
		return Flow{}, fmt.Errorf("what the browser kept is unreadable: %w", ErrRefused)
	}
	return f, nil
}

// Begin gives the provider's page to send a browser to, and the flow for it to keep.
func (p *Provider) Begin(ctx context.Context, next string) (page string, f Flow, err error) {
	k, err := p.discover(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	f = Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Until: time.Now().Add(FlowLife)}
	return k.oauth.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), f, nil
}

// Finish gives the e-mail address that the provider has verified, from the query with which it sent a browser back.
func (p *Provider) Finish(ctx context.Context, f Flow, query url.Values) (email string, err error) {
	switch {
	case time.Now().After(f.Until):
		return "", fmt.Errorf("it took too long: %w", ErrRefused)
	case f.State == "" || subtle.ConstantTimeCompare([]byte(f.State), []byte(query.Get("state"))) != 1:
		return "", fmt.Errorf("another browser began it: %w", ErrRefused)
	case query.Has("iss") && query.Get("iss") != p.cfg.Issuer: // RFC 9207 §2.4
		return "", fmt.Errorf("another provider answers: %w", ErrRefused)
	case query.Get("error") != "":
		return "", fmt.Errorf("the provider says %.40q: %w", query.Get("error"), ErrRefused)
	case query.Get("code") == "":
		return "", fmt.Errorf("no code: %w", ErrRefused)
	}
	k, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, p.cfg.Client)
	token, err := k.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := k.verifier.Verify(ctx, raw) // issuer, audience, expiry, signature (OpenID Connect Core 1.0 §3.1.3.7)
	if err != nil {
		return "", fmt.Errorf("ID token: %w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return "", fmt.Errorf("ID token is of another sign-in: %w", ErrRefused)
	}
	return p.address(ctx, k, id, token)
}

// exchangeError tells a provider that refuses a code from one that is not there. What it said stays with us.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 {
		return fmt.Errorf("the provider refuses the code, %.40q: %w", refused.ErrorCode, ErrRefused)
	}
	return fmt.Errorf("exchange the code: %w", ErrUnavailable)
}

// claims are what is asked of a token.
type claims struct {
	Email    string   `json:"email"`
	Verified verified `json:"email_verified"`
	Party    string   `json:"azp"`
}

// verified is true, or "true" as some providers write it.
type verified bool

// UnmarshalJSON implements json.Unmarshaler; what is neither is no proof.
func (v *verified) UnmarshalJSON(raw []byte) error {
	*v = string(raw) == "true" || string(raw) == `"true"`
	return nil
}

// address gives the verified address of a token or, where it has none, of the provider's answer about its user.
func (p *Provider) address(ctx context.Context, k *known, id *oidc.IDToken, token *oauth2.Token) (string, error) {
	var c claims
	if err := id.Claims(&c); err != nil {
		return "", fmt.Errorf("ID token: %w", ErrRefused)
	}
	if c.Party != "" && c.Party != p.cfg.ClientID {
		return "", fmt.Errorf("ID token is for another: %w", ErrRefused)
	}
	if c.Email == "" && k.provider.UserInfoEndpoint() != "" {
		user, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return "", fmt.Errorf("ask about the user: %w", ErrUnavailable)
		}
		if user.Subject != id.Subject { // OpenID Connect Core 1.0 §5.3.2
			return "", fmt.Errorf("the provider tells of another user: %w", ErrRefused)
		}
		c.Email, c.Verified = user.Email, verified(user.EmailVerified)
	}
	if c.Email == "" || !c.Verified {
		return "", ErrUnverified
	}
	return c.Email, nil
}
