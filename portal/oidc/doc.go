// Package oidc has users sign in by their organisation's provider (OpenID Connect Core 1.0): the authorization code flow
// with PKCE (RFC 7636), state and nonce.
//
// The provider proves an e-mail address; who that is, and what they may do, is the directory's to say. Nothing is kept
// between the two halves of a sign-in but what the browser brings back in a cookie: a Flow. The provider is asked for its
// keys when somebody signs in first, so that the server starts without it.
//
// Nothing here logs a code, a token, a verifier or an address.
package oidc
