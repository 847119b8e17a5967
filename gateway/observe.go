package gateway

import (
	"slices"
	"time"
)

// ChangeKind is what happened in a space.
type ChangeKind int

// What may happen.
const (
	BridgeBegan       ChangeKind = iota // somebody is about to come in
	BridgeEnded                         // the last one has left
	ParticipantJoined                   // sits down
	ParticipantLeft                     // has left, or has handed the seat over
	BridgeLocked
	BridgeUnlocked
	ParticipantMuted // the seat, whether somebody sits there yet or not
	ParticipantUnmuted
)

// Change is told to who observes the bridges (Config.Changed).
type Change struct {
	Kind        ChangeKind
	At          time.Time
	Bridge      BridgeInfo // without its participants
	Present     int        // who sit after the change
	Participant ParticipantInfo
}

// told tells the observer; only run and its requests call it. p is nil for what concerns the bridge.
func (b *Bridge) told(kind ChangeKind, p *Participant) {
	if b.tell == nil {
		return
	}
	c := Change{
		Kind: kind, At: time.Now(), Present: len(b.seated()),
		Bridge: BridgeInfo{Space: b.space.Ref, Owner: b.space.Owner.Name, Site: b.space.Site.Domain, Since: b.since},
	}
	if p != nil {
		c.Participant = p.info()
		if kind == ParticipantLeft && slices.Contains(b.seats, p) { // it is about to stand up
			c.Present--
		}
	}
	b.tell(c)
}

// either is the one kind or the other.
func either(first bool, one, other ChangeKind) ChangeKind {
	if first {
		return one
	}
	return other
}
