package call

import (
	"slices"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// Emergency says whether a call is for help, and its route. It is decided before every other rule and needs nothing but a
// phone: no calling plan, no limit, no drain and no guest's absence may stand before it.
func Emergency(dir *directory.Directory, caller directory.Caller, uri sip.URI) (Route, bool) {
	p := newPlanner(dir, caller)
	return p.emergency(parseDialled(uri))
}

// emergency routes a call for help: by the trunks of the site where the phone stands, with a number that reaches that phone,
// whoever is signed in on it.
func (p *planner) emergency(d dialled) (Route, bool) {
	if p.caller.Device == nil { // only a phone calls for help: no trunk, no forwarding, no bridge that dials out
		return Route{}, false
	}
	owner := p.caller.Device.User
	site := owner.Site
	digits, ok := p.helpNumber(d, site)
	if !ok {
		return Route{}, false
	}
	p.step("%s is an emergency number: no limit applies", digits)
	if owner != p.caller.User {
		p.step("the phone is %s of %s; its place and number count, not those of the guest", p.caller.Device, owner.Name)
	}
	callback := owner.Number
	if callback == "" {
		callback = site.PublicNumber()
	}
	r := Route{
		Kind: ToEmergency, Site: site, Digits: digits, Callback: callback, Trunks: trunksForHelp(p.dir, site),
		Class: ClassEmergency, Why: "emergency number of " + site.Domain,
	}
	p.step("location is site %s, call-back number %s", site.Domain, orNone(string(callback)))
	if len(r.Trunks) == 0 {
		return p.refuse(noHelp, "no trunk takes emergency calls of %s", site.Domain), true
	}
	p.stepTrunks(r.Trunks)
	return p.done(r), true
}

// The numbers that people try everywhere.
const (
	helpEurope  = "112" // and every GSM network
	helpAmerica = "911"
)

// helpNumber says whether a call for help is meant, and which number of the site to call. Codes that hide or show the
// caller's number do not matter, visual separators neither. What visitors from elsewhere dial reaches help as well.
func (p *planner) helpNumber(d dialled, site *directory.Site) (string, bool) {
	if strings.HasPrefix(d.user, "service:sos") && d.scheme == "urn" { // RFC 5031 §4.2
		return helpOf(site, ""), true
	}
	digits := d.number()
	if digits == "" {
		digits = dialled{user: p.withoutPrivacyCode(d.user)}.number()
	}
	if digits == "" {
		return "", false
	}
	if site.IsEmergency(digits) {
		return digits, true
	}
	if digits = strings.TrimPrefix(digits, "+"); site.IsEmergency(digits) { // an address book has put a + before it
		return digits, true
	}
	if digits == helpEurope || digits == helpAmerica {
		return helpOf(site, digits), !p.isExtension(site, digits)
	}
	return "", false
}

// helpOf is the number of a site that answers every kind of emergency: what was dialled if the country knows it, else its
// 112 or 911, else the first of its list.
func helpOf(site *directory.Site, digits string) string {
	own, country := site.EmergencyNumbers(), directory.EmergencyNumbers(site.Country)
	if digits != "" && slices.Contains(country, digits) {
		return digits
	}
	for _, general := range []string{helpEurope, helpAmerica} {
		if slices.Contains(own, general) || slices.Contains(country, general) {
			return general
		}
	}
	return own[0]
}
