package memnet

import (
	"net/netip"
	"testing"
)

func TestNATKinds(t *testing.T) {
	tests := []struct {
		kind                              NATKind
		known, knownHost, stranger, fixed bool // who may answer; whether the mapping is one for all destinations
	}{
		{FullCone, true, true, true, true},
		{AddressRestricted, true, true, false, true},
		{PortRestricted, true, false, false, true},
		{Symmetric, true, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String(), func(t *testing.T) {
			n := New()
			nat := NewNAT(n, tt.kind, netip.MustParsePrefix("192.168.1.0/24"), netip.MustParseAddr("203.0.113.1"))
			phone := listen(t, n, "192.168.1.10:5060")
			server, other := listen(t, n, "198.51.100.1:5060"), listen(t, n, "198.51.100.1:7000")
			stranger := listen(t, n, "198.51.100.2:5060")
			if phone.LocalAddrPort().Port() == 20000 {
				t.Fatal("the mapping must differ from the port inside")
			}

			write(t, phone, server.LocalAddrPort(), "out")
			mapped := addr("203.0.113.1:20000")
			want(t, server, "out", mapped)

			check := func(c *PacketConn, let bool) {
				t.Helper()
				write(t, c, mapped, "in")
				if let {
					want(t, phone, "in", c.LocalAddrPort())
				} else {
					wantNothing(t, phone)
				}
			}
			check(server, tt.known)
			check(other, tt.knownHost)
			check(stranger, tt.stranger)

			write(t, stranger, phone.LocalAddrPort(), "to the inside address")
			wantNothing(t, phone)

			write(t, phone, other.LocalAddrPort(), "out")
			if tt.fixed {
				want(t, other, "out", mapped)
			} else {
				want(t, other, "out", addr("203.0.113.1:20001"))
			}

			nat.Forget()
			check(server, false)
		})
	}
}

func TestNATHairpinAndNeighbours(t *testing.T) {
	n := New()
	NewNAT(n, FullCone, netip.MustParsePrefix("192.168.1.0/24"), netip.MustParseAddr("203.0.113.1"))
	a, b := listen(t, n, "192.168.1.10:5060"), listen(t, n, "192.168.1.11:5060")
	server := listen(t, n, "198.51.100.1:5060")
	write(t, a, server.LocalAddrPort(), "a")
	want(t, server, "a", addr("203.0.113.1:20000"))
	write(t, b, server.LocalAddrPort(), "b")
	want(t, server, "b", addr("203.0.113.1:20001"))
	write(t, a, b.LocalAddrPort(), "inside")
	want(t, b, "inside", a.LocalAddrPort())
	write(t, a, addr("203.0.113.1:20001"), "hairpin")
	want(t, b, "hairpin", addr("203.0.113.1:20000"))
	write(t, a, addr("203.0.113.1:20777"), "no such mapping")
	wantNothing(t, b)
}
