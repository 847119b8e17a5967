package sip

import (
	"net/netip"
	"strconv"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// markVia writes into the top Via where the request came from: received when the sender gave another host, or asked with
// rport, and then the port (RFC 3261 §18.2.1, RFC 3581 §4).
func markVia(req *sipmsg.Request, src Source) {
	via := req.Via()
	rport, asked := via.Params.Get("rport")
	host, known := sentBy(via)
	if asked && rport == "" {
		via.Params.Add("rport", strconv.Itoa(int(src.Remote.Port())))
	}
	if asked || !known || host != src.Remote.Addr() {
		via.Params.Add("received", src.Remote.Addr().WithZone("").String())
	}
}

// responseTo returns where the answers of a request that came by UDP go: to the port it came from when it asked so with
// rport, else to the port it names (RFC 3581 §4, RFC 3261 §18.2.2). A sender that names a private address which is not
// the one its request came from is behind a NAT and hears nothing on the port it names; it is treated as if it had asked.
func responseTo(req *sipmsg.Request, src Source) netip.AddrPort {
	return viaDestination(req.Via(), src)
}

func viaDestination(via *sipmsg.ViaHeader, src Source) netip.AddrPort {
	if via.Params.Has("rport") {
		return src.Remote
	}
	host, known := sentBy(via)
	if known && host != src.Remote.Addr() && isInside(host) && !isInside(src.Remote.Addr()) {
		return src.Remote
	}
	port := via.Port
	if port <= 0 || port > 65535 {
		port = 5060
	}
	return netip.AddrPortFrom(src.Remote.Addr(), uint16(port))
}

// sentBy returns the host of a Via when it is an address.
func sentBy(via *sipmsg.ViaHeader) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(via.Host, "[]"))
	return a.Unmap(), err == nil
}

// isInside reports whether an address means something only inside some network.
func isInside(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || sharedSpace.Contains(a)
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
