package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/party"
	"passerelle/sip"
)

// Settings keeps what lines set by codes; whoever owns the directory satisfies it.
type Settings interface {
	// SetUser changes the settings of the user with that Ref and puts the change in use.
	SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error
}

// Features sets what codes stand on, before the first leg: who keeps settings, and how a leg is answered that hears a tone.
func (r *Root) Features(s Settings, p party.Config) { r.settings, r.party = s, p }

// settingLimit bounds the storing of a setting.
const settingLimit = 10 * time.Second

// setting is the change of a line's settings that a code asks for; nil for codes that set nothing.
func setting(route Route) func(*directory.User) {
	to := route.Argument
	switch route.Feature {
	case directory.FeatureForwardAlways:
		return func(u *directory.User) { u.Forwards.Always = to }
	case directory.FeatureForwardAlwaysOff:
		return func(u *directory.User) { u.Forwards.Always = "" }
	case directory.FeatureForwardBusy:
		return func(u *directory.User) { u.Forwards.Busy = to }
	case directory.FeatureForwardBusyOff:
		return func(u *directory.User) { u.Forwards.Busy = "" }
	case directory.FeatureForwardNoAnswer:
		return func(u *directory.User) { u.Forwards.NoAnswer.Target = to }
	case directory.FeatureForwardNoAnswerOff:
		return func(u *directory.User) { u.Forwards.NoAnswer = directory.NoAnswer{} }
	case directory.FeatureForwardNotReachable:
		return func(u *directory.User) { u.Forwards.NotReachable = to }
	case directory.FeatureForwardNotReachableOff:
		return func(u *directory.User) { u.Forwards.NotReachable = "" }
	case directory.FeatureDND:
		return func(u *directory.User) { u.DND = true }
	case directory.FeatureDNDOff:
		return func(u *directory.User) { u.DND = false }
	default:
		return nil
	}
}

// serveFeature does what a code asks for. The caller hears a tone when it is done, and a status when it is not.
func (r *Root) serveFeature(ctx context.Context, leg *sip.Leg, caller directory.Caller, route Route, log *slog.Logger) error {
	switch route.Feature {
	case directory.FeaturePickup:
		return r.pickUp(ctx, leg, caller, r.ringers.at(route.User))
	case directory.FeatureGroupPickup:
		return r.pickUp(ctx, leg, caller, r.ringers.inGroupOf(caller.User))
	case directory.FeaturePark:
		return r.servePark(ctx, leg, caller, route.User)
	case directory.FeatureUnpark:
		return r.serveUnpark(ctx, leg, caller, route.User)
	}
	if route.Feature == directory.FeatureHoteling {
		return r.serveHotel(ctx, leg, caller, route.Argument, log)
	}
	if route.Feature == directory.FeatureConference && caller.User != nil {
		defer r.seats.put(leg, caller)()
		return r.gateway.ServeConference(ctx, leg, caller)
	}
	change := setting(route)
	if change == nil || r.settings == nil || caller.User == nil {
		return &sip.StatusError{Code: 501, Reason: "Not Implemented", Err: fmt.Errorf("no feature %s", route.Feature)}
	}
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settingLimit) // dialled is asked for, hung up or not
	defer cancel()
	if err := r.settings.SetUser(storing, caller.User.Ref, change); err != nil {
		return &sip.StatusError{Code: 500, Err: fmt.Errorf("store the setting: %w", err)}
	}
	log.InfoContext(ctx, "setting changed by code", "line", caller.User.Line(), "feature", string(route.Feature))
	return r.confirm(ctx, leg)
}

// confirm lets the caller hear that what it asked for is done, and hangs up.
func (r *Root) confirm(ctx context.Context, leg *sip.Leg) error {
	p, err := party.Answer(ctx, leg, r.party)
	if err != nil {
		return err
	}
	select {
	case <-p.Ready():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-p.Say(media.EntryTone()):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err = p.Hangup(ctx, sip.Reason{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
