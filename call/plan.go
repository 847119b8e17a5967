package call

import (
	"fmt"

	"github.com/nyaruka/phonenumbers"

	"passerelle/directory"
	"passerelle/sip"
)

// Route is what the plan says of one call.
type Route struct {
	Kind RouteKind
	Site *directory.Site // of the gateway
	// SpaceID is the space named by the request, empty when the attendant must ask.
	SpaceID directory.Secret
	// Why says in a few words how the plan came to it, for the log; it holds no space ID.
	Why string
}

// RouteKind is where a call goes.
type RouteKind uint8

const (
	// Refused calls are answered 404.
	Refused RouteKind = iota
	// ToGateway calls go to a site's gateway.
	ToGateway RouteKind = iota
)

// String names the kind for logs.
func (k RouteKind) String() string {
	if k == ToGateway {
		return "gateway"
	}
	return "refused"
}

// Plan says where a call from a caller to a URI goes. It depends on nothing but its arguments.
func Plan(dir *directory.Directory, caller directory.Caller, uri sip.URI) Route {
	d := parseDialled(uri)
	if d.user == "" && d.spaceID != "" {
		site, ok := dir.SiteByDomain(d.host)
		if !ok {
			site = caller.Site
		}
		return toGateway(site, d.spaceID, "space URI")
	}
	digits := d.number()
	if digits == "" {
		return Route{Why: "no number was dialled"}
	}
	if site := extensionSite(dir, caller, d.host); site != nil && digits == site.Gateway.Extension {
		return toGateway(site, d.spaceID, "gateway extension")
	}
	for _, n := range readings(digits, caller) {
		if site, ok := dir.SiteByGateway(n); ok {
			return toGateway(site, d.spaceID, "gateway number")
		}
	}
	return Route{Why: "nobody has that number"}
}

func toGateway(site *directory.Site, id directory.Secret, why string) Route {
	if site == nil {
		return Route{Why: "no such site"}
	}
	return Route{Kind: ToGateway, Site: site, SpaceID: id, Why: fmt.Sprintf("%s of %s", why, site.Domain)}
}

// extensionSite is the site whose extensions the caller dials: the one of the domain, else its own. Trunks dial none.
func extensionSite(dir *directory.Directory, caller directory.Caller, host string) *directory.Site {
	if caller.User == nil {
		return nil
	}
	if site, ok := dir.SiteByDomain(host); ok {
		return site
	}
	return caller.Site
}

// readings are the E.164 numbers that dialled digits may mean: as they are, in the national or international form of the
// caller's country, and, from a trunk, without the plus sign.
func readings(digits string, caller directory.Caller) []directory.Number {
	if digits[0] == '+' {
		return []directory.Number{directory.Number(digits)}
	}
	var all []directory.Number
	if caller.Trunk != nil {
		all = append(all, directory.Number("+"+digits))
	}
	if caller.Site != nil {
		if n, err := phonenumbers.Parse(digits, caller.Site.Country); err == nil {
			all = append(all, directory.Number(phonenumbers.Format(n, phonenumbers.E164)))
		}
	}
	return all
}
