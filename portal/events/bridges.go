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

// OfBridge tells what happened on a bridge; it is gateway's observer's translation.
func OfBridge(c gateway.Change) Draft {
	d := Draft{Time: c.At, Sites: []string{c.Bridge.Site}}
	switch c.Kind {
	case gateway.BridgeBegan, gateway.BridgeEnded:
		d.Type = BridgeBegan
		if c.Kind == gateway.BridgeEnded {
			d.Type = BridgeEnded
		}
		d.Data = Bridge{Space: c.Bridge.Space, Owner: c.Bridge.Owner, Site: c.Bridge.Site, Since: c.Bridge.Since.UTC()}
	case gateway.ParticipantJoined, gateway.ParticipantLeft:
		d.Type = ParticipantJoined
		if c.Kind == gateway.ParticipantLeft {
			d.Type = ParticipantLeft
		}
		p := c.Participant
		d.Data = Participant{
			Space: c.Bridge.Space, Site: c.Bridge.Site, ID: p.ID, Name: p.Name, Number: p.Number, CallID: p.CallID, Since: p.Since.UTC(), Codec: p.Codec, Present: c.Present,
		}
	}
	return d
}
