package call

import (
	"context"
	"errors"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

var _ sip.ReferHandler = (*Root)(nil)

// ServeRefer takes a REFER outside any call, of an app for instance (RFC 4579 §5.5): the space that its Request-URI names calls
// Refer-To, on the account of the line that asks, or, where that has method=BYE, its owner hangs up on somebody. The URI is one that names a space, the focus URI or the Target-Dialog
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
	case ref.Method != "INVITE" && ref.Method != "BYE" || ref.Replaces != nil:
		return &sip.StatusError{Code: 501, Reason: "Not Implemented", Err: errors.New("REFER outside a call that is no wish to call")}
	}
	target := targetOf(dir, asker, ref.ReferTo)
	leg, route, err := r.spaceOf(dir, asker, ref)
	if err != nil {
		return err
	}
	if ref.Method == "BYE" {
		ctx, cancel := context.WithTimeout(ctx, dismissLimit)
		defer cancel()
		err := r.gateway.Dismiss(ctx, asker, leg, route.Site, route.SpaceID, r.numbersOf(dir, asker, ref.ReferTo.User, target)...)
		if err != nil && ctx.Err() == nil {
			return err
		}
		return ref.Accept() // a phone that does not answer its BYE is removed all the same
	}
	bring := func(ctx context.Context, progress func(int)) error {
		if leg == nil {
			return r.gateway.CallIn(ctx, asker, route.Site, route.SpaceID, target, progress)
		}
		handed, err := r.gateway.Add(ctx, leg, asker.User, target, progress)
		if handed {
			r.spawn(func() { hangup(leg, transferDone) }) // returns when the leg has ended
		}
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

// dismissLimit is for the BYEs of those who are removed, in time for the answer to the REFER.
const dismissLimit = 5 * time.Second

// spaceOf is the space that a REFER is for: that of a leg of the asker's, or that of a route to the gateway.
func (r *Root) spaceOf(dir *directory.Directory, asker directory.Caller, ref *sip.Referral) (*sip.Leg, Route, error) {
	leg := r.seats.named(ref.RequestURI, asker)
	if ref.TargetDialog != nil {
		if l, ok := r.legs.Replaced(*ref.TargetDialog); ok {
			if who, sits := r.seats.of(l); sits && sameUser(who, asker) {
				leg = l
			}
		}
	}
	if leg != nil {
		return leg, Route{}, nil
	}
	route := Plan(dir, asker, ref.RequestURI)
	switch {
	case route.Kind != ToGateway:
		return nil, route, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("REFER to no space")}
	case route.Site.Gateway.Number == "":
		return nil, route, &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("no gateway number is assigned")}
	}
	return nil, route, nil
}

// numbersOf are the numbers by which a participant may be known whom a line names.
func (r *Root) numbersOf(dir *directory.Directory, asker directory.Caller, named, target string) []string {
	all := []string{named}
	switch route := Reach(dir, asker.User, target); {
	case route.Kind == ToLine:
		all = append(all, route.User.Line())
	case route.Number != "":
		all = append(all, string(route.Number))
	}
	return all
}
