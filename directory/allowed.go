package directory

import (
	"fmt"
	"net/netip"
	"time"
)

// AllowedSource is a range of addresses that is never blocked: neither by SIP's guard nor, as a source, at the sign-in. It
// belongs to the server and is in no export.
type AllowedSource struct {
	Range netip.Prefix `json:"range"`
	// Note says what is there, for those who read the list.
	Note string `json:"note,omitempty"`
	// By is who allowed it.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
}

const (
	// MaxAllowedSources is how many ranges may be allowed.
	MaxAllowedSources = 1000
	// MaxAllowedNote is how long a note may be, in bytes.
	MaxAllowedNote = 200

	widestIPv4 = 8
	widestIPv6 = 32
)

// ParseRange reads an address or a range (CIDR) that may be allowed; the widest are a /8 of IPv4 and a /32 of IPv6.
func ParseRange(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return p, fmt.Errorf("%q: %w", text, ErrBadRange)
		}
		addr = addr.Unmap()
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if p.Addr().Is4In6() || p.Bits() < widestIPv4 || p.Addr().Is6() && p.Bits() < widestIPv6 {
		return p, fmt.Errorf("%q: %w", text, ErrBadRange)
	}
	return p.Masked(), nil
}
