package call

import (
	"context"
	"errors"
	"log/slog"

	"passerelle/sip"
)

// mediaPath carries the media of a call of two parties. Its methods do not wait.
type mediaPath interface {
	// Offer turns an offer of one side into the one for the other.
	Offer(from side, sdp []byte) ([]byte, error)
	// Answer turns an answer of one side into the one for the other.
	Answer(from side, sdp []byte) ([]byte, error)
	Close()
}

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
	media mediaPath
	log   *slog.Logger
	legs  [2]*sip.Leg
	early [2][]sip.LegEvent // told before run began
	last  [2][]byte         // the description that each side was sent last

	// ---- owned by run ----
	reoffers chan reoffered
	pending  [2]bool // an offer of this side is with the other one
}

// reoffered is what became of an offer that was passed on.
type reoffered struct {
	from   side
	told   bool // the other side has been told of an answer; nobody waits for its own
	answer []byte
	err    error
}

// run passes offers until one leg ends, then hangs up the other with the reason of the first. It returns the cause.
func (t *twoParty) run(ctx context.Context) error {
	t.reoffers = make(chan reoffered, 2)
	for s := range t.early {
		for _, e := range t.early[s] {
			t.event(ctx, side(s), e)
		}
	}
	events := [2]<-chan sip.LegEvent{t.legs[sideA].Events(), t.legs[sideB].Events()}
	for {
		select {
		case e, ok := <-events[sideA]:
			if !ok {
				events[sideA] = nil
				continue
			}
			t.event(ctx, sideA, e)
		case e, ok := <-events[sideB]:
			if !ok {
				events[sideB] = nil
				continue
			}
			t.event(ctx, sideB, e)
		case r := <-t.reoffers:
			t.answer(ctx, r)
		case <-t.legs[sideA].Done():
			return t.end(sideA)
		case <-t.legs[sideB].Done():
			return t.end(sideB)
		}
	}
}

// end hangs up the other leg, telling it why.
func (t *twoParty) end(first side) error {
	cause := t.legs[first].Cause()
	r := sip.Reason{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}
	if end, ok := errors.AsType[*sip.PeerEnd](cause); ok && end.Reason.Protocol != "" {
		r = end.Reason
	}
	hangup(t.legs[first.other()], r)
	return cause
}

func (t *twoParty) event(ctx context.Context, from side, e sip.LegEvent) {
	switch e := e.(type) {
	case sip.OfferEvent:
		t.offered(ctx, from, e.SDP)
	case sip.AnswerEvent: // to what an offerless re-INVITE got: news for the other side
		t.pass(ctx, from, e.SDP, true)
	case sip.InfoEvent:
		go func() { _ = t.legs[from.other()].Info(ctx, e.ContentType, e.Body) }() // ends with the answer, or with the leg
	}
}

// offered passes a re-INVITE or UPDATE with an offer on to the other side. One without an offer gets the description that its
// side has already.
func (t *twoParty) offered(ctx context.Context, from side, sdp []byte) {
	switch {
	case sdp == nil:
		if err := t.legs[from].Accept(ctx, t.last[from]); err != nil {
			t.log.InfoContext(ctx, "re-INVITE not answered", "side", from.String(), "err", err)
		}
	case t.pending[from] || t.pending[from.other()]:
		t.refuse(ctx, from, 491) // the legs see most of it; this is what crosses inside (RFC 3261 §14.2)
	default:
		t.pass(ctx, from, sdp, false)
	}
}

// pass offers the other side what this one offers.
func (t *twoParty) pass(ctx context.Context, from side, sdp []byte, told bool) {
	offer, err := t.media.Offer(from, sdp)
	if err != nil {
		t.log.InfoContext(ctx, "offer refused", "side", from.String(), "err", err)
		if !told {
			t.refuse(ctx, from, 488)
		}
		return
	}
	to := from.other()
	t.last[to] = offer
	t.pending[from] = true
	go func() { // ends with the answer, or with the leg
		answer, err := t.legs[to].Reoffer(ctx, offer)
		t.reoffers <- reoffered{from: from, told: told, answer: answer, err: err}
	}()
}

// answer brings the answer of the other side back to who offered.
func (t *twoParty) answer(ctx context.Context, r reoffered) {
	t.pending[r.from] = false
	if r.told {
		return
	}
	if r.err != nil {
		code, _ := sip.StatusOf(r.err)
		if code < 400 || code == 481 || code == 408 { // those would end the dialog of who offered, too
			code = 488
		}
		t.refuse(ctx, r.from, code)
		return
	}
	sdp, err := t.media.Answer(r.from.other(), r.answer)
	if err != nil {
		t.log.InfoContext(ctx, "answer refused", "side", r.from.other().String(), "err", err)
		t.refuse(ctx, r.from, 488)
		return
	}
	t.last[r.from] = sdp
	if err := t.legs[r.from].Accept(ctx, sdp); err != nil {
		t.log.InfoContext(ctx, "offer not answered", "side", r.from.String(), "err", err)
	}
}

func (t *twoParty) refuse(ctx context.Context, s side, code int) {
	if err := t.legs[s].Refuse(ctx, code); err != nil {
		t.log.DebugContext(ctx, "offer not refused", "side", s.String(), "err", err)
	}
}
