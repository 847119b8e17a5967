package events

import (
	"time"

	"passerelle/gateway"
)

// Bridge is the live session of a space.
type Bridge struct {
	Space string    `json:"space"` // ref
	Owner string    `json:"owner"`
	Site  string    `json:"site"`
	Since time.Time `json:"since"`
}

// Participant is somebody on a bridge.
type Participant struct {
	Space   string    `json:"space"` // ref
	Site    string    `json:"site"`
	ID      string    `json:"id"` // of the seat: who takes it over has the same
	Name    string    `json:"name"`
	Number  string    `json:"number,omitempty"` // absent when withheld
	CallID  string    `json:"call_id"`
	Since   time.Time `json:"since"`
	Codec   string    `json:"codec,omitempty"`
	Present int       `json:"present"` // who sit after the change
}

var bridgeTypes = [...]Type{
	gateway.BridgeBegan: BridgeBegan, gateway.BridgeEnded: BridgeEnded, gateway.BridgeLocked: BridgeLocked, gateway.BridgeUnlocked: BridgeUnlocked,
	gateway.ParticipantJoined: ParticipantJoined, gateway.ParticipantLeft: ParticipantLeft,
	gateway.ParticipantMuted: ParticipantMuted, gateway.ParticipantUnmuted: ParticipantUnmuted,
}

// OfBridge tells what happened on a bridge; it is gateway's observer's translation.
func OfBridge(c gateway.Change) Draft {
	d := Draft{Type: bridgeTypes[c.Kind], Time: c.At, Sites: []string{c.Bridge.Site}}
	if p := c.Participant; p.ID != "" {
		d.Data = Participant{
			Space: c.Bridge.Space, Site: c.Bridge.Site, ID: p.ID, Name: p.Name, Number: p.Number, CallID: p.CallID, Since: p.Since.UTC(), Codec: p.Codec, Present: c.Present,
		}
	} else {
		d.Data = Bridge{Space: c.Bridge.Space, Owner: c.Bridge.Owner, Site: c.Bridge.Site, Since: c.Bridge.Since.UTC()}
	}
	return d
}
