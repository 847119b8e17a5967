package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"passerelle/call"
	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/sip"
)

// features are the settings of lines that phones have keys for.
type features struct {
	live     *directory.Live
	settings call.Settings // nil keeps nothing
}

var _ events.FeatureStore = features{}

var errNoSettings = errors.New("settings are not kept")

// Features implements events.FeatureStore.
func (f features) Features(aor sip.AOR) (all events.Features, ok bool) {
	u, ok := f.live.Current().UserByURI(aor.User(), aor.Domain())
	if !ok {
		return all, false
	}
	all.DoNotDisturb = u.DND
	for k, target := range map[events.ForwardKind]string{
		events.ForwardAlways: u.Forwards.Always, events.ForwardBusy: u.Forwards.Busy, events.ForwardNoAnswer: u.Forwards.NoAnswer.Target,
	} {
		if target == directory.ForwardVoicemail {
			target = u.Voicemail
		}
		all.Forwards[k] = events.Forward{Active: target != "", Target: target}
	}
	if u.Forwards.NoAnswer.Target != "" {
		all.Forwards[events.ForwardNoAnswer].Seconds = cmp.Or(u.Forwards.NoAnswer.Seconds, directory.DefaultNoAnswerSeconds)
	}
	return all, true
}

// SetDoNotDisturb implements events.FeatureStore.
func (f features) SetDoNotDisturb(ctx context.Context, aor sip.AOR, on bool) error {
	return f.set(ctx, aor, func(u *directory.User) { u.DND = on })
}

// SetForward implements events.FeatureStore. A target may be what the line may dial.
func (f features) SetForward(ctx context.Context, aor sip.AOR, kind events.ForwardKind, w events.Forward) error {
	target := ""
	if w.Active {
		u, ok := f.live.Current().UserByURI(aor.User(), aor.Domain())
		if !ok {
			return fmt.Errorf("forward of %s: %w", aor, events.ErrUnknownLine)
		}
		asked := w.Target
		if asked == u.Voicemail {
			asked = directory.ForwardVoicemail
		}
		var err error
		if target, err = call.ForwardTarget(f.live.Current(), u, asked); err != nil {
			return fmt.Errorf("forward of %s: %w", aor, err)
		}
	}
	return f.set(ctx, aor, func(u *directory.User) {
		switch kind {
		case events.ForwardAlways:
			u.Forwards.Always = target
		case events.ForwardBusy:
			u.Forwards.Busy = target
		case events.ForwardNoAnswer:
			u.Forwards.NoAnswer = directory.NoAnswer{Target: target}
			if target != "" {
				u.Forwards.NoAnswer.Seconds = directory.NoAnswerSeconds(w.Seconds)
			}
		}
	})
}

func (f features) set(ctx context.Context, aor sip.AOR, change func(*directory.User)) error {
	u, ok := f.live.Current().UserByURI(aor.User(), aor.Domain())
	switch {
	case !ok:
		return fmt.Errorf("settings of %s: %w", aor, events.ErrUnknownLine)
	case f.settings == nil:
		return fmt.Errorf("settings of %s: %w", aor, errNoSettings)
	}
	return f.settings.SetUser(ctx, u.Ref, change)
}
