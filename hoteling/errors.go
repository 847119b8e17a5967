package hoteling

import "errors"

var (
	// ErrMalformed is a body that cannot be read.
	ErrMalformed = errors.New("malformed hoteling body")
	// ErrDenied is what every refusal is (errors.Is); a *Denial says which.
	ErrDenied = errors.New("refused")
	// ErrClosed is returned when the desk does not run.
	ErrClosed = errors.New("the hoteling desk is closed")
)
