package main

import (
	"net/netip"
	"slices"
	"strings"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/sip"
)

// lines shows the directory to package sip.
type lines struct{ live *directory.Live }

var (
	_ sip.Lines      = lines{}
	_ sip.LineFinder = lines{}
)

// registers tells whether a binding's line is still there and may still register its AOR.
func (l lines) registers(b *sip.Binding) bool {
	line, ok := l.Line(b.Username)
	return ok && slices.Contains(line.AORs, b.AOR)
}

// Line implements sip.Lines.
func (l lines) Line(username string) (sip.Line, bool) {
	dir := l.live.Current()
	if d, ok := dir.DeviceByUsername(username); ok {
		return lineOf(d), true
	}
	if t, ok := dir.TrunkByUsername(username); ok {
		return sip.Line{Username: t.Username, Password: t.Password.Reveal(), Realm: t.Site.Domain, Trunk: call.TrunkName(t)}, true
	}
	return sip.Line{}, false
}

// LineOf implements sip.LineFinder: the line of an AOR's primary phone.
func (l lines) LineOf(aor sip.AOR) (sip.Line, bool) {
	u, ok := userOf(l.live.Current(), aor.User(), aor.Domain())
	if !ok || len(u.Devices()) == 0 {
		return sip.Line{}, false
	}
	return lineOf(u.Devices()[0]), true
}

// lineOf is what the edge must know of a device.
func lineOf(d *directory.Device) sip.Line {
	domain := d.User.Site.Domain
	own := sip.NewAOR(d.User.Line(), domain)
	aors := []sip.AOR{own}
	for _, further := range d.Lines {
		aors = append(aors, sip.NewAOR(string(further.Number), domain))
	}
	return sip.Line{Username: d.Username, Password: d.Password.Reveal(), Realm: domain, AOR: own, AORs: aors, SHA256: d.SHA256}
}

// AOR implements sip.Lines: a line is reached by its number, its extension or a user name of its devices.
func (l lines) AOR(user, host string) (sip.AOR, bool) {
	dir := l.live.Current()
	u, ok := userOf(dir, user, host)
	if !ok {
		return "", false
	}
	return sip.NewAOR(u.Line(), u.Site.Domain), true
}

// mailbox is the line that an external mailbox calls so.
func (l lines) mailbox(user, host string) (sip.AOR, bool) {
	u, ok := l.live.Current().UserByMailbox(user, host)
	if !ok {
		return "", false
	}
	return sip.NewAOR(u.Line(), u.Site.Domain), true
}

func userOf(dir *directory.Directory, user, host string) (*directory.User, bool) {
	if site, ok := dir.SiteByDomain(host); ok {
		if u, ok := dir.UserByExtension(site, user); ok {
			return u, true
		}
	}
	if u, ok := dir.UserByNumber(directory.Number(user)); ok {
		return u, true
	}
	if u, ok := dir.UserByNumber(directory.Number("+" + user)); ok {
		return u, true
	}
	if d, ok := dir.DeviceByUsername(user); ok {
		return d.User, true
	}
	// An address instead of a domain: an extension means somebody only where there is one site with it.
	var found *directory.User
	for _, site := range dir.Sites() {
		if u, ok := dir.UserByExtension(site, user); ok {
			if found != nil {
				return nil, false
			}
			found = u
		}
	}
	return found, found != nil
}

// Realm implements sip.Lines.
func (l lines) Realm(host, user string) string {
	dir := l.live.Current()
	if site, ok := dir.SiteByDomain(host); ok {
		return site.Domain
	}
	if u, ok := userOf(dir, user, host); ok {
		return u.Site.Domain
	}
	if sites := dir.Sites(); len(sites) > 0 {
		return strings.ToLower(sites[0].Domain)
	}
	return "passerelle"
}

// Trunk implements sip.Lines.
func (l lines) Trunk(src netip.AddrPort) (string, bool) {
	t, ok := l.live.Current().TrunkByAddr(src)
	if !ok {
		return "", false
	}
	return call.TrunkName(t), true
}
