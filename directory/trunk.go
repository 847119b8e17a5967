package directory

import (
	"cmp"
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
	// LargeByTCP sends requests above 1300 bytes by TCP where Transport is UDP (RFC 3261 §18.1.1).
	LargeByTCP bool `yaml:"large_by_tcp" json:"large_by_tcp,omitempty"`
	// Domain is the trunk's SIP domain where it is not the host of Address, see Host.
	Domain   string    `yaml:"domain" json:"domain,omitempty"`
	Auth     TrunkAuth `yaml:"auth" json:"auth,omitempty"`
	Username string    `yaml:"username" json:"username,omitempty"`
	Password Secret    `yaml:"password" json:"password,omitempty"`
	// RegisterSeconds is how long the registrations that AuthRegister makes are to live.
	RegisterSeconds int `yaml:"register_seconds" json:"register_seconds,omitempty"`
	// ProbeSeconds is how often each address is asked whether it answers, by OPTIONS; NoProbe asks never.
	ProbeSeconds int  `yaml:"probe_seconds" json:"probe_seconds,omitempty"`
	NoProbe      bool `yaml:"no_probe" json:"no_probe,omitempty"`
	// BackupAddresses are tried in their order where Address does not answer, and are trusted as it is.
	BackupAddresses []string `yaml:"backup_addresses" json:"backup_addresses,omitempty"`
	// Prefixes, if any, are the beginnings of the numbers that go out by this trunk.
	Prefixes []string `yaml:"prefixes" json:"prefixes,omitempty"`
	// Presentation is how the trunk wants numbers written.
	Presentation Presentation `yaml:"presentation" json:"presentation,omitempty"`
	// CallerID says whose number calls by the trunk show.
	CallerID CallerIDRule `yaml:"caller_id" json:"caller_id,omitempty"`
	// From says who is in the From header of calls by the trunk.
	From FromRule `yaml:"from" json:"from,omitempty"`
	// Channels is how many calls, in and out, the trunk carries at once; zero means no limit.
	Channels int `yaml:"channels" json:"channels,omitempty"`
	// Shared lets sites call out by the trunk that have none of their own for a number.
	Shared bool `yaml:"shared" json:"shared,omitempty"`
	// Emergency puts the trunk before the site's others for emergency calls.
	Emergency bool `yaml:"emergency" json:"emergency,omitempty"`
}

// Defaults of trunks.
const (
	DefaultRegisterSeconds = 600
	DefaultProbeSeconds    = 30
)

// NewTrunk gives a trunk with every default in place.
func NewTrunk() *Trunk {
	t := &Trunk{}
	t.fill()
	return t
}

// fill puts defaults where the trunk says nothing.
func (t *Trunk) fill() {
	t.Transport, t.Auth = cmp.Or(t.Transport, UDP), cmp.Or(t.Auth, AuthIP)
	t.Presentation, t.CallerID = cmp.Or(t.Presentation, PresentE164), cmp.Or(t.CallerID, CallerIDUser)
	t.From = cmp.Or(t.From, FromNumber)
	t.RegisterSeconds = cmp.Or(t.RegisterSeconds, DefaultRegisterSeconds)
	t.ProbeSeconds = cmp.Or(t.ProbeSeconds, DefaultProbeSeconds)
}

// Host is the trunk's SIP domain: in the URIs of calls and registrations, and the name that its certificates must be for.
func (t *Trunk) Host() string {
	if t.Domain != "" {
		return t.Domain
	}
	host, _, _ := SplitAddress(t.Address)
	return host
}

// Addresses gives the address and, behind it, the backups.
func (t *Trunk) Addresses() []string { return append([]string{t.Address}, t.BackupAddresses...) }

// String names the trunk in logs, see User.String.
func (t *Trunk) String() string { return t.Name }

// HostPort parts the address; port 0 means that none was given.
func (t *Trunk) HostPort() (host string, port uint16, err error) { return SplitAddress(t.Address) }

// SplitAddress parts one of a trunk's addresses; port 0 means that none was given.
func SplitAddress(address string) (host string, port uint16, err error) {
	if a, err := netip.ParseAddr(address); err == nil { // a bare IPv6 address has colons too
		return a.Unmap().WithZone("").String(), 0, nil
	}
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		host, p = address, "0"
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || (n == 0 && host != address) {
		return "", 0, fmt.Errorf("%q has no port between 1 and 65535 after the colon", address)
	}
	if !isHost(host) {
		return "", 0, fmt.Errorf("%q is neither an IP address nor a host name, with or without a port", address)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().WithZone("").String()
	}
	return host, uint16(n), nil
}

// addrPorts are the addresses of a trunk that is trusted by its source, those that are no host names.
func (t *Trunk) addrPorts() []netip.AddrPort {
	var all []netip.AddrPort
	for _, address := range t.Addresses() {
		host, port, err := SplitAddress(address)
		if err != nil {
			continue
		}
		if a, err := netip.ParseAddr(host); err == nil {
			all = append(all, netip.AddrPortFrom(a, port))
		}
	}
	return all
}
