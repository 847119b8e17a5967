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
	Why   string
	Since time.Time // zero when unknown
}

// RegistrationState is how a registration of ours stands.
type RegistrationState struct {
	Registered bool
	Why        string    // why not
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
	s.Condition, s.Why = k.conditionLocked()
	for _, w := range k.inOrderLocked() {
		s.Ways = append(s.Ways, WayState{Hop: w.hop, Condition: w.condition, Why: w.why, Since: w.since})
	}
	if k.reg != nil {
		r := k.reg.state
		s.Registration = &r
		s.Registration.Registered = k.reg.aliveLocked()
	}
	return s
}

// conditionLocked is the trunk's own condition: it is up where one way is, and where it wants a registration that lives.
func (k *keeper) conditionLocked() (c Condition, why string) {
	switch {
	case k.reg != nil && k.reg.tried && !k.reg.aliveLocked():
		return Down, "not registered: " + k.reg.state.Why
	case len(k.ways) == 0 && k.fault != nil:
		return Down, k.fault.Error()
	case len(k.ways) == 0:
		return Unknown, ""
	}
	c = Down
	for _, w := range k.ways {
		switch {
		case w.condition == Up:
			return Up, ""
		case w.condition == Unknown && k.reg != nil && k.reg.aliveLocked() && k.reg.state.Way == w.hop:
			return Up, ""
		case w.condition == Unknown:
			c = Unknown
		case why == "":
			why = w.why
		}
	}
	if c == Unknown {
		return Unknown, ""
	}
	return Down, why
}

// noteLocked looks whether the trunk's condition has changed.
func (k *keeper) noteLocked() {
	c, why := k.conditionLocked()
	if c == k.last {
		return
	}
	k.last, k.since = c, time.Now()
	k.log.Info("trunk", "state", string(c), "why", why)
}
