package call

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// trunkSilence is how long a way out may answer nothing at all when there is another one: an INVITE by UDP has left four times
// by then (RFC 3261 §17.1.1.2).
const trunkSilence = 4 * time.Second

// Ways knows where trunks are. A call must wait for none of its methods.
type Ways interface {
	// Hops are the ways to a trunk in the order in which to try them now.
	Hops(t *directory.Trunk) []sip.Hop
	// Failed is told of a call that a way did not take for a reason of its own.
	Failed(t *directory.Trunk, hop sip.Hop, err error)
}

// Names knows where hosts outside are that are no trunks: of mailboxes, and of forwardings to a URI. Address is a host or an address,
// with or without a port. Find may wait for a moment, at most.
type Names interface {
	Find(ctx context.Context, transport directory.Transport, address string) ([]sip.Hop, error)
}

// hopsTo are the ways to a URI outside.
func (r *Root) hopsTo(ctx context.Context, uri string) ([]sip.Hop, error) {
	u, ok := parseTarget(uri)
	if !ok || u.Scheme == "tel" {
		return nil, noWay(errors.New("the target is no SIP URI"))
	}
	transport := directory.UDP
	if named := directory.Transport(strings.ToLower(u.Params["transport"])); named == directory.TCP || named == directory.TLS {
		transport = named
	}
	if u.Scheme == "sips" {
		transport = directory.TLS
	}
	address := addressOf(uri)
	if r.limits.Names == nil {
		if addr, numeric := numericAddr(address); numeric && transport == directory.UDP {
			return []sip.Hop{{Transport: "UDP", Addr: addr}}, nil
		}
		return nil, noWay(errors.New("the target's host is no address"))
	}
	hops, err := r.limits.Names.Find(ctx, transport, address)
	if err != nil {
		return nil, noWay(err)
	}
	return hops, nil
}

// addressOf is the host of a SIP URI, with its port if it has one.
func addressOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	rest, _, _ = strings.Cut(rest, "?")
	if _, hostport, found := strings.Cut(rest, "@"); found {
		rest = hostport
	}
	rest, _, _ = strings.Cut(rest, ";")
	if v6 := strings.TrimSuffix(rest, "]"); v6 != rest { // without a port
		return strings.TrimPrefix(v6, "[")
	}
	return rest
}

func noWay(err error) error {
	return &sip.StatusError{Code: 502, Reason: "Bad Gateway", Err: err}
}

// hopsOf are the ways to a trunk in the order in which to try them.
func (r *Root) hopsOf(t *directory.Trunk) []sip.Hop {
	if r.limits.Ways != nil {
		return r.limits.Ways.Hops(t)
	}
	var all []sip.Hop
	for _, address := range t.Addresses() {
		if addr, ok := numericAddr(address); ok {
			all = append(all, sip.Hop{Transport: strings.ToUpper(string(t.Transport)), Addr: addr, Name: t.Host()})
		}
	}
	return all
}

// trunkAttempt is the way out by one address of a trunk. elsewhere tells that there is another way to try.
func (o *onward) trunkAttempt(t *directory.Trunk, hop sip.Hop, called string, elsewhere bool) (*attempt, error) {
	shown := o.from.outside(t)
	target := hop.Target("sip:" + called + "@" + trunkHost(t, hop) + ";user=phone")
	target.LargeByTCP = t.LargeByTCP
	a := &attempt{trunk: t, called: called, out: sip.Outgoing{
		Target:      target,
		Trunk:       TrunkName(t),
		From:        shown.uri,
		Display:     shown.display,
		Headers:     append(shown.headers("calling"), o.history(t, target.URI)...),
		Credentials: TrunkCredentials(t),
		MaxForwards: o.hops,
	}}
	if elsewhere {
		a.out.Patience = trunkSilence
	}
	return a, o.prepare(a, netip.Addr{})
}

// trunkHost is the host of what a trunk is asked for: its domain if it has one, else the address that is called.
func trunkHost(t *directory.Trunk, hop sip.Hop) string {
	if _, err := netip.ParseAddr(t.Host()); err == nil && t.Domain == "" {
		return hop.Addr.String()
	}
	return hostOf(t)
}

// hostOf is a trunk's domain as URIs have it.
func hostOf(t *directory.Trunk) string {
	if a, err := netip.ParseAddr(t.Host()); err == nil && a.Is6() {
		return "[" + t.Host() + "]"
	}
	return t.Host()
}

// AccountURI is the address of record by which a trunk knows us: what we register, and what calls may be from.
func AccountURI(t *directory.Trunk) string { return "sip:" + AccountUser(t) + "@" + hostOf(t) }

// AccountUser is the account's name as the user part of a URI: some are addresses themselves (RFC 3261 §25.1).
func AccountUser(t *directory.Trunk) string {
	return strings.ReplaceAll(url.PathEscape(t.Username), "@", "%40")
}

// RegistrarURI is where we register with a trunk (RFC 3261 §10.2).
func RegistrarURI(t *directory.Trunk) string { return "sip:" + hostOf(t) }

// TrunkCredentials answer a trunk's challenges, whatever its realm.
func TrunkCredentials(t *directory.Trunk) sip.Credentials {
	return func(string) (string, string, bool) { return t.Username, t.Password.Reveal(), t.Username != "" }
}

// dialledBy is what a caller dialled: the Request-URI. A trunk that we registered with sends its calls to our Contact, so that
// the number is in P-Called-Party-ID (RFC 7315 §4.2) or To.
func dialledBy(c directory.Caller, in *sip.Invite) sip.URI {
	if c.Trunk == nil || c.Trunk.Auth != directory.AuthRegister || in.RequestURI.User != c.Trunk.Username {
		return in.RequestURI
	}
	if a, ok := in.Called(); ok {
		return a.URI
	}
	if in.To.URI.User != "" {
		return in.To.URI
	}
	return in.RequestURI
}

// ownHost is the host of our numbers in what a trunk gets: its own domain where we are a customer of it, else the site's.
func ownHost(t *directory.Trunk) string {
	if t.Auth == directory.AuthRegister || t.Domain != "" {
		return hostOf(t)
	}
	return t.Site.Domain
}
