package call

import (
	"net"
	"net/netip"
	"strconv"

	"passerelle/directory"
	"passerelle/sip"
)

// Phones tells where lines are registered; sip.Registrar satisfies it.
type Phones interface {
	Bindings(aor sip.AOR) []sip.Binding
	Demote(key sip.BindingKey)
}

// lineAOR is the AOR under which all devices of a line register.
func lineAOR(u *directory.User) sip.AOR { return sip.NewAOR(u.Line(), u.Site.Domain) }

// lineAttempts are the places where a line rings: each phone once. An instance that registered over several flows is one
// phone, whose first binding is its best (RFC 5626 §7).
func (o *onward) lineAttempts(u *directory.User) []*attempt {
	var all []*attempt
	seen := make(map[string]bool)
	for _, b := range o.root.phones.Bindings(lineAOR(u)) {
		if b.Instance != "" && seen[b.Instance] {
			continue
		}
		seen[b.Instance] = true
		all = append(all, &attempt{binding: &b, out: sip.Outgoing{
			Target:  b.Target(),
			From:    o.from.uri,
			Display: o.from.display,
			To:      lineAOR(u).URI(),
			Offer:   o.offer,
			Headers: o.from.inside(o.diverted),
		}})
	}
	return all
}

// trunkAttempts are the ways out by one trunk, its addresses in their order.
func (o *onward) trunkAttempts(t *directory.Trunk, called string) []*attempt {
	var all []*attempt
	for _, address := range t.Addresses() {
		addr, ok := numericAddr(address)
		if !ok {
			continue // a name: not resolved on the road of a call
		}
		shown := o.from.outside(t)
		all = append(all, &attempt{out: sip.Outgoing{
			Target:      sip.TrunkTarget("sip:"+called+"@"+addr.String()+";user=phone", addr),
			Trunk:       TrunkName(t),
			Offer:       o.offer,
			From:        shown.uri,
			Display:     shown.display,
			Headers:     shown.headers(o.diverted),
			Credentials: trunkCredentials(t),
		}})
	}
	return all
}

// trunkCredentials answers a trunk's challenges, whatever its realm.
func trunkCredentials(t *directory.Trunk) func(string) (string, string, bool) {
	return func(string) (string, string, bool) { return t.Username, t.Password.Reveal(), t.Username != "" }
}

// numericAddr reads an address with or without a port.
func numericAddr(s string) (netip.AddrPort, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 5060), true
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddr(host)
	n, portErr := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a, uint16(n)), err == nil && portErr == nil
}
