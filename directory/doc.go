// Package directory knows who is who: the enterprise, its sites, their users, workspaces,
// devices, trunks and spaces, and the rules between them. It does no I/O.
//
// An [Enterprise] is plain data as read from a site file or from the store. [New] checks it
// whole and turns it into a [Directory], an immutable snapshot with every look-up in memory.
// A running server holds one in a [Live] and swaps it when a setting changes.
//
// # Concurrency
//
// A Directory and everything reachable from it is read-only after New and may be used from
// any goroutine. The Enterprise given to New belongs to the Directory from then on.
//
// # Secrets
//
// PINs, passwords and space IDs are [Secret] values: they print as *** in every format and log,
// and only [Secret.Reveal] gives the text.
package directory
