package directory

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"strings"
)

// SiteByDomain finds a site by its SIP domain, whatever the case.
func (d *Directory) SiteByDomain(domain string) (*Site, bool) {
	s, ok := d.sites[strings.ToLower(domain)]
	return s, ok
}

// SiteByGateway finds the site whose gateway has that number.
func (d *Directory) SiteByGateway(n Number) (*Site, bool) {
	s, ok := d.gateways[n]
	return s, ok
}

// SiteOfNumber finds the site that a number belongs to: one of its own or one of its users'.
func (d *Directory) SiteOfNumber(n Number) (*Site, bool) {
	s, ok := d.numbers[n]
	return s, ok
}

// DeviceByUsername finds the device with that digest user name.
func (d *Directory) DeviceByUsername(username string) (*Device, bool) {
	dev, ok := d.devices[username]
	return dev, ok
}

// DeviceByMAC finds the phone with that hardware address.
func (d *Directory) DeviceByMAC(mac MAC) (*Device, bool) {
	dev, ok := d.macs[mac]
	return dev, ok
}

// UserByNumber finds the user or workspace with that number.
func (d *Directory) UserByNumber(n Number) (*User, bool) {
	u, ok := d.users[n]
	return u, ok
}

// UserByRef finds the user or workspace with our own number ref, which stays the same from snapshot to snapshot.
func (d *Directory) UserByRef(ref uint64) (*User, bool) {
	u, ok := d.refs[ref]
	return u, ok
}

// UserByExtension finds the user or workspace with that extension at the site.
func (d *Directory) UserByExtension(s *Site, ext string) (*User, bool) {
	u, ok := d.extensions[s][ext]
	return u, ok
}

// UserByEmail finds the user who signs in to the portal with that address, whatever the case.
func (d *Directory) UserByEmail(email string) (*User, bool) {
	u, ok := d.emails[strings.ToLower(email)]
	return u, ok
}

// UserByMailbox finds the line that an external mailbox means by the user and host of a SIP URI: one whose Mailbox is the
// user part, or both.
func (d *Directory) UserByMailbox(user, host string) (*User, bool) {
	user = strings.ToLower(user)
	if u, ok := d.mailboxes[user+"@"+strings.ToLower(host)]; ok {
		return u, true
	}
	u, ok := d.mailboxes[user]
	return u, ok
}

// LineAt finds the line that somebody at the site means by an extension of the site or a number in E.164 form.
func (d *Directory) LineAt(s *Site, line string) (*User, bool) {
	if u, ok := d.extensions[s][line]; ok {
		return u, true
	}
	u, ok := d.users[Number(line)]
	return u, ok
}

// UserByURI finds the line that the user and host of a SIP URI name: by number, by extension, or
// by the user name of one of its devices. The host is a site's domain; with any other host, such
// as an address of the server, extensions count only if no two sites have them.
func (d *Directory) UserByURI(user, host string) (*User, bool) {
	if u, ok := d.users[Number(user)]; ok {
		return u, true
	}
	if s, ok := d.SiteByDomain(host); ok {
		if u, ok := d.extensions[s][user]; ok {
			return u, true
		}
	} else if u := d.anywhere[user]; u != nil {
		return u, true
	}
	if dev, ok := d.devices[user]; ok {
		return dev.User, true
	}
	return nil, false
}

// SpaceByRef finds a space by its public name.
func (d *Directory) SpaceByRef(ref string) (*Space, bool) {
	sp, ok := d.byRef[ref]
	return sp, ok
}

// SpaceOf finds the user's own space.
func (d *Directory) SpaceOf(u *User) (*Space, bool) {
	sp, ok := d.byOwner[u]
	return sp, ok
}

// SpaceByID finds the space of the site that id opens. Spaces of other sites are not found. The
// look-up goes by a keyed hash, so its time tells nothing about the IDs there are.
func (d *Directory) SpaceByID(s *Site, id string) (*Space, bool) {
	sp, ok := d.byID[d.spaceKey(s, id)]
	return sp, ok
}

// TrunkByAddr finds the trunk that a source address proves. A trunk with a port is trusted for
// that port only, and goes before one without.
func (d *Directory) TrunkByAddr(a netip.AddrPort) (*Trunk, bool) {
	addr := a.Addr().Unmap().WithZone("")
	if t, ok := d.trunks[netip.AddrPortFrom(addr, a.Port())]; ok {
		return t, true
	}
	t, ok := d.trunks[netip.AddrPortFrom(addr, 0)]
	return t, ok
}

// TrunkByUsername finds the trunk that proves itself by digest with that user name.
func (d *Directory) TrunkByUsername(username string) (*Trunk, bool) {
	t, ok := d.trunkUsers[username]
	return t, ok
}

// spaceKey is the keyed hash under which a space ID is found.
type spaceKey [sha256.Size]byte

func (d *Directory) spaceKey(s *Site, id string) (key spaceKey) {
	mac := hmac.New(sha256.New, d.idKey[:])
	mac.Write([]byte(s.Domain))
	mac.Write([]byte{0})
	mac.Write([]byte(id))
	mac.Sum(key[:0])
	return key
}
