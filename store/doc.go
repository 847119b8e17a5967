// Package store keeps what must outlive the server in one bbolt file: the enterprise, with its
// secrets sealed, the bindings of the registrar, and who is signed in on which host phone.
//
// # Usage
//
// [Open] needs a [Key]; the same key must be given ever after. [Store.Load] gives the enterprise
// as plain data, [Store.Edit] and [Store.Import] change it as a whole in one transaction, checked
// by the directory's rules: all of a change is kept or nothing.
//
// # Concurrency
//
// All methods may be called from any goroutine. Changes wait for one another; reading never waits
// for a change. One process at a time may have the file open.
//
// # Crashes
//
// A change is on disk when its method returns. A server killed in the middle of one finds the
// state before it.
//
// # Caveats
//
// Secrets are sealed by AES-256-GCM with a key per purpose, and bound to their record: a record
// copied over another one does not open. Names, numbers and addresses are not encrypted. Whoever
// has file and key has everything, so keep them apart.
package store
