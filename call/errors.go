package call

import (
	"errors"
	"time"

	"passerelle/sip"
)

// channelRetry is when a caller who found every trunk full may try again.
const channelRetry = 10 * time.Second

// ErrNoChannel is the answer to a call for which every trunk is full.
var ErrNoChannel error = &sip.StatusError{Code: 503, Reason: "No Channel", RetryAfter: channelRetry, Err: errors.New("every trunk for the number is full")}

// LimitError is a call that a limit did not allow.
type LimitError struct {
	Limit  Limit
	Spoken Spoken // tells the caller
}

// Error says which limit.
func (e *LimitError) Error() string { return "limit " + string(e.Limit) + " does not allow the call" }

// Unwrap gives the call its status.
func (e *LimitError) Unwrap() error {
	return &sip.StatusError{Code: 403, Reason: limitPhrases[e.Limit]}
}

var limitPhrases = map[Limit]string{
	LimitPlan: notInPlan.reason, LimitNight: "Not At Night", LimitSimultaneous: "Too Many Calls", LimitPerMinute: "Too Many Calls A Minute",
}

var spokenOf = map[Limit]Spoken{
	LimitPlan: SpokenNotInPlan, LimitNight: SpokenNight, LimitSimultaneous: SpokenTooMany, LimitPerMinute: SpokenTooFast,
}
