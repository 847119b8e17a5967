// Package signin is the portal's door: signing in and out, the second factor's code, the one-time set-up of the owner, the
// language, and the account's own page.
package signin
