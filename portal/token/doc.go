// Package token makes, knows and revokes the tokens of the API that people make for themselves, and serves the page where
// they do.
//
// # What a token lets
//
// A token has the scopes that its maker chose, and no more than its account may at the moment of the request: a role that
// is taken away, or a user who is removed, takes the tokens' powers along at once. Those of a site's administrator meet that
// site only. Tokens of the server itself, which are no account's, are made with the server's own token or by the admin socket.
//
// # What is kept
//
// The store has the SHA-256 of a token: 130 random bits cannot be guessed back from it. The token itself is shown once, to
// who made it, and is in no log.
//
// # Concurrency
//
// All methods may be called from any goroutine.
package token
