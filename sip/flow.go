package sip

import (
	"net/netip"
)

// flow is one way to reach peers: a UDP socket, or one TCP, TLS or WebSocket connection (RFC 5626 §3.2).
type flow interface {
	id() FlowID
	transport() string
	// local is where the peer reaches us by this flow.
	local(remote netip.AddrPort) netip.AddrPort
	// send sends one message; b is the flow's from now on. It never waits for the peer. from is the address of ours that
	// the peer knows, for sockets that have several.
	send(b []byte, to netip.AddrPort, from netip.Addr) error
}

// reliable reports whether the transport retransmits by itself (RFC 3261 §17).
func reliable(transport string) bool { return transport != "UDP" }

// mtu is the largest request sent by UDP without trouble to expect (RFC 3261 §18.1.1).
const mtu = 1300

// maxMessage bounds a message on the wire; it is what a UDP datagram can hold.
const maxMessage = 65535
