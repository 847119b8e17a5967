package call

import (
	"net/url"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// ForwardCause is why a call does not stay at the line it was for.
type ForwardCause uint8

// The causes, each a kind of forwarding that a line may have.
const (
	ForwardAlways ForwardCause = iota
	ForwardBusy
	ForwardNoAnswer
	ForwardNotReachable
)

// String names the cause.
func (c ForwardCause) String() string {
	return [...]string{"always", "busy", "no_answer", "not_reachable"}[c]
}

// Target is where the line forwards calls for a cause, empty if it does not.
func (c ForwardCause) Target(f directory.Forwards) string {
	return [...]string{f.Always, f.Busy, f.NoAnswer.Target, f.NotReachable}[c]
}

// Forward says where a call to a line goes for a cause; ok is false when the line does not forward it. The call onwards is
// the line's own: its calling plan and limits apply. It is never an emergency call.
func Forward(dir *directory.Directory, u *directory.User, cause ForwardCause) (r Route, ok bool) {
	target := cause.Target(u.Forwards)
	if target == "" {
		return Route{}, false
	}
	p := newPlanner(dir, directory.Caller{User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language})
	p.step("%s forwards calls (%s)", u.Name, cause)
	r = p.target(target)
	if r.Kind == ToLine && r.User == u {
		r = p.refuse(notFound, "the line forwards to itself")
	}
	return r, true
}

// Reach plans a call of a line to a target that a site file or an API names: a number as the line dials it, its voice mail,
// or a URI. No phone makes the call, so it is never an emergency call.
func Reach(dir *directory.Directory, u *directory.User, target string) Route {
	return newPlanner(dir, directory.Caller{User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language}).target(target)
}

// target plans a call to a forwarding's target or a mailbox.
func (p *planner) target(target string) Route {
	if target == directory.ForwardVoicemail {
		p.step("to voice mail")
		return p.mailbox()
	}
	uri, isURI := parseTarget(target)
	if !isURI {
		return p.targetNumber(dialled{user: target})
	}
	d := parseDialled(uri)
	if uri.Scheme == "tel" {
		return p.targetNumber(d)
	}
	if _, ours := p.dir.SiteByDomain(d.host); ours {
		return p.call(d)
	}
	if no, ok := p.charge(ClassNational); !ok {
		return no
	}
	p.step("it is a URI outside")
	return p.done(Route{Kind: ToURI, URI: target, Class: ClassNational, HideNumber: p.hide, Why: "URI outside"})
}

func (p *planner) targetNumber(d dialled) Route {
	if _, help := p.helpNumber(d, p.caller.Site); help {
		return p.refuse(forbidden, "no phone calls an emergency number")
	}
	return p.call(d)
}

// parseTarget takes a sip, sips or tel URI apart; other texts are no URI.
func parseTarget(text string) (sip.URI, bool) {
	scheme, rest, _ := strings.Cut(text, ":")
	u := sip.URI{Scheme: strings.ToLower(scheme)}
	switch u.Scheme {
	case "tel":
		rest, params, _ := strings.Cut(rest, ";")
		u.User, u.Params = unescape(rest), targetParams(params)
		return u, true
	case "sip", "sips":
	default:
		return sip.URI{}, false
	}
	rest, _, _ = strings.Cut(rest, "?")
	user, hostport, found := strings.Cut(rest, "@")
	if !found {
		user, hostport = "", rest
	}
	hostport, params, _ := strings.Cut(hostport, ";")
	u.User, u.Params = unescape(user), targetParams(params)
	u.Host = strings.ToLower(hostport)
	if v6, _, ok := strings.Cut(strings.TrimPrefix(u.Host, "["), "]"); ok {
		u.Host = v6
	} else {
		u.Host, _, _ = strings.Cut(u.Host, ":")
	}
	return u, true
}

func targetParams(text string) map[string]string {
	params := make(map[string]string)
	for part := range strings.SplitSeq(text, ";") {
		if name, value, _ := strings.Cut(part, "="); name != "" {
			params[strings.ToLower(unescape(name))] = unescape(value)
		}
	}
	return params
}

func unescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}
