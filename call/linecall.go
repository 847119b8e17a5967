package call

import (
	"sync"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/sip"
)

// Watcher is told of the calls of lines, each change in order; the last has the state CallOver. It must not wait.
type Watcher interface {
	LineCall(c LineCall)
}

// LineCall is one leg of a line's phone as it is now.
type LineCall struct {
	AOR   sip.AOR // of the line
	ID    string  // unique
	State LineCallState
	// Outgoing tells that the line called.
	Outgoing bool
	Since    time.Time
	// Name and Number are the caller's while the line is called; empty when it withholds them, and once the call is answered.
	Name, Number string
	// Dialog is the phone's dialog while it may be picked up (RFC 3891), from our side.
	Dialog sip.DialogID
	// Answered, ByLine and Code tell how a call ended: it had been up, its phone ended it, the status that it got.
	Answered, ByLine bool
	Code             int
}

// LineCallState is how far a leg has come.
type LineCallState uint8

const (
	// CallTrying is a call of which nothing is known yet.
	CallTrying LineCallState = iota
	// CallRinging is a call that rings.
	CallRinging LineCallState = iota
	// CallUp is an answered call.
	CallUp LineCallState = iota
	// CallParked is a call that waits to be fetched at the line.
	CallParked LineCallState = iota
	// CallOver is a call that has ended.
	CallOver LineCallState = iota
)

// lineCalls tells of the calls of lines. The zero value tells nobody.
type lineCalls struct {
	watcher Watcher // set before the first leg

	mu   sync.Mutex // keeps what is told in order
	open map[*sip.Leg]*LineCall
}

// Watch sets who is told of the calls of lines, before the first leg.
func (r *Root) Watch(w Watcher) { r.records.lines.watcher = w }

// begin tells of a leg of a line; calls of others are nobody's to watch.
func (lc *lineCalls) begin(leg *sip.Leg, id string, u *directory.User, outgoing bool) {
	if lc.watcher == nil || u == nil {
		return
	}
	c := &LineCall{AOR: lineAOR(u), ID: id, Outgoing: outgoing, Since: time.Now()}
	lc.mu.Lock()
	defer lc.mu.Unlock()
	if lc.open == nil {
		lc.open = make(map[*sip.Leg]*LineCall)
	}
	lc.open[leg] = c
	lc.watcher.LineCall(*c)
}

// change tells of a leg that came further.
func (lc *lineCalls) change(leg *sip.Leg, change func(*LineCall)) {
	lc.mu.Lock()
	defer lc.mu.Unlock()
	if c := lc.open[leg]; c != nil {
		change(c)
		lc.watcher.LineCall(*c)
	}
}

// tell tells of a call that is no leg's.
func (lc *lineCalls) tell(c LineCall) {
	lc.mu.Lock()
	defer lc.mu.Unlock()
	if lc.watcher != nil {
		lc.watcher.LineCall(c)
	}
}

// ringing tells that a leg rings, and who calls: both are known to whoever may pick the call up.
func (lc *lineCalls) ringing(leg *sip.Leg, from callerID) {
	lc.change(leg, func(c *LineCall) {
		if c.State != CallTrying {
			return
		}
		c.State = CallRinging
		if !c.Outgoing {
			if early := leg.EarlyDialogs(); len(early) > 0 {
				c.Dialog = early[0]
			}
			if !from.hidden {
				c.Name, c.Number = from.display, from.number
			}
		}
	})
}

// answered tells that a leg is up. Others see that the line talks, and not with whom.
func (lc *lineCalls) answered(leg *sip.Leg) {
	lc.change(leg, func(c *LineCall) {
		c.State, c.Answered = CallUp, true
		c.Name, c.Number, c.Dialog = "", "", sip.DialogID{}
	})
}

// end tells that a leg is over, as its account says.
func (lc *lineCalls) end(leg *sip.Leg, r *cdr.Record) {
	lc.change(leg, func(c *LineCall) {
		c.State, c.Name, c.Number, c.Dialog = CallOver, "", "", sip.DialogID{}
		c.Answered, c.ByLine, c.Code = !r.Answer.IsZero(), r.Ended == cdr.Peer, r.Code
	})
	lc.mu.Lock()
	defer lc.mu.Unlock()
	delete(lc.open, leg)
}
