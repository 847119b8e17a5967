package events

import "errors"

var (
	// ErrGone is returned for a cursor that the log cannot go on from: what follows it is no longer kept, or it is of another
	// log.
	ErrGone = errors.New("the log no longer has what follows this cursor")
	// ErrBadCursor is returned for a text that is no cursor.
	ErrBadCursor = errors.New("cursor was not issued by this server")
	// ErrNoWebhook is returned for an ID that no webhook has.
	ErrNoWebhook = errors.New("no webhook has this id")
	// ErrTooMany is returned when there are as many webhooks as there may be.
	ErrTooMany = errors.New("there are as many webhooks as there may be")
	// ErrForbiddenAddress is returned for an address that webhooks may not reach.
	ErrForbiddenAddress = errors.New("is an address that is not on the Internet, and of none of the networks of --webhook-network")
)

// FieldError is a field of a webhook that cannot be; the value is not repeated.
type FieldError struct {
	Field string // as in the API
	Cause string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Cause }
