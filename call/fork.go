package call

import (
	"context"
	"errors"
	"time"

	"passerelle/sip"
)

// attempt is one place where a call may be answered.
type attempt struct {
	out sip.Outgoing
	// binding is the phone's registration; nil for a trunk.
	binding *sip.Binding
}

// forkEvent is what happened to one attempt.
type forkEvent struct {
	attempt *attempt
	leg     *sip.Leg // nil when the INVITE could not be sent
	ringing sip.ProgressEvent
	answer  []byte         // of the 200
	early   []sip.LegEvent // what the leg told meanwhile besides progress
	err     error          // the attempt failed; sip.StatusOf tells how
}

// ringing tells whether the event is a provisional answer.
func (e *forkEvent) progress() bool { return e.err == nil && e.answer == nil }

// Dialler starts calls; sip.Server satisfies it.
type Dialler interface {
	Dial(ctx context.Context, o sip.Outgoing) (*sip.Leg, error)
}

// fork rings all attempts at once (RFC 3261 §16.7 as a B2BUA sees it): the first 2xx wins and the others are cancelled; a
// 6xx ends them all; else the best of their failures is the call's. Progress is told by progress, on the caller's
// goroutine. It ends when ctx does or the ring time is over. The winner's leg is the caller's to hang up.
func fork(ctx context.Context, d Dialler, attempts []*attempt, ring time.Duration, progress func(*forkEvent)) (*forkEvent, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ring, errNoAnswer)
	defer cancel()
	events := make(chan forkEvent)
	ended := make(chan struct{}) // nobody listens any more
	defer close(ended)
	for _, a := range attempts {
		go runAttempt(ctx, d, a, events, ended) // ends with its leg's answer, failure or cancellation
	}
	var best error
	for left := len(attempts); left > 0; {
		select {
		case e := <-events:
			switch {
			case e.progress():
				progress(&e)
			case e.err == nil:
				return &e, nil
			default:
				best = better(best, e.err)
				if code, _ := sip.StatusOf(e.err); code >= 600 {
					return nil, e.err
				}
				left--
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if best == nil {
		best = errNowhere
	}
	return nil, best
}

// runAttempt calls one place and tells what happens. An answer that comes when the call has been decided is hung up.
func runAttempt(ctx context.Context, d Dialler, a *attempt, events chan<- forkEvent, ended <-chan struct{}) {
	tell := func(e forkEvent) bool {
		e.attempt = a
		select {
		case events <- e:
			return true
		case <-ended:
			return false
		}
	}
	leg, err := d.Dial(ctx, a.out)
	if err != nil {
		tell(forkEvent{err: err})
		return
	}
	type result struct {
		sdp []byte
		err error
	}
	answered := make(chan result, 1)
	go func() { // ends with the answer, the leg, or ctx
		sdp, err := leg.Answered(ctx)
		answered <- result{sdp, err}
	}()
	var early []sip.LegEvent
	facts := leg.Events()
	for {
		select {
		case e, ok := <-facts:
			if p, is := e.(sip.ProgressEvent); is {
				tell(forkEvent{leg: leg, ringing: p})
			} else if ok {
				early = append(early, e) // it overtook the answer on its way to us
			} else {
				facts = nil
			}
		case r := <-answered:
			switch {
			case r.err != nil && ctx.Err() != nil:
				hangup(leg, elsewhere) // CANCEL, or BYE when the 200 crossed it
				tell(forkEvent{leg: leg, err: context.Cause(ctx)})
			case r.err != nil:
				tell(forkEvent{leg: leg, err: r.err})
			case !tell(forkEvent{leg: leg, answer: orEmpty(r.sdp), early: early}):
				hangup(leg, elsewhere)
			}
			return
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

// elsewhere tells a phone that the call was answered by another one, so that it shows no missed call (RFC 3326 §3.1).
var elsewhere = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Call completed elsewhere"}

var (
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
