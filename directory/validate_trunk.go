package directory

import (
	"fmt"
	"net/netip"
	"strings"
)

// trunk checks a trunk.
func (v *validator) trunk(t *Trunk, path string) {
	p := v.at(t, path)
	if p.need("name", t.Name) {
		p.length("name", t.Name, maxName)
		p.unique("name", "trunk name", t.Name)
	}
	if p.need("address", t.Address) {
		v.trunkAddress(t, p, "address", t.Address)
	}
	for i, address := range t.BackupAddresses {
		v.trunkAddress(t, p, fmt.Sprintf("backup_addresses[%d]", i), address)
	}
	p.within("channels", t.Channels, 0, 100_000)
	if t.Presentation != PresentE164 && t.Presentation != PresentNational {
		p.fault("presentation", "%q is not one of e164, national", t.Presentation)
	}
	if t.CallerID != CallerIDUser && t.CallerID != CallerIDSite {
		p.fault("caller_id", "%q is not one of user, site", t.CallerID)
	}
	if t.From != FromNumber && t.From != FromAccount {
		p.fault("from", "%q is not one of number, account", t.From)
	}
	if t.From == FromAccount && t.Username == "" {
		p.fault("from", "account needs a username")
	}
	p.within("register_seconds", t.RegisterSeconds, 60, 86_400)
	p.within("probe_seconds", t.ProbeSeconds, 5, 3600)
	if t.Domain != "" && !isHost(t.Domain) {
		p.fault("domain", "%q is neither a domain name nor an IP address", t.Domain)
	}
	if t.LargeByTCP && t.Transport != UDP {
		p.fault("large_by_tcp", "all goes by %s", t.Transport)
	}
	switch t.Transport {
	case UDP, TCP, TLS:
	default:
		p.fault("transport", "%q is not one of udp, tcp, tls", t.Transport)
	}
	switch t.Auth {
	case AuthIP:
	case AuthRegister, AuthDigest:
		p.need("username", t.Username)
		p.need("password", t.Password.Reveal())
	default:
		p.fault("auth", "%q is not one of ip, register, digest", t.Auth)
	}
	p.unique("username", "user name", t.Username)
	for i, prefix := range t.Prefixes {
		digits, plus := strings.CutPrefix(prefix, "+")
		if !plus || !isDigits(digits) || digits[0] == '0' || len(digits) > 15 {
			p.fault(fmt.Sprintf("prefixes[%d]", i), "%q is not the beginning of an E.164 number", prefix)
		}
	}
}

// trunkAddress checks an address by itself and against the other trunks.
func (v *validator) trunkAddress(t *Trunk, p place, field, address string) {
	host, port, err := SplitAddress(address)
	if err != nil {
		p.fault(field, "%v", err)
		return
	}
	if _, err := netip.ParseAddr(host); err != nil && t.Auth == AuthIP {
		p.fault(field, "%q is a host name; auth: ip needs an IP address to trust", host)
		return
	}
	if t.Auth == AuthIP { // two trunks that prove themselves by one source could not be told apart
		p.unique(field, "trunk address", fmt.Sprintf("%s %d", strings.ToLower(host), port))
	}
}
