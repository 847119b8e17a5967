package call

import (
	"strings"

	"passerelle/directory"
)

// code finds the feature whose code begins what was dialled, and what follows the code. A star between and a # at the end
// belong to neither: *21*0612345678# is *210612345678.
func code(site *directory.Site, dialled string) (f directory.Feature, argument string, found bool) {
	for _, c := range site.FeatureCodes.All() {
		if c.Code == directory.FeatureOff || c.Code == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(dialled, c.Code); ok {
			return c.Feature, strings.TrimSuffix(strings.TrimPrefix(rest, "*"), "#"), true
		}
	}
	return "", "", false
}

// isCode says whether what was dialled has the form of a code.
func isCode(dialled string) bool {
	return dialled != "" && (dialled[0] == '*' || dialled[0] == '#')
}

// startsCode says whether more digits could make a code of what was dialled.
func startsCode(site *directory.Site, dialled string) bool {
	for _, c := range site.FeatureCodes.All() {
		if strings.HasPrefix(c.Code, dialled) {
			return true
		}
	}
	return false
}

// withoutPrivacyCode takes the code that hides or shows the caller's number off.
func (p *planner) withoutPrivacyCode(user string) string {
	if p.caller.Site == nil || !isCode(user) {
		return user
	}
	f, argument, _ := code(p.caller.Site, user)
	if f == directory.FeatureHideNumber || f == directory.FeatureShowNumber {
		return argument
	}
	return user
}

// feature plans a code.
func (p *planner) feature(d dialled) Route {
	f, argument, found := code(p.caller.Site, d.user)
	if !found {
		if startsCode(p.caller.Site, d.user) {
			return p.refuse(incomplete, "more digits make a code")
		}
		return p.refuse(notFound, "no feature has that code")
	}
	p.step("the code is that of %s", f)
	d = dialled{user: argument, host: d.host}
	switch f {
	case directory.FeatureHideNumber, directory.FeatureShowNumber:
		return p.privately(d, f == directory.FeatureHideNumber)
	case directory.FeatureForwardAlways, directory.FeatureForwardBusy, directory.FeatureForwardNoAnswer, directory.FeatureForwardNotReachable:
		return p.setForward(f, d)
	case directory.FeatureVoicemail:
		return p.retrieve()
	case directory.FeaturePark, directory.FeatureUnpark, directory.FeaturePickup:
		return p.callOf(f, d)
	case directory.FeatureGroupPickup:
		if p.caller.User.PickupGroup == "" {
			return p.refuse(notFound, "the line is in no pickup group")
		}
		if argument != "" {
			return p.refuse(notFound, "nothing may follow the code")
		}
	case directory.FeatureHoteling:
		if argument != "" && !isDigits(argument) {
			return p.refuse(notFound, "only an extension may follow the code")
		}
	default:
		if argument != "" {
			return p.refuse(notFound, "nothing may follow the code")
		}
	}
	return p.toFeature(Route{Feature: f, Argument: argument})
}

func (p *planner) toFeature(r Route) Route {
	r.Kind, r.Why = ToFeature, "code of "+string(r.Feature)
	return p.done(r)
}

// privately plans the call behind a code that decides on the caller's number for this call.
func (p *planner) privately(d dialled, hide bool) Route {
	if d.user == "" {
		return p.refuse(incomplete, "a number must follow the code")
	}
	if isCode(d.user) {
		return p.refuse(notFound, "a number must follow the code, not another code")
	}
	p.hide = hide
	return p.call(d)
}

// setForward checks the target of a forwarding by planning a call of the line to it.
func (p *planner) setForward(f directory.Feature, d dialled) Route {
	u := p.caller.User
	if d.user == "" {
		if u.Voicemail == "" {
			return p.refuse(incomplete, "a target must follow the code: the line has no mailbox")
		}
		return p.toFeature(Route{Feature: f, Argument: directory.ForwardVoicemail})
	}
	digits := d.number()
	if digits == "" {
		return p.refuse(notFound, "the target is no number")
	}
	if _, help := p.helpNumber(d, u.Site); help {
		return p.refuse(forbidden, "calls are not forwarded to emergency numbers")
	}
	target := p.call(d)
	switch {
	case target.Kind == Refused:
		return target
	case target.Kind == ToLine && target.User == u:
		return p.refuse(forbidden, "the target is the line itself")
	case target.Number != "": // holds wherever the line is moved
		digits = string(target.Number)
	}
	return p.toFeature(Route{Feature: f, Argument: digits})
}

// callOf finds the line whose call is meant: parked there, or ringing there.
func (p *planner) callOf(f directory.Feature, d dialled) Route {
	if d.user == "" {
		if f == directory.FeaturePickup {
			return p.refuse(incomplete, "an extension must follow the code")
		}
		return p.toFeature(Route{Feature: f, User: p.caller.User})
	}
	digits := d.number()
	u, _ := p.line(d)
	if u == nil && digits != "" {
		if n, ok := p.parsed(digits); ok {
			u, _ = p.dir.UserByNumber(e164(n))
		}
	}
	if u == nil {
		return p.refuse(notFound, "no line has that extension")
	}
	return p.toFeature(Route{Feature: f, Argument: digits, User: u})
}

// retrieve plans a call of the line to hear its messages.
func (p *planner) retrieve() Route {
	if number := p.caller.User.VoicemailRetrieval; number != "" {
		p.trusted = true // the administrator has chosen it
		return p.target(number)
	}
	return p.mailbox()
}

// mailbox plans a call to the line's own mailbox.
func (p *planner) mailbox() Route {
	if p.caller.User.Voicemail == "" {
		return p.refuse(notFound, "the line has no mailbox")
	}
	p.trusted = true // the administrator has chosen it
	return p.target(p.caller.User.Voicemail)
}
