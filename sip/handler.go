package sip

import "context"

// Handler serves calls. ServeLeg is called once for each new INVITE dialog, on a goroutine of its own. Its ctx ends when
// the leg ends, by CANCEL, BYE, time-out or shutdown; context.Cause tells which.
//
// When ServeLeg returns with the leg unanswered, its error becomes the final status by StatusOf. When it returns with the
// leg up, the leg is hung up, with a Reason from the error.
type Handler interface {
	ServeLeg(ctx context.Context, leg *Leg) error
}

// Urgent is a Handler that tells calls which are served while the server drains, too: those for help.
type Urgent interface {
	// Urgent must not wait; it runs before the leg of the INVITE exists.
	Urgent(*Invite) bool
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(ctx context.Context, leg *Leg) error

// ServeLeg calls the function.
func (f HandlerFunc) ServeLeg(ctx context.Context, leg *Leg) error { return f(ctx, leg) }
