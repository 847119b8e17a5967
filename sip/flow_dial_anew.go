package sip

import (
	"net/netip"
	"strings"
)

// anew is the way to a trunk whose own connection is gone: one of ours to where its requests want to go, so that no BYE is
// lost (RFC 3261 §18.1.1, RFC 5923 §4). A phone cannot be connected to; nil means that there is no way.
func (l *Leg) anew() *wire {
	transport := l.peer.Transport
	if l.invite.Identity.Trunk == "" || transport != "TCP" && transport != "TLS" {
		return nil
	}
	next := &l.target
	if len(l.routes) > 0 {
		next = &l.routes[0]
	}
	hop := Hop{Transport: transport}
	if to, ok := numeric(next); ok && (!isInside(to.Addr()) || isInside(l.peer.Remote.Addr())) {
		hop.Addr = to
	} else { // a name, which is not looked up here: it is that of the peer
		hop.Addr = netip.AddrPortFrom(l.peer.Remote.Addr(), uint16(max(0, min(next.Port, 65535))))
		hop.Name = strings.Trim(next.Host, "[]")
	}
	if next.Port <= 0 {
		port := uint16(5060)
		if transport == "TLS" {
			port = 5061
		}
		hop.Addr = netip.AddrPortFrom(hop.Addr.Addr(), port)
	}
	return &wire{s: l.s, flow: l.s.out.to(l.s, hop), to: hop.Addr}
}
