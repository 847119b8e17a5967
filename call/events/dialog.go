package events

import "time"

// Dialog is one call of a line as those who watch the line see it (RFC 4235 §4.1).
type Dialog struct {
	ID        string // unique among the calls of the line
	Direction Direction
	State     DialogState
	Event     DialogEvent // how it came to Terminated, empty if unknown
	Code      int         // status of a call that was rejected, 0 for none
	Since     time.Time   // when the call began; zero leaves the duration out
	Local     Participant
	Remote    Participant

	// The SIP dialog of the line's phone, for watchers that may take the call by INVITE with Replaces (RFC 3891); empty where
	// nobody may.
	CallID, LocalTag, RemoteTag string
}

// Participant is one side of a call, as much as watchers may know of it.
type Participant struct {
	Display string
	URI     string // identity; empty leaves the side out
	Target  string // Contact, empty for the identity's URI
	Held    bool   // it does not hear the other side: on hold, or parked (RFC 4235 §4.1.6, +sip.rendering)
}

// Direction tells who began a call.
type Direction string

// The directions of a call, seen from the line.
const (
	Initiator Direction = "initiator" // the line called
	Recipient Direction = "recipient" // the line was called
)

// DialogState is how far a call has come (RFC 4235 §3.7.1).
type DialogState string

// The states of a call.
const (
	Trying     DialogState = "trying"     // called, nothing heard yet
	Proceeding DialogState = "proceeding" // the callee's side works on it
	Early      DialogState = "early"      // it rings
	Confirmed  DialogState = "confirmed"  // answered
	Terminated DialogState = "terminated" // over
)

// DialogEvent is how a call ended (RFC 4235 §4.1.2.2).
type DialogEvent string

// The ends of a call.
const (
	Cancelled DialogEvent = "cancelled"
	Rejected  DialogEvent = "rejected"
	Replaced  DialogEvent = "replaced"
	LocalBye  DialogEvent = "local-bye"
	RemoteBye DialogEvent = "remote-bye"
	Failed    DialogEvent = "error"
	TimedOut  DialogEvent = "timeout"
)
