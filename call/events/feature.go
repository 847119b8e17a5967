package events

import (
	"context"

	"passerelle/sip"
)

// Features are the settings of a line that its phones have keys for.
type Features struct {
	DoNotDisturb bool
	Forwards     [forwardKinds]Forward // by ForwardKind
}

// Forward is one forwarding of a line.
type Forward struct {
	Active  bool
	Target  string // as the line dials it; may be remembered while not active
	Seconds int    // ringing before ForwardNoAnswer, 0 for the line's default
}

// ForwardKind tells forwardings apart.
type ForwardKind int

// The forwardings that phones have keys for.
const (
	ForwardAlways ForwardKind = iota
	ForwardBusy
	ForwardNoAnswer

	forwardKinds = 3
)

// forwardNames are the kinds as phones name them (CSTA, ECMA-323 §13).
var forwardNames = [forwardKinds]string{"forwardImmediate", "forwardBusy", "forwardNoAns"}

// String returns the kind as phones name it.
func (k ForwardKind) String() string { return forwardNames[k] }

// FeatureStore keeps the features of lines. Features must not wait; the others may, for a disk. They validate, and refuse
// by an error what the line may not set; a phone that asked is told what is true then.
type FeatureStore interface {
	Features(aor sip.AOR) (f Features, ok bool)
	SetDoNotDisturb(ctx context.Context, aor sip.AOR, on bool) error
	SetForward(ctx context.Context, aor sip.AOR, kind ForwardKind, f Forward) error
}

// FeatureChange is what a phone asks for by one of its keys: exactly one of the fields is set.
type FeatureChange struct {
	DoNotDisturb *bool
	Forward      *Forward
	Kind         ForwardKind // of Forward
}
