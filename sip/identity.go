package sip

import "net/netip"

// FlowID identifies one TCP, TLS or WebSocket connection, or one UDP listener, while the server runs (the flow of
// RFC 5626 §3.2). Zero is no flow.
type FlowID uint64

// Source says which way a message came, and so which way its answers and the requests to its sender go.
type Source struct {
	Transport string         // "UDP", "TCP", "TLS", "WS" or "WSS"
	Remote    netip.AddrPort // the address the message came from, as seen here
	Local     netip.AddrPort // the address it came to
	Flow      FlowID         // the connection or UDP socket it came on
}

// Identity is who a request was proven to come from; the zero value is a stranger.
type Identity struct {
	Username string // digest user name of a line, empty if none
	Trunk    string // name of the trusted trunk, empty if none
}
