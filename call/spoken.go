package call

import (
	"context"
	"errors"

	"passerelle/directory"
	"passerelle/media/prompts"
	"passerelle/party"
	"passerelle/sip"
)

// spokenPrompts are the recordings of the announcements.
var spokenPrompts = map[Spoken]prompts.Name{
	SpokenNotInPlan: prompts.NotInPlan, SpokenNight: prompts.Night, SpokenTooMany: prompts.TooMany, SpokenTooFast: prompts.TooFast,
	SpokenNoChannel: prompts.NoChannel, SpokenAway: prompts.Away,
}

// spokenFor is what a line should hear of why its call failed; empty when the status says enough.
func spokenFor(err error) Spoken {
	if limit, ok := errors.AsType[*LimitError](err); ok {
		return limit.Spoken
	}
	if errors.Is(err, ErrNoChannel) {
		return SpokenNoChannel
	}
	return ""
}

// speak tells a line in its language why its call is refused, before the status does. Whoever cannot hear it, such as a phone
// that made no offer, gets the status alone.
func (r *Root) speak(ctx context.Context, leg *sip.Leg, caller directory.Caller, why Spoken) {
	name, ok := spokenPrompts[why]
	if !ok || caller.User == nil || r.party.Ports == nil || leg.Offer() == nil {
		return
	}
	lang := directory.PreferredLanguage(leg.Invite().AcceptLanguage())
	if lang == "" {
		lang = caller.Language
	}
	if err := party.Announce(ctx, leg, r.party, prompts.Get(string(lang), name)); err != nil && ctx.Err() == nil {
		r.log.InfoContext(ctx, "refusal not spoken", "call_id", leg.CallID(), "spoken", string(why), "err", err)
	}
}
