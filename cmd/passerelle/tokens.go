package main

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"passerelle/portal/api"
)

// switchedTokens know the callers of the network by the tokens in force; a reload replaces them. It is safe for concurrent
// use; the zero value knows nobody.
type switchedTokens struct {
	current atomic.Pointer[api.Identifier]
}

var _ api.Identifier = (*switchedTokens)(nil)

// Identify implements api.Identifier.
func (s *switchedTokens) Identify(r *http.Request) (api.Identity, error) {
	now := s.current.Load()
	if now == nil {
		return api.Identity{}, api.ErrNoToken
	}
	return (*now).Identify(r)
}

func (s *switchedTokens) use(i api.Identifier) { s.current.Store(&i) }

// newSwitchedTokens knows the caller who has the token of --api-token.
func newSwitchedTokens(token string) (*switchedTokens, error) {
	i, err := identifier(token)
	if err != nil {
		return nil, fmt.Errorf("--api-token: %w", err)
	}
	s := &switchedTokens{}
	s.use(i)
	return s, nil
}

// identifier knows the caller who has the token of --api-token; an empty token is nobody's.
func identifier(token string) (api.Identifier, error) {
	if token == "" {
		return api.NewTokens()
	}
	return api.NewTokens(api.Token{Name: "admin", Scope: api.ScopeAdmin, Secret: token})
}
