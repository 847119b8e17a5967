package call

import (
	"sync"

	"passerelle/directory"
	"passerelle/sip"
)

// liveLegs is what is known of the legs that are up beside their accounts. The zero value is ready.
type liveLegs struct {
	mu   sync.Mutex
	legs map[*sip.Leg]*liveLeg
}

// liveLeg is one of them.
type liveLeg struct {
	name, number string // of who called us or is called; the number of a line is in its account, and its name only here
	ringing      bool
	sound        func() (codec string, held bool) // nil before it is answered
}

// caller notes who calls us.
func (ll *liveLegs) caller(leg *sip.Leg, c directory.Caller) {
	if c.User != nil {
		ll.begin(leg, c.User.Name, "")
		return
	}
	if id := identity(c, leg, false); !id.hidden {
		ll.begin(leg, id.display, id.number)
		return
	}
	ll.begin(leg, "", "")
}

// callee notes whom we call.
func (ll *liveLegs) callee(leg *sip.Leg, a *attempt) {
	if a.user != nil {
		ll.begin(leg, a.user.Name, "")
		return
	}
	ll.begin(leg, "", a.called)
}

func (ll *liveLegs) begin(leg *sip.Leg, name, number string) {
	ll.mu.Lock()
	defer ll.mu.Unlock()
	if ll.legs == nil {
		ll.legs = make(map[*sip.Leg]*liveLeg)
	}
	ll.legs[leg] = &liveLeg{name: name, number: number}
}

// change changes what is known of a leg that is up.
func (ll *liveLegs) change(leg *sip.Leg, change func(*liveLeg)) {
	ll.mu.Lock()
	defer ll.mu.Unlock()
	if l := ll.legs[leg]; l != nil {
		change(l)
	}
}

// sounds says who knows the media of a leg from now on; sound is called from any goroutine and must not wait for the leg's owner.
func (ll *liveLegs) sounds(leg *sip.Leg, sound func() (codec string, held bool)) {
	ll.change(leg, func(l *liveLeg) { l.sound = sound })
}

func (ll *liveLegs) end(leg *sip.Leg) {
	ll.mu.Lock()
	defer ll.mu.Unlock()
	delete(ll.legs, leg)
}

// of is a copy of what is known of a leg.
func (ll *liveLegs) of(leg *sip.Leg) liveLeg {
	ll.mu.Lock()
	defer ll.mu.Unlock()
	if l := ll.legs[leg]; l != nil {
		return *l
	}
	return liveLeg{}
}

// rings notes that a leg rings, and who calls.
func (rs *records) rings(leg *sip.Leg, from callerID) {
	rs.live.change(leg, func(l *liveLeg) { l.ringing = true })
	rs.lines.ringing(leg, from)
}
