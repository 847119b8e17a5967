// Package events keeps one ordered log of what happens on the server, and sends it to webhooks.
//
// # The log
//
// A [Log] takes events from everywhere by [Log.Post], which never waits, numbers them in the order in which they were posted
// and keeps them in the store, up to an age and a count. Who reads names the last event seen by its [Cursor] and is given what
// follows, after a restart too. A reader that comes back too late is told so ([ErrGone]); it is never given a log with a hole
// that it cannot see.
//
// # Webhooks
//
// [Webhooks] sends each event to the URLs that ask for it, signed, one after the other for each URL. What cannot be delivered
// is tried again and holds up that webhook alone. A webhook goes on from its cursor after a restart: an event may then come
// twice, with the same id, and none is left out.
//
// # Secrets
//
// No event holds a space ID, a PIN, dialled digits, a password or a link of a phone. Changes of the directory name the fields
// and never tell their values, but for the gateway number.
//
// # Concurrency
//
// All methods may be called from any goroutine.
package events
