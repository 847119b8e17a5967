package directory

import "fmt"

// maxLines is the number of line keys of the largest phone with its key expansion modules.
const maxLines = 96

// device checks what every device needs.
func (v *validator) device(d *Device, path string) {
	p := v.at(d, path)
	if p.need("username", d.Username) {
		p.length("username", d.Username, maxName)
		p.unique("username", "user name", d.Username)
	}
	if p.need("password", d.Password.Reveal()) {
		if len(d.Password.Reveal()) > maxText {
			p.fault("password", "is longer than %d bytes", maxText)
		}
	}
	p.unique("mac", "MAC address", string(d.MAC))
	p.length("model", d.Model, maxName)
}

// phone checks what only a desk phone has: further lines and guests.
func (v *validator) phone(u *User, path string) {
	d := u.Phone
	p := v.at(d, path)
	if len(d.Lines) > maxLines {
		p.fault("lines", "has %d lines, %d at most", len(d.Lines), maxLines)
	}
	for i, l := range d.Lines {
		lp := v.at(&d.Lines[i], fmt.Sprintf("%s.lines[%d]", path, i))
		owner := v.lines[l.Number]
		switch {
		case !lp.need("number", string(l.Number)):
		case owner == nil:
			lp.fault("number", "%s is nobody's number", l.Number)
		case owner == u && l.Shared:
			lp.fault("shared", "is set, but %s is the phone's own line", l.Number)
		case owner != u && !l.Shared:
			lp.fault("shared", "must be true: %s belongs to %s", l.Number, owner.Name)
		}
	}
	if d.Host != nil {
		v.host(u, path)
	}
}

// host checks a phone that takes guests: its own line must be on no other device, because the
// guest's calls follow that line's only registration.
func (v *validator) host(u *User, path string) {
	h := u.Phone.Host
	p := v.at(h, joinPath(path, "host"))
	p.within("limit_hours", h.LimitHours, 1, MaxGuestHours)
	if h.Scope != ScopeSite && h.Scope != ScopeEnterprise {
		p.fault("scope", "%q is not one of site, enterprise", h.Scope)
	}
	if !h.Enabled {
		return
	}
	if where, shared := v.shared[u.Number]; shared && u.Number != "" {
		p.clash("enabled", where, "is true, but the phone's line is shared with %s: a host's line is on its own phone only", where.Path)
	}
	if len(u.Softphones) > 0 {
		p.fault("enabled", "is true, but the phone's line is on softphones too: a host's line is on its own phone only")
	}
}
