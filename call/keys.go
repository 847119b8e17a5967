package call

import (
	"context"

	"passerelle/media"
	"passerelle/party"
	"passerelle/sip"
)

// Keys in a call of two whose media passes through us. A phone that sends them by INFO only and a peer that takes telephone-events only
// understand each other by us, both ways. Two that have a way in common use that one.

// keyRoad is how keys go to one side of a call. It belongs to the call's owner.
type keyRoad struct {
	asked   bool          // the peer was asked for telephone-events
	waiting []byte        // keys until it has answered
	before  chan struct{} // closed when the INFO before has its answer; nil before the first
}

// keysWaiting is how many keys wait for a peer to agree to telephone-events.
const keysWaiting = 32

// informed takes an INFO of one side to the other one: a key as a telephone-event where only the peer takes those, all else as it came.
func (t *twoParty) informed(from side, e sip.InfoEvent) {
	to := from.other()
	if key, ok := party.KeyOfInfo(e.ContentType, e.Body); ok {
		if events, _ := t.legs[from].media.KeyEvents(); !events && t.press(to, key) {
			return
		}
	}
	t.inform(to, e.ContentType, e.Body)
}

// press presses a key for a side; false where its peer takes none by RTP. A peer that knows telephone-events, though none were agreed
// on with whoever called it first, is asked for them once.
func (t *twoParty) press(to side, key byte) bool {
	road, m := &t.keys[to], t.legs[to].media
	switch {
	case len(road.waiting) > 0 && len(road.waiting) < keysWaiting:
	case m.Press(key):
		return true
	default:
		if _, known := m.KeyEvents(); road.asked || !known {
			return false
		}
	}
	road.waiting = append(road.waiting, key)
	if !road.asked {
		road.asked, t.again[to] = true, true
		t.refresh()
	}
	return true
}

// pressWaiting presses what has waited for a peer's answer.
func (t *twoParty) pressWaiting(to side) {
	road := &t.keys[to]
	keys := road.waiting
	road.waiting = nil
	for _, key := range keys {
		if !t.legs[to].media.Press(key) {
			t.informKey(to, key)
		}
	}
}

// pressed takes a key, which the peer of the other side does not take by RTP, to that one.
func (t *twoParty) pressed(from side, d media.Digit) { t.informKey(from.other(), d.Key) }

func (t *twoParty) informKey(to side, key byte) {
	t.inform(to, "application/dtmf-relay", []byte("Signal="+string(rune(key))+"\r\nDuration=100\r\n"))
}

// inform sends an INFO to a side, after those before it.
func (t *twoParty) inform(to side, contentType string, body []byte) {
	leg, before, done := t.legs[to].leg, t.keys[to].before, make(chan struct{})
	t.keys[to].before = done
	t.root.spawn(func() { // ends with the answer, or with the leg
		defer close(done)
		if before != nil {
			<-before
		}
		ctx, cancel := context.WithTimeout(t.ctx, hangupLimit)
		defer cancel()
		_ = leg.Info(ctx, contentType, body)
	})
}
