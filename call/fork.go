package call

import (
	"context"
	"errors"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/sip"
)

// attempt is one place where a call may be answered.
type attempt struct {
	out sip.Outgoing
	// binding is the phone's registration; nil for a trunk.
	binding *sip.Binding
	media   mediaSide
	secure  media.SRTPPolicy
	late    bool             // it gets no offer and makes one in its answer
	amended bool             // it has changed the session before it answered, which its answer says nothing of
	trunk   *directory.Trunk // nil for a phone
	called  string           // as the trunk was asked
	user    *directory.User  // whose phone it is; nil for a trunk
	host    string           // line of the phone's owner where the user is a guest
}

// forkEvent is what happened to one attempt.
type forkEvent struct {
	attempt *attempt
	leg     *sip.Leg // nil when the INVITE could not be sent
	ringing sip.ProgressEvent
	answer  []byte          // of the 200
	early   []sip.LegEvent  // what the leg told meanwhile besides progress
	offer   *sip.OfferEvent // of a callee that has not answered
	err     error           // the attempt failed; sip.StatusOf tells how
	picked  *pickup         // the leg called in; nil for one of ours
}

// ringing tells whether the event is a provisional answer.
func (e *forkEvent) progress() bool { return e.err == nil && e.answer == nil && e.offer == nil }

// Dialler starts calls; sip.Server satisfies it.
type Dialler interface {
	Dial(ctx context.Context, o sip.Outgoing) (*sip.Leg, error)
}

// forking is how a call rings several places.
type forking struct {
	calls Dialler
	ring  time.Duration
	// progress is told of provisional answers, on the goroutine of run.
	progress func(*forkEvent)
	// offered is told of offers that callees make before they answer, on the goroutine of run; it must meet them.
	offered func(*forkEvent)
	// caller is what the caller's leg tells, and called meets it, on the goroutine of run; caller may be nil.
	caller <-chan sip.LegEvent
	called func(sip.LegEvent)
	// again says what to try instead of an attempt that failed; nil when there is nothing. On the goroutine of run.
	again func(*attempt, error) *attempt
	// failed is told of each attempt that failed, on the goroutine of run; nil tells nobody.
	failed func(*attempt, error)
	// recovered is deferred on each goroutine: a panic fails its attempt and nothing else.
	recovered func(also func())
	// begun and ended keep the accounts of legs; they may be called by any goroutine.
	begun func(*attempt, *sip.Leg)
	ended func(*sip.Leg, error)
	// taken are legs that call in to have the call, and pick makes one the winner, on the goroutine of run; taken may be nil.
	taken <-chan *pickup
	pick  func(*pickup) (*forkEvent, error)
	// handovers are wishes that the call become another caller's, and handOver decides, on the goroutine of run.
	handovers <-chan *handover
	handOver  func(*handover) error
}

// run rings all attempts at once (RFC 3261 §16.7 as a B2BUA sees it): the first 2xx wins and the others are cancelled; a 6xx
// ends them all, and so does a 3xx, which speaks for the line; else the best of their failures is the call's. It ends when
// ctx does or the ring time is over. The winner's leg is the caller's to hang up, and to close the account of.
func (f *forking) run(ctx context.Context, attempts []*attempt) (*forkEvent, error) {
	ctx, decide := context.WithCancelCause(ctx) // told to those that still ring
	defer decide(nil)
	ctx, cancel := context.WithTimeoutCause(ctx, f.ring, errNoAnswer)
	defer cancel()
	events := make(chan forkEvent)
	ended := make(chan struct{}) // nobody listens any more
	defer close(ended)
	for _, a := range attempts {
		go f.try(ctx, a, events, ended) // ends with its leg's answer, failure or cancellation
	}
	var best error
	for left := len(attempts); left > 0; {
		select {
		case e := <-events:
			if e.progress() {
				f.progress(&e)
				continue
			}
			if e.offer != nil {
				f.offered(&e)
				continue
			}
			if e.err == nil {
				decide(errDecided)
				return &e, nil
			}
			if f.failed != nil {
				f.failed(e.attempt, e.err)
			}
			if a := f.again(e.attempt, e.err); a != nil {
				go f.try(ctx, a, events, ended) // as above
				continue
			}
			best = better(best, e.err)
			if code, _ := sip.StatusOf(e.err); code >= 600 || code >= 300 && code < 400 {
				decide(e.err)
				return nil, e.err
			}
			left--
		case e, ok := <-f.caller:
			if !ok {
				f.caller = nil // it has ended, and so does ctx
				continue
			}
			f.called(e)
		case p := <-f.taken:
			e, err := f.pick(p)
			p.result <- err
			if err == nil {
				decide(errDecided)
				return e, nil
			}
		case h := <-f.handovers:
			h.agreed <- f.handOver(h)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if best == nil {
		best = errNowhere
	}
	return nil, best
}

// try calls one place and tells what happens. An answer that comes when the call has been decided is hung up.
func (f *forking) try(ctx context.Context, a *attempt, events chan<- forkEvent, ended <-chan struct{}) {
	tell := func(e forkEvent) bool {
		e.attempt = a
		select {
		case events <- e:
			return true
		case <-ended:
			return false
		}
	}
	var leg *sip.Leg
	defer f.recovered(func() {
		tell(forkEvent{leg: leg, err: sip.ErrPanic})
		if leg != nil {
			hangup(leg, broken)
			f.ended(leg, sip.ErrPanic)
		}
	})
	leg, err := f.calls.Dial(ctx, a.out)
	if err != nil {
		tell(forkEvent{err: err})
		return
	}
	f.begun(a, leg)
	type result struct {
		sdp []byte
		err error
	}
	answered := make(chan result, 1)
	go func() { // ends with the answer, the leg, or ctx
		defer f.recovered(func() { answered <- result{err: sip.ErrPanic} })
		sdp, err := leg.Answered(ctx)
		answered <- result{sdp, err}
	}()
	var early []sip.LegEvent
	facts := leg.Events()
	heard := func(e sip.LegEvent) {
		switch is := e.(type) {
		case sip.ProgressEvent:
			tell(forkEvent{leg: leg, ringing: is})
			return
		case sip.OfferEvent:
			if is.Early {
				tell(forkEvent{leg: leg, offer: &is})
				return
			}
		}
		early = append(early, e) // it overtook the answer on its way to us
	}
	for {
		select {
		case e, ok := <-facts:
			if ok {
				heard(e)
			} else {
				facts = nil
			}
		case r := <-answered:
			for _, e := range waiting(facts) { // the leg told it before the answer
				heard(e)
			}
			switch {
			case r.err != nil && ctx.Err() != nil:
				tell(forkEvent{leg: leg, err: context.Cause(ctx)})
				hangup(leg, whyCancelled(context.Cause(ctx))) // CANCEL, or BYE when the 200 crossed it
				f.ended(leg, context.Cause(ctx))
			case r.err != nil:
				f.ended(leg, r.err)
				tell(forkEvent{leg: leg, err: r.err})
			case !tell(forkEvent{leg: leg, answer: orEmpty(r.sdp), early: early}):
				hangup(leg, whyCancelled(context.Cause(ctx)))
				f.ended(leg, errDecided)
			}
			return
		}
	}
}

// waiting takes what has been told already.
func waiting(facts <-chan sip.LegEvent) (told []sip.LegEvent) {
	for {
		select {
		case e, ok := <-facts:
			if !ok {
				return told
			}
			told = append(told, e)
		default:
			return told
		}
	}
}

// orEmpty makes the answer of a 200 without SDP something that is not nil.
func orEmpty(sdp []byte) []byte {
	if sdp == nil {
		return []byte{}
	}
	return sdp
}

// hangup ends a leg whose call has been decided; it waits for nobody's context.
func hangup(leg *sip.Leg, r sip.Reason) {
	ctx, cancel := context.WithTimeout(context.Background(), hangupLimit)
	defer cancel()
	_ = leg.Hangup(ctx, r) // the leg ends by its own timers at the latest
}

// hangupLimit is longer than Timer F, after which a BYE is given up.
const hangupLimit = 40 * time.Second

// broken is why a leg is ended over a fault of ours.
var broken = sip.Reason{Protocol: "SIP", Cause: 500, Text: "Internal error"}

// elsewhere tells a phone that the call was answered by another one, so that it shows no missed call (RFC 3326 §3.1).
var elsewhere = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Call completed elsewhere"}

// whyCancelled is what a phone is told that rings no longer. One whose line has answered or declined elsewhere shows no missed call;
// one whose caller gave up shows it, unless the caller's side says otherwise.
func whyCancelled(cause error) sip.Reason {
	if errors.Is(cause, errDecided) {
		return elsewhere
	}
	if end, ok := errors.AsType[*sip.PeerEnd](cause); ok {
		return end.Reason
	}
	if code, _ := sip.StatusOf(cause); code >= 600 {
		return sip.ReasonOf(cause)
	}
	return sip.Reason{}
}

var (
	errDecided  = errors.New("answered elsewhere")
	errNoAnswer = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("nobody answered")}
	errNowhere  = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("no phone is registered")}
)

// better is the failure a caller should hear of two (RFC 3261 §16.7 step 6): what a person did (busy, declined) before what
// a network did.
func better(a, b error) error {
	if a == nil || rank(b) < rank(a) {
		return b
	}
	return a
}

func rank(err error) int {
	code, _ := sip.StatusOf(err)
	switch {
	case code >= 600:
		return 0
	case code == 486:
		return 1
	case code == 401, code == 407, code == 408, code == 503:
		return 8
	case code >= 400 && code < 500:
		return 2
	case code >= 300 && code < 400:
		return 3
	}
	return 5
}
