package sip

import "net/netip"

// Guard screens datagrams by source before they are parsed.
type Guard struct{}

// Admit reports whether a datagram is to be looked at.
func (g *Guard) Admit(src netip.AddrPort, datagram []byte) bool { return true }
