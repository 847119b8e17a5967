package trunks

import (
	"cmp"
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// Condition is how a trunk, or one of its ways, stands.
type Condition string

// The conditions.
const (
	Up      Condition = "up"
	Down    Condition = "down"
	Unknown Condition = "unknown" // not asked yet, or never asked and never failed
)

// State is how a trunk stands.
type State struct {
	Trunk *directory.Trunk
	Condition
	Cause Cause  // of being down; empty otherwise
	Why   string // in a few words; empty when there is nothing to say
	Since time.Time
	Ways  []WayState // in the order in which calls try them
	// Registration is how our registration stands; nil where there is none to make.
	Registration *RegistrationState
}

// WayState is how one address of a trunk stands.
type WayState struct {
	Hop sip.Hop
	Condition
	Cause Cause
	Why   string
	Since time.Time // zero when unknown
}

// RegistrationState is how a registration of ours stands.
type RegistrationState struct {
	Registered bool
	Cause      Cause     // why not; empty where the last attempt succeeded
	Why        string    // the same in a few words
	Since      time.Time // of the present registration, or of the failure; zero before the first answer
	Expires    time.Time // of the present registration
	Way        sip.Hop   // that it was made by
}

// States gives the state of every trunk, by site and name.
func (t *Trunks) States() []State {
	var all []State
	for _, k := range t.keepers() {
		all = append(all, k.state())
	}
	slices.SortFunc(all, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Trunk.Site.Domain, b.Trunk.Site.Domain), cmp.Compare(a.Trunk.Name, b.Trunk.Name))
	})
	return all
}

func (t *Trunks) count(c Condition) int {
	n := 0
	for _, k := range t.keepers() {
		if k.state().Condition == c {
			n++
		}
	}
	return n
}

func (k *keeper) state() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.noteLocked() // a registration may have ended without a word
	s := State{Trunk: k.trunk, Ways: []WayState{}, Since: k.since}
	var no trouble
	s.Condition, no = k.conditionLocked()
	s.Cause, s.Why = no.cause, no.why
	for _, w := range k.inOrderLocked() {
		s.Ways = append(s.Ways, WayState{Hop: w.hop, Condition: w.condition, Cause: w.no.cause, Why: w.no.why, Since: w.since})
	}
	if k.reg != nil {
		r := k.reg.state
		s.Registration = &r
		s.Registration.Registered = k.reg.aliveLocked()
	}
	return s
}

// conditionLocked is the trunk's own condition: it is up where one way is, and where it wants a registration that lives.
func (k *keeper) conditionLocked() (c Condition, no trouble) {
	switch {
	case k.reg != nil && k.reg.tried && !k.reg.aliveLocked():
		return Down, trouble{k.reg.state.Cause, "not registered: " + k.reg.state.Why}
	case len(k.ways) == 0 && k.fault != nil:
		return Down, troubleOf(k.fault)
	case len(k.ways) == 0:
		return Unknown, trouble{}
	}
	c = Down
	for _, w := range k.ways {
		switch {
		case w.condition == Up:
			return Up, trouble{}
		case w.condition == Unknown && k.reg != nil && k.reg.aliveLocked() && k.reg.state.Way == w.hop:
			return Up, trouble{}
		case w.condition == Unknown:
			c = Unknown
		case no == trouble{}:
			no = w.no
		}
	}
	if c == Unknown {
		return Unknown, trouble{}
	}
	return Down, no
}

// noteLocked looks whether the trunk's condition has changed.
func (k *keeper) noteLocked() {
	c, no := k.conditionLocked()
	if c == k.last {
		return
	}
	k.last, k.since = c, time.Now()
	k.log.Info("trunk", "state", string(c), "why", no.why)
}
