package events

import (
	"errors"

	"passerelle/sip"
)

var (
	// ErrMalformed is a body that cannot be read.
	ErrMalformed = errors.New("malformed body")
	// ErrUnknownLine is a line that the directory does not have.
	ErrUnknownLine = errors.New("no such line")
)

// How a SUBSCRIBE is refused.
var (
	errNotFound  = &sip.StatusError{Code: 404, Err: ErrUnknownLine}
	errForbidden = &sip.StatusError{Code: 403, Err: errors.New("the line is somebody else's")}
	errAccept    = &sip.StatusError{Code: 406, Err: errors.New("the phone takes no body of ours")}
)
