package call

import (
	"cmp"

	"passerelle/directory"
	"passerelle/sip"
)

// callerID is who calls, as called sides may see it. What the caller's phone wrote into its headers counts for nothing.
type callerID struct {
	user    *directory.User // nil for a call from a trunk
	number  string          // E.164, extension, or as a trunk asserts it; empty when a trunk's caller withholds it
	display string
	domain  string
	uri     string // of From towards the inside
	hidden  bool   // the number is withheld (RFC 3323)
	help    bool   // a call for help: the number is the one that reaches the phone, whatever the trunk's rule
	space   bool   // a space calls: the number is the gateway's, whatever the trunk's rule
}

// anonymous is the caller who withholds its number (RFC 3323 §4.1.1.3).
const (
	anonymousURI  = "sip:anonymous@anonymous.invalid"
	anonymousName = "Anonymous"
)

// identity says who calls. Whoever asks to stay unknown does, a phone as well as somebody outside.
func identity(c directory.Caller, leg *sip.Leg, hide bool) callerID {
	in := leg.Invite()
	display := in.From.Display
	if a, ok := in.Asserted(); ok && c.Trunk != nil && a.Display != "" {
		display = a.Display
	}
	return identityOf(c, display, hide || in.Private())
}

// identityOf is who a caller is; display is what a caller from outside calls itself.
func identityOf(c directory.Caller, display string, hide bool) callerID {
	id := callerID{user: c.User, number: c.Number, display: display}
	if c.Site != nil {
		id.domain = c.Site.Domain
	}
	if c.User != nil {
		id.display = c.User.Name
		id.hidden = hide
	} else {
		id.hidden = hide || c.Number == ""
	}
	id.uri = "sip:" + id.number + "@" + id.domain
	if id.hidden {
		id.uri, id.display = anonymousURI, anonymousName
	}
	return id
}

// forHelp is the caller as emergency services see it: never withheld, and reached by callback if there is such a number.
func (id callerID) forHelp(callback directory.Number) callerID {
	id.hidden, id.help = false, true
	if callback != "" {
		id.number = string(callback)
	}
	id.uri = "sip:" + id.number + "@" + id.domain
	if id.user != nil {
		id.display = id.user.Name
	}
	return id
}

// inside is the caller as a phone of ours sees it: asserted when the number may be seen (RFC 3325 §9.1).
func (id callerID) inside() shown {
	return shown{uri: id.uri, display: id.display, asserted: !id.hidden}
}

// shown is a caller as one called side sees it.
type shown struct {
	uri, display string
	asserted     bool
	private      string // URI asserted under Privacy: id, to a trusted trunk only
	number       string // URI asserted in the place of uri, where From must say another; empty means uri
}

// outside is the caller as a trunk sees it: the line's number or the site's, written as the trunk wants it. A withheld number
// is asserted under Privacy: id, since the carrier must know who pays (RFC 3325 §7).
func (id callerID) outside(t *directory.Trunk) shown {
	number := directory.Number(id.number)
	if !id.help && !id.space && (t.CallerID == directory.CallerIDSite || id.user != nil && id.user.Number == "") {
		number = t.Site.PublicNumber()
	}
	if number == "" { // an anonymous caller of another trunk is forwarded on our account
		if number = t.Site.PublicNumber(); number == "" {
			return shown{uri: anonymousURI, display: anonymousName}
		}
	}
	uri := "sip:" + Written(number, t) + "@" + ownHost(t) + ";user=phone"
	switch {
	case id.hidden:
		return shown{uri: anonymousURI, display: anonymousName, private: uri}
	case t.From == directory.FromAccount:
		return shown{uri: AccountURI(t), display: id.display, asserted: true, number: uri}
	}
	return shown{uri: uri, display: id.display, asserted: true}
}

// headers are the identity headers of a message; party is "calling" or "called". Remote-Party-ID is for those who know nothing
// else; it has no standard.
func (s shown) headers(party string) []sip.Header {
	asserted := func(display, uri, privacy string) []sip.Header {
		return []sip.Header{
			{Name: "P-Asserted-Identity", Value: sip.NameAddr(display, uri)},
			{Name: "Remote-Party-ID", Value: sip.NameAddr(display, uri) + ";party=" + party + ";screen=yes;privacy=" + privacy},
		}
	}
	switch {
	case s.private != "":
		return append(asserted("", s.private, "full"), sip.Header{Name: "Privacy", Value: "id"})
	case s.asserted:
		return asserted(s.display, cmp.Or(s.number, s.uri), "off")
	}
	return []sip.Header{{Name: "Privacy", Value: "id"}}
}
