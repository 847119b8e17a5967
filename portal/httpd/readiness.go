package httpd

import "sync/atomic"

// State is how far the server is with starting or stopping.
type State int32

const (
	// StateStarting is before all listeners are up. It is the zero value.
	StateStarting State = iota
	// StateReady is when calls and registrations are taken.
	StateReady State = iota
	// StateDraining is when calls in progress go on and no new ones are taken.
	StateDraining State = iota
)

// String returns the word that /readyz answers.
func (s State) String() string {
	switch s {
	case StateReady:
		return "ready"
	case StateDraining:
		return "draining"
	default:
		return "starting"
	}
}

// Readiness tells whether the server takes calls. The zero value is starting; it is safe for concurrent use.
type Readiness struct{ state atomic.Int32 }

// Set moves to a state.
func (r *Readiness) Set(s State) { r.state.Store(int32(s)) }

// State returns the present state.
func (r *Readiness) State() State { return State(r.state.Load()) }
