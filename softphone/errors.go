package softphone

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed is a SIP message or an SDP body that cannot be read.
	ErrMalformed = errors.New("malformed message")
	// ErrNoResponse is a request that nobody answered within 64*T1 (RFC 3261 §17.1.1.2 and §17.1.2.2).
	ErrNoResponse = errors.New("no response")
	// ErrClosed is the use of a phone after Close or Vanish.
	ErrClosed = errors.New("phone is closed")
	// ErrEnded is the use of a call that has ended.
	ErrEnded = errors.New("call has ended")
	// ErrNoMedia is an answer that refuses our audio, or none of whose codecs we speak.
	ErrNoMedia = errors.New("no common audio")
	// ErrNotHeard is sound that did not come in time.
	ErrNotHeard = errors.New("not heard")
	// ErrNoEvents is an attempt to send RFC 4733 digits in a call that did not negotiate telephone-event.
	ErrNoEvents = errors.New("telephone-event was not negotiated")
)

// StatusError is a final response other than 2xx.
type StatusError struct {
	Method   string
	Code     int
	Reason   string
	Response *Message
}

// Error gives method, status code and reason phrase.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.Method, e.Code, e.Reason)
}

func statusError(method string, r *Message) error {
	return &StatusError{Method: method, Code: r.Code, Reason: r.Reason, Response: r}
}

// StatusOf is the status code that err carries, or 0.
func StatusOf(err error) int {
	if se, ok := errors.AsType[*StatusError](err); ok {
		return se.Code
	}
	return 0
}
