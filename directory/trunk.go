package directory

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Trunk is a carrier, or another exchange, of a site.
type Trunk struct {
	Site *Site  `yaml:"-" json:"-"`
	Name string `yaml:"name" json:"name"`
	// Address is an IP address or a host name, with or without a port. An address with a port
	// trusts that port only, one without trusts every port of the address.
	Address   string    `yaml:"address" json:"address"`
	Transport Transport `yaml:"transport" json:"transport,omitempty"`
	Auth      TrunkAuth `yaml:"auth" json:"auth,omitempty"`
	Username  string    `yaml:"username" json:"username,omitempty"`
	Password  Secret    `yaml:"password" json:"password,omitempty"`
	// Prefixes, if any, are the beginnings of the numbers that go out by this trunk.
	Prefixes []string `yaml:"prefixes" json:"prefixes,omitempty"`
}

// NewTrunk gives a trunk with every default in place.
func NewTrunk() *Trunk { return &Trunk{Transport: UDP, Auth: AuthIP} }

// String names the trunk in logs, see User.String.
func (t *Trunk) String() string { return t.Name }

// HostPort parts the address; port 0 means that none was given.
func (t *Trunk) HostPort() (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(t.Address); err == nil { // a bare IPv6 address has colons too
		return a.Unmap().WithZone("").String(), 0, nil
	}
	host, p, err := net.SplitHostPort(t.Address)
	if err != nil {
		host, p = t.Address, "0"
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || (n == 0 && host != t.Address) {
		return "", 0, fmt.Errorf("%q has no port between 1 and 65535 after the colon", t.Address)
	}
	if !isHost(host) {
		return "", 0, fmt.Errorf("%q is neither an IP address nor a host name, with or without a port", t.Address)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().WithZone("").String()
	}
	return host, uint16(n), nil
}

// addrPort is the address of a trunk that is trusted by its source; ok is false for host names.
func (t *Trunk) addrPort() (ap netip.AddrPort, ok bool) {
	host, port, err := t.HostPort()
	if err != nil {
		return ap, false
	}
	a, err := netip.ParseAddr(host)
	return netip.AddrPortFrom(a, port), err == nil
}
