package call

import (
	"context"
	"errors"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// maxRedirects is to how many places phones may send one call, however many they name.
const maxRedirects = 10

// redirected takes a call where a phone of a line sends it (RFC 3261 §21.3): to one place after the other, the most wanted first, until
// somebody answers or declines for all (§8.1.3.4). No place is tried twice in a call. The call onwards is the line's own. When no place
// takes the call, the best of their failures is the call's; when none could be tried, it is failure, which is no 3xx to the caller: it
// would go elsewhere by itself.
func (o *onward) redirected(ctx context.Context, u *directory.User, places []string, failure error) (*forkEvent, error) {
	before := len(o.diverted)
	var best error
	for _, place := range places {
		if o.places[place] || len(o.places) >= maxRedirects || before+o.came.forwardings() >= maxDiversions {
			continue
		}
		if o.places == nil {
			o.places = make(map[string]bool)
		}
		o.places[place] = true
		route := Reach(o.root.dir.Current(), u, o.root.byDomain(place, u))
		o.log.InfoContext(ctx, "call forwarded by a phone", "line", u.Line(), "route", route.Kind.String(), "places", len(places))
		if route.Kind == Refused {
			o.root.barred(ctx, u, route)
			continue
		}
		o.diverted = append(o.diverted[:before:before], diversion{u, ForwardAlways})
		won, err := o.findFor(ctx, route, u)
		if err == nil {
			return won, nil
		}
		if _, gateway := errors.AsType[*atGateway](err); gateway || ctx.Err() != nil {
			return nil, err
		}
		if code, _ := sip.StatusOf(err); code >= 600 {
			return nil, err
		}
		best = better(best, err)
	}
	if best == nil {
		best = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: failure}
	}
	return nil, best
}

// contactsOf is where a 3xx wants the call to go, the most wanted first; false for other failures.
func contactsOf(err error) ([]string, bool) {
	if s, ok := errors.AsType[*sip.StatusError](err); ok && s.Code >= 300 && s.Code < 400 {
		return s.Contacts, true
	}
	return nil, false
}

// byDomain names the line's site in a URI that a phone of the line has sent with our address, since it knows us by nothing else.
func (r *Root) byDomain(uri string, u *directory.User) string {
	addr, ok := numericAddr(addressOf(uri))
	user, _, named := strings.Cut(uri, "@")
	if !ok || !named {
		return uri
	}
	for _, b := range r.ringing(r.dir.Current(), u, false) {
		if b.Source.Local.Addr().Unmap() == addr.Addr().Unmap() {
			return user + "@" + u.Site.Domain
		}
	}
	return uri
}
