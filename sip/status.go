package sip

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// StatusError is an error that knows its answer. Reason is for the peer and reveals nothing; Err is for us.
type StatusError struct {
	Code       int           // final status, 300 to 699
	Reason     string        // reason phrase; empty means the usual one of the code
	Err        error         // cause, may be nil
	Warning    string        // for people, sent as Warning 399 (RFC 3261 §20.43); reveals nothing
	RetryAfter time.Duration // sent as Retry-After when positive (RFC 3261 §20.33)
	Contacts   []string      // where a peer's 3xx sends us, the URIs in its order (RFC 3261 §21.3)
}

// Error tells the status and the cause.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%d %s", e.Code, e.phrase())
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *StatusError) Unwrap() error { return e.Err }

func (e *StatusError) phrase() string {
	if e.Reason != "" {
		return e.Reason
	}
	return StatusText(e.Code)
}

// StatusOf returns the final status an error is answered with. The unknown is 500; no error at all, from a handler that
// left its leg unanswered, is 480.
func StatusOf(err error) (code int, reason string) {
	if err == nil {
		return 480, StatusText(480)
	}
	if se, ok := errors.AsType[*StatusError](err); ok && se.Code >= 300 && se.Code <= 699 {
		return se.Code, se.phrase()
	}
	switch {
	case errors.Is(err, ErrCancelled):
		code = 487
	case errors.Is(err, ErrShutdown):
		code = 503
	case errors.Is(err, context.DeadlineExceeded):
		code = 480
	default:
		code = 500
	}
	return code, StatusText(code)
}

// retryAfterOf returns the Retry-After an error asks for, 0 for none.
func retryAfterOf(err error) time.Duration {
	if se, ok := errors.AsType[*StatusError](err); ok {
		return se.RetryAfter
	}
	return 0
}

// StatusText returns the usual reason phrase of a code, the phrase of its class for one it does not know.
func StatusText(code int) string {
	if s, ok := statusTexts[code]; ok {
		return s
	}
	switch code / 100 {
	case 1:
		return "Session Progress"
	case 2:
		return "OK"
	case 3:
		return "Redirection"
	case 4:
		return "Request Failure"
	case 5:
		return "Server Failure"
	}
	return "Global Failure"
}

var statusTexts = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	422: "Session Interval Too Small", 423: "Interval Too Brief", 433: "Anonymity Disallowed",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
	489: "Bad Event", 491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}
