package call

import (
	"context"
	"errors"
	"log/slog"

	"passerelle/sip"
)

// side is one of the two of a call.
type side uint8

const (
	sideA side = iota // who called
	sideB side = iota // who was called
)

func (s side) other() side { return 1 - s }

// String names the side for logs.
func (s side) String() string { return [...]string{"a", "b"}[s] }

// twoParty joins two answered legs until one of them ends: offers of one go to the other, and what it answers comes back.
// The goroutine that calls run owns it.
type twoParty struct {
	root *Root
	log  *slog.Logger
	legs [2]member

	// ---- owned by run ----
	ctx      context.Context // ends with run
	reoffers chan reoffered
	pending  [2]bool // an offer to this side has no answer yet
	unnamed  [2]bool // this side must be told who the other one is
	untold   [2]int  // how often it could not be told
	again    [2]bool // this side must be told something new as soon as nothing is pending
	keys     [2]keyRoad
	watch    *watch
	transfer *transfer     // under way, nil if none
	given    *side         // the leg that went to another call
	told     chan struct{} // closed when who asked has been told that the leg went to a space; nil: nobody is to be told

	inbox chan func()   // work for the owner
	ended chan struct{} // closed when nobody takes from inbox any more
}

// reoffered is what became of an offer to a side.
type reoffered struct {
	to     side
	leg    *sip.Leg
	named  bool // the offer told who is there
	passed bool // the other side waits for the answer
	answer []byte
	err    error
}

// run passes offers until one leg ends, then hangs up the other with the reason of the first. It returns the cause. It keeps
// the caller's handler as long as the caller's leg is up, in this call or in another one.
func (t *twoParty) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the caller's leg may be replaced
	defer cancel()
	first := t.legs[sideA].leg
	t.ctx = ctx
	t.reoffers, t.inbox, t.ended = make(chan reoffered, 8), make(chan func()), make(chan struct{})
	t.watch = newWatch()
	defer t.watch.stop()
	for s := range t.legs {
		t.root.joined.put(t.legs[s].leg, t)
	}
	gone, given := t.serveAll(cancel)
	var cause error
	switch {
	case given != nil:
		if t.told != nil {
			<-t.told
		}
		t.legs[given.other()].leave(t.root, transferDone)
	default:
		cause = t.end(gone)
	}
	<-first.Done()
	return cause
}

// serveAll joins the two and serves them. A panic ends both legs with all they hold, and goes on to the handler.
func (t *twoParty) serveAll(cancel func()) (gone side, given *side) {
	sound := false
	defer func() {
		close(t.ended)
		cancel()
		for s := range t.legs {
			t.root.joined.drop(t.legs[s].leg, t)
			if !sound && (t.given == nil || *t.given != side(s)) {
				t.root.spawn(func() { t.legs[s].leave(t.root, broken) }) // returns when the leg has ended
			}
		}
	}()
	t.join()
	gone, given = t.serve()
	sound = true
	return gone, given
}

// serve works until one leg ends or is given to another call.
func (t *twoParty) serve() (gone side, given *side) {
	for t.given == nil {
		var events [2]<-chan sip.LegEvent
		for s := range t.legs {
			if t.transfer == nil || !t.transfer.gone || t.transfer.by != side(s) {
				events[s] = t.legs[s].leg.Events()
			}
		}
		select {
		case e, ok := <-events[sideA]:
			if !ok && !t.early(sideA) {
				return sideA, nil
			} else if ok {
				t.event(sideA, e)
			}
		case e, ok := <-events[sideB]:
			if !ok && !t.early(sideB) {
				return sideB, nil
			} else if ok {
				t.event(sideB, e)
			}
		case d := <-t.legs[sideA].media.Keys():
			t.pressed(sideA, d)
		case d := <-t.legs[sideB].media.Keys():
			t.pressed(sideB, d)
		case r := <-t.reoffers:
			t.answered(r)
		case f := <-t.inbox:
			f()
			if s, over := t.orphaned(); over {
				return s, nil
			}
		case <-t.watch.C():
			t.look()
		case r := <-t.watch.results:
			t.probed(r)
		}
	}
	return 0, t.given
}

// early notes that a leg has ended which asked for a transfer that is under way: the call waits for its outcome.
func (t *twoParty) early(s side) bool {
	if t.transfer == nil || t.transfer.by != s {
		return false
	}
	t.transfer.gone = true
	return true
}

// orphaned tells of a leg that has ended while its transfer was under way, when that has failed.
func (t *twoParty) orphaned() (side, bool) {
	for s := range t.legs {
		if t.transfer == nil && t.given == nil && t.legs[s].leg.Cause() != nil {
			return side(s), true
		}
	}
	return 0, false
}

// join lets the two hear each other and works off what they told before.
func (t *twoParty) join() {
	t.relayBoth()
	t.legs[sideA].media.Join(t.legs[sideB].media)
	for s := range t.legs {
		m := t.legs[s].media
		t.root.records.live.sounds(t.legs[s].leg, func() (string, bool) {
			a := m.State().Audio
			return a.Codec, a.Holding
		})
		t.legs[s].media.SetHoldMusic(t.root.media.musicOf(t.legs[side(s).other()].caller))
	}
	for s := range t.legs {
		early := t.legs[s].early
		t.legs[s].early = nil
		for _, e := range early {
			t.event(side(s), e)
		}
	}
	t.refresh()
}

// refresh tells a side anew what it would not know yet, when nothing else is under way.
func (t *twoParty) refresh() {
	for s := range t.legs {
		if t.legs[s].media.NeedsOffer() {
			t.again[s] = true
		}
	}
	for s := range t.legs {
		if t.again[s] && !t.pending[sideA] && !t.pending[sideB] {
			t.again[s] = false
			t.offer(side(s), false)
		}
	}
	t.tellNames()
}

// end hangs up the other leg, telling it why, and closes both accounts.
func (t *twoParty) end(first side) error {
	<-t.legs[first].leg.Done()
	cause := t.legs[first].leg.Cause()
	r := sip.Reason{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}
	if end, ok := errors.AsType[*sip.PeerEnd](cause); ok && end.Reason.Protocol != "" {
		r = end.Reason
	}
	other := t.legs[first.other()]
	if tr := t.transfer; tr != nil && tr.by == first.other() && !tr.gone {
		t.tell(other.leg, tr.event, 487) // whom it was about has hung up (RFC 3515 §2.4.5)
	}
	other.leave(t.root, r)
	t.legs[first].finished(t.root)
	return cause
}

func (t *twoParty) event(from side, e sip.LegEvent) {
	switch e := e.(type) {
	case sip.OfferEvent:
		t.offered(from, e.SDP)
	case sip.AnswerEvent: // to what an offerless re-INVITE got
		if err := t.legs[from].media.Answered(e.SDP); err != nil {
			t.log.DebugContext(t.ctx, "answer of no consequence", "side", from.String(), "err", err)
			return
		}
		t.legs[sideA].media.Join(t.legs[sideB].media)
		t.refresh()
	case sip.IdentityEvent:
		if t.legs[from].identified(e) {
			t.rename(from)
			t.refresh()
		}
	case sip.ReferEvent:
		t.referred(from, e)
	case sip.InfoEvent:
		t.informed(from, e)
	}
}

// offered passes a re-INVITE or UPDATE with an offer on to the other side. One without an offer gets what its side has
// already, as an offer.
func (t *twoParty) offered(from side, sdp []byte) {
	m, other := &t.legs[from], &t.legs[from.other()]
	if t.pending[sideA] || t.pending[sideB] {
		t.refuse(from, 491) // the legs see most of it; this is what crosses inside (RFC 3261 §14.2)
		return
	}
	if sdp == nil {
		offer, err := m.media.Offer(other.media)
		if err == nil {
			err = m.leg.Accept(t.ctx, offer)
		} else {
			t.refuse(from, 488)
		}
		if err != nil {
			t.log.InfoContext(t.ctx, "re-INVITE not answered", "side", from.String(), "err", err)
		}
		return
	}
	if err := m.media.Offered(sdp); err != nil {
		t.log.InfoContext(t.ctx, "offer refused", "side", from.String(), "err", err)
		code, _ := sip.StatusOf(mediaStatus(err))
		t.refuse(from, code)
		return
	}
	t.offer(from.other(), true)
}

// offer offers a side what the other one has.
func (t *twoParty) offer(to side, passed bool) {
	m := &t.legs[to]
	offer, err := m.media.Offer(t.legs[to.other()].media)
	if err != nil {
		t.log.InfoContext(t.ctx, "no offer", "side", to.String(), "err", err)
		if passed {
			t.refuse(to.other(), 488)
		}
		return
	}
	t.pending[to] = true
	leg := m.leg
	var names []sip.Header
	if t.unnamed[to] {
		t.unnamed[to], names = false, t.names(to)
	}
	t.root.spawn(func() { // ends with the answer, or with the leg
		answer, err := leg.Reoffer(t.ctx, offer, names...)
		select {
		case t.reoffers <- reoffered{to: to, leg: leg, named: names != nil, passed: passed, answer: answer, err: err}:
		case <-t.ctx.Done():
		}
	})
}

// answered takes what a side answered and brings it to the one that offered, if one did.
func (t *twoParty) answered(r reoffered) {
	if t.legs[r.to].leg != r.leg {
		return // it was replaced meanwhile
	}
	t.pending[r.to] = false
	defer t.pressWaiting(r.to)
	m, from := &t.legs[r.to], &t.legs[r.to.other()]
	err := r.err
	if err == nil {
		err = mediaStatus(m.media.Answered(r.answer))
	}
	if r.err != nil && r.named {
		t.unnamed[r.to] = t.untold[r.to] < nameTries
		t.untold[r.to]++
	}
	if !r.passed {
		if err != nil {
			t.log.InfoContext(t.ctx, "our offer was refused", "side", r.to.String(), "err", err)
			return
		}
		t.legs[sideA].media.Join(t.legs[sideB].media)
		t.refresh()
		return
	}
	var sdp []byte
	if err == nil {
		sdp, err = from.media.Answer(m.media)
		err = mediaStatus(err)
	}
	if err != nil {
		code, _ := sip.StatusOf(err)
		if code < 400 || code == 481 || code == 408 { // those would end the dialog of who offered, too
			code = 488
		}
		t.refuse(r.to.other(), code)
		t.refresh()
		return
	}
	t.legs[sideA].media.Join(t.legs[sideB].media)
	if err := from.leg.Accept(t.ctx, sdp); err != nil {
		t.log.InfoContext(t.ctx, "offer not answered", "side", r.to.other().String(), "err", err)
	}
	t.refresh()
}

func (t *twoParty) refuse(s side, code int) {
	if err := t.legs[s].leg.Refuse(t.ctx, code); err != nil {
		t.log.DebugContext(t.ctx, "offer not refused", "side", s.String(), "err", err)
	}
}
