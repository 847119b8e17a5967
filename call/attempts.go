package call

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/sip"
)

// Phones tells where lines are registered; sip.Registrar satisfies it.
type Phones interface {
	Bindings(aor sip.AOR) []sip.Binding
	Demote(key sip.BindingKey)
}

// How long a phone may answer nothing at all, not even 100: by UDP an INVITE has left five times by then, or, to a phone that did not
// answer the last time either, three times (RFC 3261 §17.1.1.2).
const (
	phoneSilence = 8 * time.Second
	goneSilence  = 2 * time.Second
)

// lineAOR is the AOR under which all devices of a line register.
func lineAOR(u *directory.User) sip.AOR { return sip.NewAOR(u.Line(), u.Site.Domain) }

// lineAttempts are the places where a line rings: each phone once. An instance that registered over several flows is one
// phone, whose first binding is its best (RFC 5626 §7).
func (o *onward) lineAttempts(u *directory.User) ([]*attempt, error) {
	var all []*attempt
	seen := make(map[string]bool)
	for _, b := range o.root.ringing(o.root.dir.Current(), u, o.caller.Trunk != nil) {
		if b.Instance != "" && seen[b.Instance] {
			continue
		}
		seen[b.Instance] = true
		secure := media.NoSRTP
		if securable(b.Source) {
			secure = media.PreferSRTP
		}
		a, err := o.phoneAttempt(u, &b, secure)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// phoneAttempt rings one phone of a line.
func (o *onward) phoneAttempt(u *directory.User, b *sip.Binding, secure media.SRTPPolicy) (*attempt, error) {
	a := &attempt{binding: b, user: u, secure: secure, out: sip.Outgoing{
		Target:      b.Target(),
		From:        o.from.uri,
		Display:     o.from.display,
		To:          lineAOR(u).URI(),
		Headers:     append(o.from.inside().headers("calling"), o.history(nil, lineAOR(u).URI())...),
		MaxForwards: o.hops,
		Patience:    phoneSilence,
	}}
	if b.Demoted {
		a.out.Patience = goneSilence
	}
	dir := o.root.dir.Current()
	if dev, ok := dir.DeviceByUsername(b.Username); ok {
		a.host = o.root.hostLine(dir, u, dev)
	}
	return a, o.prepare(a, b.Source.Local.Addr())
}

// uriAttempt is one way to a URI outside. elsewhere tells that there is another way to try.
func (o *onward) uriAttempt(uri string, hop sip.Hop, elsewhere bool) (*attempt, error) {
	a := &attempt{out: sip.Outgoing{
		Target:      hop.Target(uri),
		From:        o.from.uri,
		Display:     o.from.display,
		Headers:     append(o.from.inside().headers("calling"), o.history(nil, uri)...),
		MaxForwards: o.hops,
	}}
	if elsewhere {
		a.out.Patience = trunkSilence
	}
	return a, o.prepare(a, netip.Addr{})
}

// prepare gives an attempt its media and its offer: the caller's, or one of our own when the caller has made none yet.
func (o *onward) prepare(a *attempt, local netip.Addr) error {
	var err error
	if a.late = o.late(a); a.late && a.secure != media.NoSRTP {
		a.secure = media.OptionalSRTP // the offer is the phone's
	}
	if a.media, err = o.newSide(local, a.secure); err != nil {
		return mediaStatus(err)
	}
	o.sides = append(o.sides, a.media)
	a.out.Urgent = o.urgent
	a.out.Reliable = o.leg != nil && o.leg.Invite().Supports("100rel")
	if a.late {
		a.out.Reliable = false // an offer in a provisional answer would wait for the caller's
		return nil
	}
	from := o.media
	if !o.offered {
		from = nil
	}
	a.out.Focus = o.space != nil
	a.out.Offer, err = a.media.Offer(from)
	return mediaStatus(err)
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
