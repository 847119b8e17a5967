// Package account says who uses the portal and what they may do.
//
// # Who
//
// A user of the directory signs in with e-mail address and portal password; roles and site come from the directory at each
// request, so a role that is taken away is gone at the next click. The owner is the account that the one-time set-up link
// makes while nobody administers the enterprise; it belongs to the server and is in no export.
//
// # Sessions
//
// A session is written once, when somebody signs in, and deleted when they sign out: requests in flight cannot bring it
// back. The cookie holds a random token, the store its hash. A session ends after Lifetime, after Idle without a request,
// when its user leaves the directory, and when its password is changed. Messages for the next page are in memory only.
//
// # Guessing
//
// An unknown address is answered as a wrong password is, after as long. Tries are counted before the password is looked
// at, by source, by address, and by both together: a guesser is stopped without shutting the owner of an address out
// from elsewhere. Nothing here logs an address that is nobody's, a password, a code or a token.
//
// # Concurrency
//
// All methods may be called from any goroutine.
package account
