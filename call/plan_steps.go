package call

import (
	"fmt"
	"strings"

	"passerelle/directory"
)

// step notes one step of the plan. It holds no space ID: dialled digits are told only where they are a number of the
// enterprise, or pass through shown.
func (p *planner) step(format string, args ...any) {
	p.steps = append(p.steps, fmt.Sprintf(format, args...))
}

// done ends the walk.
func (p *planner) done(r Route) Route {
	r.Steps = p.steps
	return r
}

// refuse ends the walk with a no.
func (p *planner) refuse(no refusal, format string, args ...any) Route {
	why := fmt.Sprintf(format, args...)
	p.step("refused: %s", why)
	r := Route{Kind: Refused, Status: no.status, Reason: no.reason, Spoken: no.spoken, Why: why}
	if p.caller.User == nil { // announcements are for our own callers
		r.Spoken = ""
	}
	return p.done(r)
}

func (p *planner) stepCaller() {
	switch c := p.caller; {
	case c.Device != nil && c.Device.User != c.User:
		p.step("%s of %s calls, as a guest on the phone of %s at %s", c.User.Name, c.User.Site.Domain, c.Device.User.Name, c.Device.User.Site.Domain)
	case c.User != nil:
		p.step("%s of %s calls", c.User.Name, c.User.Site.Domain)
	case c.Trunk != nil:
		p.step("trunk %s calls", TrunkName(c.Trunk))
	}
}

func (p *planner) stepTrunks(trunks []*directory.Trunk) {
	names := make([]string, len(trunks))
	for i, t := range trunks {
		names[i] = TrunkName(t)
	}
	p.step("it goes out by %s", strings.Join(names, ", then "))
}

// shown is a number outside as it may be told: somebody may have dialled a space ID instead of the gateway's number.
func (p *planner) shown(n directory.Number) string {
	for _, s := range p.dir.Sites() {
		if _, opens := p.dir.SpaceByID(s, strings.TrimPrefix(string(n), "+")); opens {
			return "not told, it opens a space"
		}
	}
	return string(n)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
