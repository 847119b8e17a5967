package gateway

import "time"

// BridgeInfo is a snapshot of one live bridge, for people and for the API.
type BridgeInfo struct {
	Space        string // ref of the space, never its ID
	Owner        string // name of the space's owner
	Site         string // SIP domain of the site
	Since        time.Time
	Locked       bool              // only the owner comes in, and whom the owner brings
	Participants []ParticipantInfo // in order of arrival
}

// ParticipantInfo is a snapshot of one seat.
type ParticipantInfo struct {
	ID      string // unique on this server while it runs
	Name    string // display name, or the number when there is none
	Number  string // E.164 or user part as asserted; empty when withheld
	Since   time.Time
	Codec   string // name on air: PCMA, PCMU, …
	Joining bool   // the seat is kept for somebody who is called, or whose call is being answered
	Talking bool
	Held    bool
	Muted   bool // the others do not hear the participant
	CallID  string
	Delay   time.Duration // present playout delay of the jitter buffer
	Lost    uint64        // RTP packets lost on the way to us
}
