package sip

import (
	"context"
	"math/rand/v2"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Facts from outside, for the owner of a leg.
type (
	requestArrived struct {
		in *inbound
		tx *serverTx
	}
	ackArrived    struct{ in *inbound }
	cancelArrived struct {
		in     *inbound
		invite *serverTx
	}
	replyArrived struct {
		call *outCall
		try  int
		res  *sipmsg.Response // nil with err
		err  error
	}
	timerFired      struct{ f func() }
	handlerReturned struct{ err error }
	shutdownAsked   struct{}
	stopNow         struct{}
)

// command is work from a method of the leg.
type command func()

// post gives a fact to the owner and reports whether it took it. The owner never waits for long, so neither does post.
func (l *Leg) post(fact any) bool {
	select {
	case l.inbox <- fact:
		return true
	case <-l.gone:
		return false
	}
}

// after posts f to the owner after d. The timer may be stopped; a stopped one may still have posted, so f must look.
func (l *Leg) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { l.post(timerFired{f}) })
}

// start runs the owner and the handler. The owner ends with the dialog; the handler when it returns, which its ctx asks
// for. Server.Run waits for both.
func (l *Leg) start() {
	ctx, cancel := context.WithCancelCause(context.Background())
	l.cancel = cancel
	l.s.metrics.legs.Inc()
	l.log.Info("leg begun", "trunk", l.invite.Identity.Trunk, "remote", l.peer.Remote, "transport", l.peer.Transport)
	l.armExpires()
	l.own()
	l.s.legs.wait.Go(func() { l.serve(ctx) })
}

// own starts the owner.
func (l *Leg) own() {
	go func() {
		defer l.s.legs.wait.Done() // added by legTable.add
		l.run()
	}()
}

// serve runs the handler.
func (l *Leg) serve(ctx context.Context) {
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				l.s.panicked(ownerHandler, p)
				err = ErrPanic
			}
		}()
		return l.s.handler.ServeLeg(ctx, l)
	}()
	l.silent.Store(true)
	l.post(handlerReturned{err})
}

// run is the owner.
func (l *Leg) run() {
	defer l.finish()
	for l.state != legTerminated {
		l.take(<-l.inbox)
	}
}

// take handles one fact or command.
func (l *Leg) take(fact any) {
	switch f := fact.(type) {
	case command:
		f()
	case timerFired:
		f.f()
	case requestArrived:
		l.takeRequest(f.in, f.tx)
	case ackArrived:
		l.takeACK(f.in)
	case cancelArrived:
		l.takeCancel(f.in, f.invite)
	case replyArrived:
		l.takeReply(f.call, f.try, f.res, f.err)
	case handlerReturned:
		l.conclude(f.err)
	case shutdownAsked:
		l.hangup(Reason{Protocol: "SIP", Cause: 503, Text: "Shutdown"}, ErrShutdown)
	case stopNow:
		l.over(ErrShutdown)
		l.state = legTerminated
	}
}

// finish is the end of the owner, after a panic too.
func (l *Leg) finish() {
	if p := recover(); p != nil {
		l.s.panicked(ownerLeg, p)
		l.guarded(func() { l.hangup(Reason{Protocol: "SIP", Cause: 500}, ErrPanic) })
	}
	l.over(ErrPanic) // does nothing after a regular end
	l.guarded(func() {
		if l.pending != nil {
			l.settleOffer(500)
		}
		l.stopTimers()
	})
	l.s.legs.remove(l)
	l.release()
	l.s.metrics.legs.Dec()
	close(l.gone)
}

// guarded runs f and survives its panic.
func (l *Leg) guarded(f func()) {
	defer l.s.recovered(ownerLeg)
	f()
}

// over ends the leg for its handler.
func (l *Leg) over(cause error) {
	if l.isOver {
		return
	}
	l.isOver = true
	l.cause = cause
	l.log.Info("leg over", "cause", cause)
	close(l.done)
	close(l.events)
	l.cancel(cause)
}

// emit passes an event to the handler and reports whether it found room.
func (l *Leg) emit(e LegEvent) bool {
	if l.isOver || l.silent.Load() {
		return false
	}
	select {
	case l.events <- e:
		return true
	default:
		l.s.drop(dropEvents)
		return false
	}
}

func (l *Leg) stopTimers() {
	l.session.stop()
	if l.expires != nil {
		l.expires.Stop()
	}
	for _, a := range l.awaiting {
		a.stop()
	}
	if l.rel.waiting != nil {
		l.rel.waiting.stop()
	}
	if l.owed != nil {
		l.owedLimit.Stop()
	}
	if l.reinvite != nil {
		l.reinvite.stopLimit()
	}
}

const tagChars = "abcdefghijklmnopqrstuvwxyz0123456789"

// newTag is unguessable: who knows both tags and the Call-ID of a dialog can end it.
func newTag() LocalTag {
	return LocalTag(randomText(16))
}

func newBranch() string { return sipmsg.RFC3261BranchMagicCookie + randomText(16) }

func randomText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = tagChars[rand.IntN(len(tagChars))] // ChaCha8 seeded by the system, see math/rand/v2
	}
	return string(b)
}

// newCSeq starts our numbering below 2^31 with room to count (RFC 3261 §8.1.1.5).
func newCSeq() uint32 { return 1 + rand.Uint32N(1<<16) }

func short(t LocalTag) string {
	if len(t) > 6 {
		return string(t[:6])
	}
	return string(t)
}
