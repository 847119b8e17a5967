// Package events serves what phones subscribe to: message waiting (message-summary, RFC 3842), the state of lines for busy
// lamps (dialog, RFC 4235, and lists of them, RFC 4662), and feature keys in step with the server (as-feature-event).
//
// Each is a sip.EventPackage, registered by sip.Server.Handle before the server runs:
//
//	mwi := events.NewMessageWaiting(events.MessageWaitingConfig{Mailboxes: boxes, …})
//	server.Handle(mwi)
//	…
//	mwi.Set(ctx, aor, summary) // by the API, or a mailbox's own NOTIFY
//
// The packages hold no state of their own but who watches what: mailboxes and features are read where they are kept, when a
// NOTIFY is about to leave, so that a phone is always told the latest; calls are posted by the call machine. None of the
// methods that tell of a change waits.
//
// A phone shows the line of whoever uses it. Phones tells who that is; OwnerChanged says that it changed.
package events
