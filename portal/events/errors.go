package events

import "errors"

var (
	// ErrGone is returned for a cursor that the log cannot go on from: what follows it is no longer kept, or it is of another
	// log.
	ErrGone = errors.New("the log no longer has what follows this cursor")
	// ErrBadCursor is returned for a text that is no cursor.
	ErrBadCursor = errors.New("cursor was not issued by this server")
	// ErrClosed is returned where no log runs.
	ErrClosed = errors.New("the event log does not run")
)
