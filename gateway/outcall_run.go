package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"passerelle/directory"
	"passerelle/media/prompts"
	"passerelle/party"
	"passerelle/sip"
)

// Call has a space call somebody: to is what its owner would dial, a SIP or tel URI, or empty for the owner's own line. It
// returns when the call has begun, with a seat kept for the callee; Outcall tells how far it is. The errors are
// ErrUnknownSpace, ErrUnassigned, ErrSpaceFull, ErrDraining, or why the owner may not call that.
func (g *Gateway) Call(ctx context.Context, space, to string) (OutcallInfo, error) {
	sp, ok := g.cfg.Directory.Current().SpaceByRef(space)
	if !ok {
		return OutcallInfo{}, ErrUnknownSpace
	}
	if to == "" {
		to = sp.Owner.Line()
	}
	o, err := g.begin(ctx, sp, sp.Owner, to, nil)
	if err != nil {
		return OutcallInfo{}, err
	}
	return o.state(), nil
}

// begin begins a call of a space on the account of a line.
func (g *Gateway) begin(ctx context.Context, space *directory.Space, payer *directory.User, to string, told func(OutcallInfo)) (*outcall, error) {
	switch {
	case g.draining.Load():
		return nil, ErrDraining
	case space.Site.Gateway.Number == "":
		return nil, ErrUnassigned
	case g.cfg.Dialer == nil:
		return nil, ErrNoDialer
	}
	if err := g.cfg.Dialer.Check(payer, to); err != nil {
		return nil, err
	}
	seat, err := g.take(ctx, space, Who{User: payer.Ref, Name: to, Number: to})
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancelCause(context.Background())
	o := &outcall{
		space: space, payer: payer, cancel: cancel, told: told, done: make(chan struct{}),
		info: OutcallInfo{Space: space.Ref, To: to, State: OutcallCalling, Participant: seat.id, Since: time.Now()},
	}
	g.outcalls.add(o)
	g.metrics.outcalls.Inc()
	g.outcalls.wg.Go(func() { // ends with the call; cancel and Shutdown end it
		defer cancel(nil)
		g.runOutcall(run, o, seat)
	})
	return o, nil
}

// runOutcall calls, confirms, seats the callee and stays until it is gone. The seat is free when it returns.
func (g *Gateway) runOutcall(ctx context.Context, o *outcall, seat *Participant) {
	var err error
	defer close(o.done)
	defer func() {
		if r := recover(); r != nil {
			g.metrics.outcallPanics.Inc()
			g.log.Error("call of a space panicked", "panic", r, "stack", string(debug.Stack()))
			err = errBroken
			o.cancel(errBroken)
		}
		seat.leave()
		o.over(err)
		if err != nil {
			g.log.Info("call of a space came to nothing", "bridge", o.space.Ref, "outcall", o.info.ID, "err", err)
		}
	}()
	err = g.bringIn(ctx, o, seat)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
}

// bringIn is a call of a space from its first INVITE to its last BYE. An error means that the callee never was in.
func (g *Gateway) bringIn(ctx context.Context, o *outcall, seat *Participant) error {
	p, callee, err := g.cfg.Dialer.DialOut(ctx, o.space, o.payer, o.info.To, o.rings)
	if err != nil {
		return err
	}
	lang := g.languageOf(callee, o.space)
	defer g.parties.add(p, lang)()
	defer func() { // after a fault of ours the leg is up still
		select {
		case <-p.Done():
		default:
			go func() { _ = p.Hangup(context.Background(), broken) }() // ends with the leg, at most 64*T1
		}
	}()
	defer context.AfterFunc(ctx, func() { // ends with the leg
		_ = p.Hangup(context.Background(), withdrawn)
	})()
	if callee.User == nil {
		o.change(func(i *OutcallInfo) { i.State = OutcallConfirming })
		if err := confirm(ctx, p, lang); err != nil {
			_ = p.Hangup(context.Background(), unconfirmed) // ends with the leg, at most 64*T1
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := seat.become(ctx, whoCalled(p, callee, o.info.To)); err != nil {
		return err
	}
	if err := seat.sit(ctx, p); errors.Is(err, errRemoved) {
		_ = p.Hangup(context.Background(), withdrawn) // ends with the leg, at most 64*T1
		return errCancelled
	} else if err != nil {
		return fmt.Errorf("sit down: %w", err)
	}
	g.seated(p, seat)
	defer g.seats.drop(p.Leg())
	o.change(func(i *OutcallInfo) { i.State = OutcallIn })
	<-p.Done()
	return nil
}

// whoCalled names a callee for the live view.
func whoCalled(p *party.Party, c directory.Caller, to string) Who {
	w := Who{Name: to, Number: c.Number, CallID: p.Leg().CallID()}
	if c.User != nil {
		w.User, w.Name = c.User.Ref, c.User.Name
	}
	if w.Number == "" {
		w.Number = to
	}
	return w
}

const (
	confirmKey   = '1'             // enters
	confirmTries = 3               // of the prompt
	confirmGap   = 4 * time.Second // from its end to the next
)

// confirm asks a callee outside to press a key, so that no voice mail joins a space.
func confirm(ctx context.Context, p *party.Party, lang string) error {
	wait := func(until <-chan struct{}) error {
		for {
			select {
			case <-until:
				return nil
			case key := <-p.Keys():
				if key == confirmKey {
					return errPressed
				}
			case <-p.Done():
				return ErrUnconfirmed
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	ended := func(err error) error {
		if errors.Is(err, errPressed) {
			p.Hush()
			return nil
		}
		return err
	}
	if err := wait(p.Ready()); err != nil {
		return ended(err)
	}
	for range confirmTries {
		if err := wait(p.Say(prompts.Get(lang, prompts.Confirm))); err != nil {
			return ended(err)
		}
		gap, stop := context.WithTimeout(ctx, confirmGap)
		err := wait(gap.Done())
		stop()
		if err != nil {
			return ended(err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return ErrUnconfirmed
}

var (
	// withdrawn is why a call of a space ends that was taken back.
	withdrawn = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Removed from the space"}
	// unconfirmed is why a call is ended whose callee pressed no key.
	unconfirmed = sip.Reason{Protocol: "SIP", Cause: 480, Text: "Not confirmed"}
)

// Outcalls gives the calls of a space, the oldest first, those of the last ten minutes too.
func (g *Gateway) Outcalls(space string) []OutcallInfo {
	all := []OutcallInfo{}
	for _, o := range g.outcalls.of(space) {
		all = append(all, o.state())
	}
	return all
}

// EndOutcall cancels a call of a space, or hangs up on its callee, and returns when it is over. One that is over already is
// no error.
func (g *Gateway) EndOutcall(ctx context.Context, space, id string) error {
	o := g.outcalls.find(space, id)
	if o == nil {
		return ErrNoOutcall
	}
	o.cancel(errCancelled)
	return o.wait(ctx)
}

// wait returns when the call is over and its seat is free.
func (o *outcall) wait(ctx context.Context) error {
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// RetryOutcall calls the same again; ErrOutcallUp means that the call is not over.
func (g *Gateway) RetryOutcall(ctx context.Context, space, id string) (OutcallInfo, error) {
	o := g.outcalls.find(space, id)
	switch {
	case o == nil:
		return OutcallInfo{}, ErrNoOutcall
	case !o.state().Over():
		return OutcallInfo{}, ErrOutcallUp
	}
	return g.Call(ctx, space, o.info.To)
}
