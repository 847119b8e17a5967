package call

import (
	"context"
	"errors"
	"sync"

	"passerelle/sip"
)

// handover is a wish of a line that a call of its, which still rings, becomes another caller's: an attended transfer before the
// answer. From then on the call rings whether the line hangs up or not, until ctx ends.
type handover struct {
	ctx    context.Context // of the call that is to have the answer
	asker  member
	tell   func(code int) // how far it is
	agreed chan error     // room for one: whether the call is handed over
	result chan outcome   // room for one: what became of it then
}

// finish tells what became of the call; only the first word counts.
func (h *handover) finish(o outcome) {
	select {
	case h.result <- o:
	default:
	}
}

// unanswered knows the calls of legs that nobody has answered. The zero value is ready.
type unanswered struct {
	mu   sync.Mutex
	open map[*sip.Leg]*onward
}

func (c *unanswered) put(leg *sip.Leg, o *onward) (drop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*sip.Leg]*onward)
	}
	c.open[leg] = o
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, leg)
	}
}

func (c *unanswered) of(leg *sip.Leg) *onward {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[leg]
}

var (
	errDecidedAlready = errors.New("the call rings no longer")
	errHandedOver     = &sip.StatusError{Code: 487, Err: errors.New("the call went to another caller")}
)

// own gives a call a context of its own, which ends with its caller's as long as the call is not handed over.
func (o *onward) own(ctx context.Context) (own context.Context, done func()) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	o.cancel, o.handovers, o.found = cancel, make(chan *handover), make(chan struct{})
	o.decided = sync.OnceFunc(func() { close(o.found) })
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.handed == nil {
			cancel(context.Cause(ctx))
		}
	})
	drop := o.root.unanswered.put(o.leg, o)
	return own, func() {
		o.decided()
		drop()
		stop()
		cancel(nil)
		if o.handed != nil {
			o.handed.finish(outcome{err: sip.ErrPanic}) // after a panic: else it has been told
		}
	}
}

// handOver makes a call another caller's, on its owner.
func (o *onward) handOver(ctx context.Context, h *handover) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !sameUser(o.caller, h.asker.caller):
		return errNotYours
	case o.handed != nil:
		return errNegotiate
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	o.handed = h
	cancel := o.cancel
	context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })
	if o.rung >= 180 {
		h.tell(180)
	}
	return nil
}

// take asks the owner of a call that rings to hand it over, and waits for what becomes of it. errDecidedAlready means that it
// rings no longer.
func (o *onward) take(h *handover) (member, error) {
	select {
	case o.handovers <- h:
	case <-o.found:
		return member{}, errDecidedAlready
	case <-h.ctx.Done():
		return member{}, context.Cause(h.ctx)
	}
	if err := <-h.agreed; err != nil {
		return member{}, err
	}
	out := <-h.result // at the latest when it has rung long enough
	return out.member, out.err
}

// deliver gives the one who answered to the call that has taken this one over. The leg of who handed it over ends.
func (o *onward) deliver(ctx context.Context, won *forkEvent, err error) error {
	if err != nil {
		o.handed.finish(outcome{err: err})
		return err
	}
	out := o.settle(ctx, won)
	o.handed.finish(out)
	if out.err != nil {
		return out.err
	}
	return errHandedOver
}

// agreeLate answers the offer of a phone that was called without one, for a call whose other side is up already: with formats of
// ours, until that side has been asked.
func (o *onward) agreeLate(ctx context.Context, won *forkEvent) error {
	b := won.attempt.media
	err := b.Offered(won.answer)
	var sdp []byte
	if err == nil {
		sdp, err = b.Answer(nil)
	}
	if err != nil {
		return mediaStatus(err)
	}
	return won.leg.Acknowledge(ctx, sdp)
}
