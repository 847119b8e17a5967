package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Identity is who calls.
type Identity struct {
	Name    string // of the token, for the log; never the token
	Scopes  []Scope
	Site    string // SIP domain of the only site that the caller sees and changes; empty means the whole enterprise
	Account string // ID of the portal's account whose token it is; empty for those of the server itself
	Local   bool   // came by the admin socket, so that secrets in the answer cross no network
}

// May reports whether the identity holds the scope.
func (i Identity) May(s Scope) bool {
	return slices.ContainsFunc(i.Scopes, func(have Scope) bool { return have.Includes(s) })
}

// Sees reports whether the identity sees the site with that SIP domain, whatever the case.
func (i Identity) Sees(domain string) bool { return i.Site == "" || sameDomain(i.Site, domain) }

// sees reports whether the caller sees the site with that SIP domain; filter, if not empty, is the only one asked for.
func sees(ctx context.Context, filter, domain string) bool {
	return (filter == "" || sameDomain(filter, domain)) && callerOf(ctx).id.Sees(domain)
}

// Identifier says who sent a request.
type Identifier interface {
	// Identify returns ErrNoToken for a request that names nobody and ErrUnknownToken for one that names a stranger.
	Identify(r *http.Request) (Identity, error)
}

// Owner takes every caller for the owner of the server. It is for the admin socket, whose file mode keeps others out.
type Owner struct{}

// Identify implements Identifier.
func (Owner) Identify(*http.Request) (Identity, error) {
	return Identity{Name: "owner", Scopes: []Scope{ScopeAdmin}, Local: true}, nil
}

// Token is one bearer token.
type Token struct {
	Name   string
	Scope  Scope
	Secret string
}

// MinTokenLength is the least number of characters of a token.
const MinTokenLength = 16

// Tokens knows the callers by bearer token (RFC 6750). It is immutable.
type Tokens struct{ known []knownToken }

type knownToken struct {
	id  Identity
	sum [sha256.Size]byte
}

// NewTokens refuses tokens shorter than MinTokenLength or with blanks, without a name or with an unknown scope.
func NewTokens(list ...Token) (*Tokens, error) {
	t := &Tokens{}
	for i, tok := range list {
		switch {
		case tok.Name == "":
			return nil, fmt.Errorf("token %d has no name", i)
		case !tok.Scope.Known():
			return nil, fmt.Errorf("token %s: %w %q", tok.Name, ErrUnknownScope, tok.Scope)
		case len(tok.Secret) < MinTokenLength:
			return nil, fmt.Errorf("token %s: %d characters, least is %d: %w", tok.Name, len(tok.Secret), MinTokenLength, ErrWeakToken)
		case strings.ContainsFunc(tok.Secret, func(r rune) bool { return r <= ' ' || r > '~' }):
			return nil, fmt.Errorf("token %s: only printable ASCII without blanks can be sent in a header: %w", tok.Name, ErrWeakToken)
		}
		t.known = append(t.known, knownToken{id: Identity{Name: tok.Name, Scopes: []Scope{tok.Scope}}, sum: sha256.Sum256([]byte(tok.Secret))})
	}
	return t, nil
}

// Identify implements Identifier. It compares with every token, each in constant time, so that the answer's delay tells
// nothing.
func (t *Tokens) Identify(r *http.Request) (Identity, error) {
	secret, err := Bearer(r)
	if err != nil {
		return Identity{}, err
	}
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range t.known {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], t.known[i].sum[:]), i, found)
	}
	if found < 0 {
		return Identity{}, ErrUnknownToken
	}
	return t.known[found].id, nil
}

// Bearer is the token of a request (RFC 6750 §2.1); ErrNoToken when there is none.
func Bearer(r *http.Request) (string, error) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	return strings.TrimSpace(secret), nil
}

// Either asks the second identifier about a token that the first does not know.
type Either struct{ First, Second Identifier }

// Identify implements Identifier.
func (e Either) Identify(r *http.Request) (Identity, error) {
	id, err := e.First.Identify(r)
	if errors.Is(err, ErrUnknownToken) {
		return e.Second.Identify(r)
	}
	return id, err
}

type callerKey struct{}

type caller struct {
	id    Identity
	err   error
	from  string                   // address that the request came from
	again func() (Identity, error) // who the same request comes from now
}

// still reports whether who calls would be let in again, as far as before: for answers that last.
func (c caller) still() bool {
	if c.again == nil {
		return c.err == nil
	}
	id, err := c.again()
	return err == nil && reflect.DeepEqual(id, c.id)
}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf returns who calls; a context that has never met an Identifier is a stranger's.
func callerOf(ctx context.Context) caller {
	c, ok := ctx.Value(callerKey{}).(caller)
	if !ok {
		return caller{err: ErrNoToken}
	}
	return c
}
