package gateway

import (
	"context"
	"errors"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// Add brings somebody into the space where a leg sits, as its phone asks by REFER (RFC 4579 §5.5), on the account of the line
// that asks. When the space is full the seat of the one that asks is handed over, and its leg is the caller's to hang up:
// replaced tells. progress is told of provisional answers and must not wait. It returns when the callee is in; else the error
// is why it is not, and the one that asked sits as before.
func (g *Gateway) Add(ctx context.Context, asker *sip.Leg, payer *directory.User, target string, progress func(code int)) (replaced bool, err error) {
	seat := g.seats.of(asker)
	if seat == nil {
		return false, ErrNotSeated
	}
	err = g.bring(ctx, seat.bridge.space, payer, target, progress)
	if !errors.Is(err, ErrSpaceFull) {
		return false, err
	}
	err = g.Replace(ctx, asker, func(ctx context.Context) (*party.Party, directory.Caller, error) {
		p, callee, err := g.cfg.Dialer.DialOut(ctx, seat.bridge.space, payer, target, progress)
		if err != nil || callee.User != nil {
			return p, callee, err
		}
		if err := confirm(ctx, p, string(seat.bridge.space.Site.Language)); err != nil {
			go func() { _ = p.Hangup(context.Background(), unconfirmed) }() // ends with the leg, at most 64*T1
			return nil, callee, err
		}
		return p, callee, nil
	})
	return err == nil, err
}

// CallIn has a space call somebody for a line that asks from outside (RFC 4579 §5.5), on the account of that line. The space is
// the one that the ID opens, or without one the line's own. It returns as Add does.
func (g *Gateway) CallIn(ctx context.Context, caller directory.Caller, site *directory.Site, spaceID directory.Secret, target string, progress func(code int)) error {
	space, err := g.meant(caller, nil, site, spaceID)
	if err != nil {
		return err
	}
	return g.bring(ctx, space, caller.User, target, progress)
}

// bring has a space call somebody on the account of a line and waits until the callee is in or is not to come.
func (g *Gateway) bring(ctx context.Context, space *directory.Space, payer *directory.User, target string, progress func(code int)) error {
	settled := make(chan OutcallInfo, 2)
	o, err := g.begin(ctx, space, payer, target, func(i OutcallInfo) {
		switch {
		case i.State == OutcallRinging:
			progress(180)
		case i.State == OutcallIn || i.Over():
			settled <- i // twice at most
		}
	})
	if err != nil {
		return err
	}
	select {
	case i := <-settled:
		if i.Over() && i.State != OutcallEnded {
			return o.failure()
		}
		return nil
	case <-ctx.Done():
		o.cancel(errCancelled)
		return context.Cause(ctx)
	}
}
