package directory

import "time"

// APIToken is what is kept of a token of the API: never the token itself. It is part of no export.
type APIToken struct {
	// ID names the token; it opens nothing.
	ID string `json:"id"`
	// Hash is the SHA-256 of the token, in hexadecimal.
	Hash string `json:"hash"`
	// Name is what its maker calls it.
	Name string `json:"name"`
	// Account is whose it is, the ID of an Account; empty for those of the server itself.
	Account string `json:"account,omitempty"`
	// Site is the SIP domain of the only site that it is for; empty means all that its account sees.
	Site string `json:"site,omitempty"`
	// Scopes are what it lets its holder do, if its account may.
	Scopes []string `json:"scopes"`
	// Created and Expires bound its life.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Used is about when it was used last, to the hour; zero means never.
	Used time.Time `json:"used,omitzero"`
}

// String names the token in logs.
func (t APIToken) String() string { return t.ID }
