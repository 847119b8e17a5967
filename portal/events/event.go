package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Type says what happened, as subject and deed.
type Type string

// What may happen. The data of each is a type of this package.
const (
	CallBegan    Type = "call.began"    // Call
	CallAnswered Type = "call.answered" // Call
	CallEnded    Type = "call.ended"    // Call

	BridgeBegan       Type = "bridge.began"       // Bridge
	BridgeEnded       Type = "bridge.ended"       // Bridge
	BridgeLocked      Type = "bridge.locked"      // Bridge
	BridgeUnlocked    Type = "bridge.unlocked"    // Bridge
	ParticipantJoined Type = "participant.joined" // Participant
	ParticipantLeft   Type = "participant.left"   // Participant

	ParticipantMuted   Type = "participant.muted"   // Participant
	ParticipantUnmuted Type = "participant.unmuted" // Participant

	RegistrationAdded       Type = "registration.added"       // Registration
	RegistrationRemoved     Type = "registration.removed"     // Registration
	RegistrationUnreachable Type = "registration.unreachable" // Registration

	GuestSignedIn  Type = "guest.signed_in"  // Guest
	GuestSignedOut Type = "guest.signed_out" // Guest

	GatewayNumberChanged Type = "gateway_number.changed" // GatewayNumber
	SiteAdded            Type = "site.added"             // Changed
	SiteChanged          Type = "site.changed"           // Changed
	SiteRemoved          Type = "site.removed"           // Changed
	UserAdded            Type = "user.added"             // Changed
	UserChanged          Type = "user.changed"           // Changed
	UserRemoved          Type = "user.removed"           // Changed

	PhoneFetched Type = "phone.fetched" // Phone

	ServerStarted  Type = "server.started"  // Server
	ServerStopping Type = "server.stopping" // Server

	// EventsLost stands where events are missing: the log was full, or a webhook came too late for them.
	EventsLost Type = "events.lost" // Lost
)

// Types are all there are, in the order in which the documentation has them.
var Types = []Type{
	CallBegan, CallAnswered, CallEnded, BridgeBegan, BridgeEnded, BridgeLocked, BridgeUnlocked, ParticipantJoined, ParticipantLeft,
	ParticipantMuted, ParticipantUnmuted, RegistrationAdded, RegistrationRemoved, RegistrationUnreachable, GuestSignedIn, GuestSignedOut, GatewayNumberChanged, SiteAdded, SiteChanged, SiteRemoved, UserAdded, UserChanged,
	UserRemoved, PhoneFetched, ServerStarted, ServerStopping, EventsLost,
}

// Draft is an event before the log has numbered it.
type Draft struct {
	Type  Type
	Time  time.Time // zero is the time of Post
	Sites []string  // SIP domains of the sites that it concerns; none concerns the whole enterprise
	Data  any       // becomes a JSON object; nobody may change it after Post
}

// Event is one entry of the log.
type Event struct {
	ID    string          `json:"id" doc:"Of the event, unique for ever: the cursor after which the next event follows." example:"k7q2m4xd-1042"`
	Type  Type            `json:"type" example:"call.ended"`
	Time  time.Time       `json:"time" doc:"When it happened; entries stand in the order in which the server saw them."`
	Sites []string        `json:"sites" nullable:"false" doc:"SIP domains of the sites that it concerns; none concerns the whole enterprise."`
	Data  json.RawMessage `json:"data" doc:"An object, by type."`

	Seq uint64 `json:"-"` // place in the log, from 1
}

// Concerns reports whether the event concerns the site with that SIP domain.
func (e *Event) Concerns(site string) bool {
	return slices.ContainsFunc(e.Sites, func(of string) bool { return strings.EqualFold(of, site) })
}

// Filter chooses events. The zero value takes all.
type Filter struct {
	Types []Type // taken, with "call.*" for every type of a subject; none takes all
	Site  string // only what concerns the site; empty takes all, the whole enterprise's too
}

// Match reports whether the filter takes the event. What tells of a loss passes every choice of types.
func (f Filter) Match(e *Event) bool {
	if f.Site != "" && !e.Concerns(f.Site) && e.Type != EventsLost {
		return false
	}
	return len(f.Types) == 0 || e.Type == EventsLost || slices.ContainsFunc(f.Types, func(t Type) bool { return t.covers(e.Type) })
}

// covers reports whether a type, or a pattern such as call.*, means another.
func (t Type) covers(other Type) bool {
	if subject, all := strings.CutSuffix(string(t), ".*"); all {
		of, _, _ := strings.Cut(string(other), ".")
		return of == subject
	}
	return t == other
}

// Known reports whether the type, or one that the pattern means, exists.
func (t Type) Known() bool { return slices.ContainsFunc(Types, t.covers) }
