package call

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"passerelle/call/cdr"
	"passerelle/sip"
)

// LiveCall is a snapshot of a call that is up or on its way, for people and for the API.
type LiveCall struct {
	ID   string    // the call's in the records of its legs; of several that were joined, the oldest one's
	Legs []LiveLeg // the oldest first, who called before who is called; one at least
}

// LiveLeg is a snapshot of one leg of a call.
type LiveLeg struct {
	cdr.Record        // as far as it is known: it has not ended, and its codec is the present one
	Name       string // of the line's user, or as who calls from outside calls itself; empty when withheld
	Outside    string // number of who calls from outside, empty when withheld, or as a trunk was asked for whom we call
	Ringing    bool   // it rings, or has rung
	Held       bool   // its peer does not want to hear the call
}

// LegState is how far a leg has come.
type LegState string

const (
	// LegTrying is a leg of which nothing is known yet.
	LegTrying LegState = "trying"
	// LegRinging is a leg that rings.
	LegRinging LegState = "ringing"
	// LegUp is an answered leg.
	LegUp LegState = "up"
	// LegHeld is an answered leg whose phone holds the call.
	LegHeld LegState = "held"
)

// State is how far the leg has come.
func (l LiveLeg) State() LegState {
	switch {
	case l.Answer.IsZero() && l.Ringing:
		return LegRinging
	case l.Answer.IsZero():
		return LegTrying
	case l.Held:
		return LegHeld
	default:
		return LegUp
	}
}

var (
	// ErrNoCall means that no call with that ID is up.
	ErrNoCall = errors.New("no such call")
	// ErrCallForHelp refuses to end a call to an emergency number from here.
	ErrCallForHelp = errors.New("calls for help are ended by those who speak")
)

// Help tells whether the call is one to an emergency number.
func (c LiveCall) Help() bool {
	return slices.ContainsFunc(c.Legs, func(l LiveLeg) bool { return l.Route == ToEmergency.String() })
}

// LiveCalls gives the calls that are up or on their way, the oldest first: those to the gateway number too, each seat by itself.
func (r *Root) LiveCalls() []LiveCall {
	calls := []LiveCall{}
	for _, g := range r.liveGroups() {
		calls = append(calls, g.call)
	}
	return calls
}

// EndCall hangs up on everybody in a call, and returns when its legs are gone. Who is told nothing yet is answered 480.
func (r *Root) EndCall(ctx context.Context, id string) error {
	groups := r.liveGroups()
	i := slices.IndexFunc(groups, func(g liveGroup) bool {
		return slices.ContainsFunc(g.call.Legs, func(l LiveLeg) bool { return l.Call == id })
	})
	switch {
	case i < 0:
		return ErrNoCall
	case groups[i].call.Help():
		return ErrCallForHelp
	}
	// The legs that called us end those that we called, in the order that phones expect. Without such legs all are ended.
	first := groups[i].came
	if len(first) == 0 {
		first = groups[i].legs
	}
	for _, leg := range first {
		r.spawn(func() { hangup(leg, endedByAdministrator) }) // returns when the leg has ended
	}
	for _, leg := range groups[i].legs {
		select {
		case <-leg.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.log.InfoContext(ctx, "call ended from outside", "call", groups[i].call.ID)
	return nil
}

// endedByAdministrator is why a call is ended that somebody watched.
var endedByAdministrator = sip.Reason{Protocol: "SIP", Cause: 480, Text: "Ended by the administrator"}

// liveGroup is a call with its legs.
type liveGroup struct {
	call LiveCall
	legs []*sip.Leg
	came []*sip.Leg // those whose INVITE came to us
}

// liveGroups are the calls that are up: legs of one call by their accounts, and those that a transfer or a park has joined since.
func (r *Root) liveGroups() []liveGroup {
	open := r.records.snapshot()
	joined := r.joined.snapshot()
	at := make(map[string]int)      // group by call
	with := make(map[*twoParty]int) // group by who owns the two
	groups := make([]liveGroup, 0, len(open))
	for _, o := range open {
		t := joined[o.leg]
		i, known := at[o.record.Call]
		if j, ok := with[t]; t != nil && ok {
			if known && i != j { // the two were calls of their own
				groups[j].join(groups[i])
				groups[i] = liveGroup{}
				for call, k := range at {
					if k == i {
						at[call] = j
					}
				}
				for other, k := range with {
					if k == i {
						with[other] = j
					}
				}
			}
			i, known = j, true
		}
		if !known {
			i = len(groups)
			groups = append(groups, liveGroup{})
		}
		at[o.record.Call] = i
		if t != nil {
			with[t] = i
		}
		groups[i].add(o.leg, r.records.live.describe(o))
	}
	groups = slices.DeleteFunc(groups, func(g liveGroup) bool { return len(g.legs) == 0 })
	for i := range groups {
		legs := groups[i].call.Legs
		slices.SortStableFunc(legs, func(a, b LiveLeg) int {
			return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.ID, b.ID))
		})
		groups[i].call.ID = legs[0].Call
	}
	slices.SortFunc(groups, func(a, b liveGroup) int {
		x, y := a.call.Legs[0], b.call.Legs[0]
		return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.ID, y.ID))
	})
	return groups
}

// add puts a leg into the group.
func (g *liveGroup) add(leg *sip.Leg, l LiveLeg) {
	g.call.Legs, g.legs = append(g.call.Legs, l), append(g.legs, leg)
	if l.Direction == cdr.In {
		g.came = append(g.came, leg)
	}
}

// join puts the legs of another group into this one.
func (g *liveGroup) join(o liveGroup) {
	g.call.Legs = append(g.call.Legs, o.call.Legs...)
	g.legs = append(g.legs, o.legs...)
	g.came = append(g.came, o.came...)
}

// describe is what is known of a leg that is up.
func (ll *liveLegs) describe(o openRecord) LiveLeg {
	known := ll.of(o.leg)
	l := LiveLeg{Record: o.record, Name: known.name, Outside: known.number, Ringing: known.ringing}
	if known.sound != nil {
		l.Codec, l.Held = known.sound()
	}
	return l
}

// openRecord is the account of a leg that is up.
type openRecord struct {
	leg    *sip.Leg
	record cdr.Record
}

// snapshot copies the accounts of the legs that are up.
func (rs *records) snapshot() []openRecord {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	all := make([]openRecord, 0, len(rs.open))
	for leg, r := range rs.open {
		all = append(all, openRecord{leg, *r})
	}
	return all
}

// snapshot copies who is in which call of two.
func (r *registry) snapshot() map[*sip.Leg]*twoParty {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.calls)
}
