package call

import (
	"context"
	"errors"

	"passerelle/directory"
	"passerelle/sip"
)

var _ sip.ReferHandler = (*Root)(nil)

// ServeRefer takes a REFER outside any call, of an app for instance (RFC 4579 §5.5): the space that its Request-URI names calls
// Refer-To, on the account of the line that asks. The URI is one that names a space, the focus URI or the Target-Dialog
// (RFC 4538) of a leg of the line's that sits, or the gateway number, which means the line's own space. It implements
// sip.ReferHandler.
func (r *Root) ServeRefer(ctx context.Context, ref *sip.Referral) error {
	dir := r.dir.Current()
	asker, err := r.callerOf(dir, &sip.Invite{RequestURI: ref.RequestURI, From: ref.From, To: ref.To, Identity: ref.Identity, Source: ref.Source})
	switch {
	case err != nil:
		return &sip.StatusError{Code: 403, Reason: "Forbidden", Err: err}
	case asker.User == nil:
		return &sip.StatusError{Code: 403, Reason: "Forbidden", Err: errors.New("who is outside does not call on our account")}
	case ref.Method != "INVITE" || ref.Replaces != nil:
		return &sip.StatusError{Code: 501, Reason: "Not Implemented", Err: errors.New("REFER outside a call that is no wish to call")}
	}
	target := targetOf(dir, asker, ref.ReferTo)
	bring, err := r.bringerOf(dir, asker, ref, target)
	if err != nil {
		return err
	}
	if err := ref.Accept(); err != nil {
		return err
	}
	r.log.InfoContext(ctx, "space is asked to bring somebody", "line", asker.User.Line())
	codes, done := make(chan int, 4), make(chan error, 1)
	codes <- 100
	r.spawn(func() { // ends with the outcome, or with ctx
		err := sip.ErrPanic
		defer func() { done <- err }()
		err = bring(ctx, func(code int) {
			select {
			case codes <- code:
			default: // a phone that rings again and again is no news
			}
		})
	})
	for {
		select {
		case code := <-codes:
			if err := ref.Notify(ctx, code, ""); err != nil {
				r.log.DebugContext(ctx, "progress not told", "code", code, "err", err)
			}
		case err := <-done:
			return err
		}
	}
}

// bringerOf says how the space that a REFER is for calls somebody.
func (r *Root) bringerOf(dir *directory.Directory, asker directory.Caller, ref *sip.Referral, target string) (func(context.Context, func(int)) error, error) {
	leg := r.seats.named(ref.RequestURI, asker)
	if ref.TargetDialog != nil {
		if l, ok := r.legs.Replaced(*ref.TargetDialog); ok {
			if who, sits := r.seats.of(l); sits && sameUser(who, asker) {
				leg = l
			}
		}
	}
	if leg != nil {
		return func(ctx context.Context, progress func(int)) error {
			handed, err := r.gateway.Add(ctx, leg, asker.User, target, progress)
			if handed {
				r.spawn(func() { hangup(leg, transferDone) }) // returns when the leg has ended
			}
			return err
		}, nil
	}
	route := Plan(dir, asker, ref.RequestURI)
	if route.Kind != ToGateway {
		return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("REFER to no space")}
	}
	if route.Site.Gateway.Number == "" {
		return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("no gateway number is assigned")}
	}
	return func(ctx context.Context, progress func(int)) error {
		return r.gateway.CallIn(ctx, asker, route.Site, route.SpaceID, target, progress)
	}, nil
}
