package call

import (
	"fmt"

	"github.com/nyaruka/phonenumbers"

	"passerelle/directory"
	"passerelle/sip"
)

// Plan says where a call from a caller to a URI goes. It depends on nothing but its arguments.
func Plan(dir *directory.Directory, caller directory.Caller, uri sip.URI) Route {
	p := newPlanner(dir, caller)
	d := parseDialled(uri)
	p.stepCaller()
	if r, ok := p.emergency(d); ok {
		return r
	}
	if caller.User != nil && isCode(d.user) && d.spaceID == "" {
		return p.feature(d)
	}
	return p.call(d)
}

// planner walks through the rules for one call and notes each step.
type planner struct {
	dir    *directory.Directory
	caller directory.Caller
	hide   bool // the caller's number
	// trusted targets are not subject to the calling plan.
	trusted bool
	steps   []string
}

func newPlanner(dir *directory.Directory, caller directory.Caller) *planner {
	return &planner{dir: dir, caller: caller, hide: caller.User != nil && caller.User.CLIR}
}

// call plans a call to a space, the gateway, a line or the outside, in this order.
func (p *planner) call(d dialled) Route {
	if d.user == "" && d.spaceID != "" {
		site, ok := p.dir.SiteByDomain(d.host)
		if !ok {
			site = p.caller.Site
		}
		return p.toGateway(site, d.spaceID, "space URI")
	}
	digits := d.number()
	if digits == "" {
		return p.named(d)
	}
	if u, gateway := p.line(d); gateway != nil {
		return p.toGateway(gateway, d.spaceID, "gateway extension")
	} else if u != nil {
		return p.toLine(u)
	}
	if n := plain(digits, p.caller); n != "" {
		if r, ok := p.number(n, d.spaceID); ok {
			return r
		}
	}
	number, isNumber := p.parsed(digits)
	if isNumber {
		if r, ok := p.number(e164(number), d.spaceID); ok {
			return r
		}
	}
	if u, ok := p.username(d.user); ok {
		return p.toLine(u)
	}
	if p.caller.User == nil {
		return p.refuse(notFound, "nobody has that number")
	}
	return p.outside(digits, number)
}

// line finds a line or a gateway by extension: of the dialled domain, else of the caller's site, or with a site's prefix.
// Trunks dial no extensions.
func (p *planner) line(d dialled) (u *directory.User, gateway *directory.Site) {
	digits := d.number()
	if digits == "" || p.caller.User == nil {
		return nil, nil
	}
	site, ok := p.dir.SiteByDomain(d.host)
	if !ok {
		site = p.caller.Site
	}
	if u, gateway = p.extension(site, digits); u != nil || gateway != nil {
		p.step("it is an extension of %s", site.Domain)
		return u, gateway
	}
	if site, ext, ok := p.dir.SiteByPrefixed(digits); ok {
		if u, gateway = p.extension(site, ext); u != nil || gateway != nil {
			p.step("it is %s, the prefix of %s, and an extension there", site.Prefix, site.Domain)
			return u, gateway
		}
	}
	return nil, nil
}

// isExtension says whether digits dialled at a site are an extension, there or with a prefix.
func (p *planner) isExtension(site *directory.Site, digits string) bool {
	u, gateway := p.extension(site, digits)
	if at, ext, ok := p.dir.SiteByPrefixed(digits); ok && u == nil && gateway == nil {
		u, gateway = p.extension(at, ext)
	}
	return u != nil || gateway != nil
}

func (p *planner) extension(site *directory.Site, ext string) (u *directory.User, gateway *directory.Site) {
	if site == nil {
		return nil, nil
	}
	if site.Gateway.Extension == ext {
		return nil, site
	}
	u, _ = p.dir.UserByExtension(site, ext)
	return u, nil
}

// number routes a call to a number of the enterprise.
func (p *planner) number(n directory.Number, spaceID directory.Secret) (Route, bool) {
	if site, ok := p.dir.SiteByGateway(n); ok {
		return p.toGateway(site, spaceID, "gateway number"), true
	}
	if u, ok := p.dir.UserByNumber(n); ok {
		p.step("%s is the number of a line", n)
		return p.toLine(u), true
	}
	if u, site, ok := p.dir.InboundByNumber(n); ok {
		p.step("%s is an inbound number of %s", n, site.Domain)
		if u == nil {
			return p.toGateway(site, spaceID, "inbound number"), true
		}
		return p.toLine(u), true
	}
	if site, ok := p.dir.SiteOfNumber(n); ok {
		return p.refuse(notFound, "the number belongs to %s but to nobody there", site.Domain), true
	}
	return Route{}, false
}

// conferenceName in a URI asks for a bridge, as the conference keys of phones do (RFC 4579 §5.4).
const conferenceName = "conference"

// named plans a call to a name: the user name of a device.
func (p *planner) named(d dialled) Route {
	if d.user == "" {
		return p.refuse(notFound, "nobody was dialled")
	}
	if p.caller.User == nil {
		return p.refuse(notFound, "a trunk may dial numbers only")
	}
	if u, ok := p.username(d.user); ok {
		return p.toLine(u)
	}
	if d.user == conferenceName {
		return p.toFeature(Route{Feature: directory.FeatureConference})
	}
	return p.refuse(notFound, "nobody has that name")
}

// username finds a line by the user name of one of its devices.
func (p *planner) username(name string) (*directory.User, bool) {
	if p.caller.User == nil {
		return nil, false
	}
	device, ok := p.dir.DeviceByUsername(name)
	if !ok {
		return nil, false
	}
	p.step("it is the user name of a device")
	return device.User, true
}

// outside plans a call to a number that is not the enterprise's; n is nil where the digits are none.
func (p *planner) outside(digits string, n *phonenumbers.PhoneNumber) Route {
	site := p.caller.Site
	r := Route{Kind: ToTrunk, HideNumber: p.hide, Why: "number outside"}
	if _, _, ok := p.dir.SiteByPrefixed(digits); ok && len(digits) <= maxShort {
		return p.refuse(notFound, "no line has that extension")
	}
	if class, ok := classifyShort(digits, site); ok {
		r.Digits, r.Class = digits, class
		p.step("it is a short number of %s", site.Country)
	} else {
		if n == nil {
			return p.refuse(notFound, "it is no number that %s can dial", site.Country)
		}
		if no, why := possible(n); why != "" {
			if len(digits) == site.ExtensionLength {
				no, why = notFound, "no line has that extension"
			}
			return p.refuse(no, "%s", why)
		}
		r.Number, r.Class = e164(n), classify(n, site)
		p.step("its E.164 form is %s", p.shown(r.Number))
	}
	if no, ok := p.charge(r.Class); !ok {
		return no
	}
	if r.Trunks = trunksTo(p.dir, site, r.Number); len(r.Trunks) == 0 {
		return p.refuse(notFound, "%s has no trunk for the number", site.Domain)
	}
	p.stepTrunks(r.Trunks)
	return p.done(r)
}

// charge holds a call to the calling plan of the line.
func (p *planner) charge(c Class) (Route, bool) {
	switch {
	case p.trusted:
		p.step("the call is %s; the target was set for the line, its calling plan is not asked", c)
	case !c.AllowedBy(p.caller.User.CallingPlan):
		no := p.refuse(notInPlan, "%s calls are not in the line's calling plan", c)
		no.Class = c
		return no, false
	default:
		p.step("the call is %s, which the calling plan has", c)
	}
	return Route{}, true
}

func (p *planner) toGateway(site *directory.Site, id directory.Secret, why string) Route {
	if site == nil {
		return p.refuse(notFound, "no such site")
	}
	if id != "" {
		p.step("the call names a space")
	}
	p.step("it is the gateway of %s", site.Domain)
	return p.done(Route{Kind: ToGateway, Site: site, SpaceID: id, Class: ClassInternal, Why: fmt.Sprintf("%s of %s", why, site.Domain)})
}

func (p *planner) toLine(u *directory.User) Route {
	p.step("it is the line of %s at %s", u.Name, u.Site.Domain)
	switch {
	case p.caller.User != nil:
		if no, ok := p.charge(ClassInternal); !ok {
			return no
		}
	case p.caller.Number == "" && u.RejectAnonymous:
		return p.refuse(anonymity, "the line takes no anonymous calls")
	}
	return p.done(Route{Kind: ToLine, User: u, Site: u.Site, Class: ClassInternal, HideNumber: p.hide, Why: "line of " + u.Site.Domain})
}
