package directory

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
)

// The bounds on a PIN; it is typed on a phone's keys.
const (
	minPIN = 4
	maxPIN = 16
)

// user checks a user or workspace and its devices.
func (v *validator) user(s *Site, u *User, path string) {
	p := v.at(u, path)
	if p.need("name", u.Name) {
		p.length("name", u.Name, maxName)
	}
	v.line(s, u, p)
	v.space(s, u, p)
	v.portal(u, p)
	if pin := u.PIN.Reveal(); pin != "" {
		switch {
		case !isDigits(pin):
			p.fault("pin", "is not numeric: it is typed on a phone's keys")
		case len(pin) < minPIN || len(pin) > maxPIN:
			p.fault("pin", "has %d digits, %d to %d are needed", len(pin), minPIN, maxPIN)
		}
	}
	v.mailbox(u, p)
	p.length("pickup_group", u.PickupGroup, maxName)
	v.monitored(s, u, p)
	v.forwards(s, u, path)
	l := v.at(&u.Limits, joinPath(path, "limits"))
	l.within("simultaneous_external", u.Limits.SimultaneousExternal, 0, 1000)
	l.within("per_minute", u.Limits.PerMinute, 0, 10_000)
	v.guest(s, u, path)
	if u.Kind == Workspace && u.Phone == nil && len(u.Softphones) == 0 {
		p.fault("phone", "is missing: a workspace is a phone that belongs to a place")
	}
	if u.Phone != nil {
		v.device(u.Phone, joinPath(path, "phone"))
		v.phone(u, joinPath(path, "phone"))
	}
	for i, d := range u.Softphones {
		v.device(d, fmt.Sprintf("%s.softphones[%d]", path, i))
	}
}

// line checks number and extension.
func (v *validator) line(s *Site, u *User, p place) {
	if u.Number == "" && u.Extension == "" {
		p.fault("", "has neither number nor extension")
	}
	if u.Number != "" {
		if _, err := ParseNumber(string(u.Number)); err != nil {
			p.fault("number", "%v", err)
		} else if pool := v.pools[u.Number]; pool != nil && pool != s {
			p.fault("number", "%s is a number of site %s", u.Number, pool.Name)
		} else {
			p.unique("number", "number", string(u.Number))
		}
	}
	v.extension(s, p, u.Extension)
}

// space checks what a user needs for a space and what only a space needs.
func (v *validator) space(s *Site, u *User, p place) {
	if u.Kind == Person && u.Pack != Standard && u.Pack != Premium {
		p.fault("pack", "%q is not one of standard, premium", u.Pack)
	}
	id := u.SpaceID.Reveal()
	if id == "" {
		return
	}
	if !u.Entitled() && (u.Pack == Standard || u.Kind == Workspace) {
		p.fault("space_id", "is given, but a space needs pack: premium or collaboration: true")
	}
	if cause := spaceIDFault(s, id); cause != "" {
		p.fault("space_id", "%s", cause)
		return
	}
	p.uniqueIn(s, "space_id", "space ID", id)
}

// portal checks the user's account.
func (v *validator) portal(u *User, p place) {
	if u.Email != "" {
		if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email || len(u.Email) > maxText {
			p.fault("email", "%q is not an e-mail address", u.Email)
		} else {
			p.unique("email", "e-mail address", strings.ToLower(u.Email))
		}
	}
	if u.PortalPassword != "" && u.PortalPasswordHash != "" {
		p.fault("portal_password", "is given twice: portal_password_hash is there as well")
	}
	if u.PortalPasswordHash != "" && !isArgon2id(u.PortalPasswordHash.Reveal()) {
		p.fault("portal_password_hash", "is not an argon2id hash ($argon2id$v=19$m=…,t=…,p=…$salt$hash)")
	}
}

// guest checks how long the user may be away.
func (v *validator) guest(s *Site, u *User, path string) {
	p := v.at(&u.Guest, joinPath(path, "guest"))
	p.within("limit_hours", u.Guest.LimitHours, 0, MaxGuestHours)
	if most := s.Hoteling.MaxGuestHours; most > 0 && u.Guest.LimitHours > most && u.Guest.LimitHours <= MaxGuestHours {
		p.fault("limit_hours", "%d is more than the site's hoteling.max_guest_hours, %d", u.Guest.LimitHours, most)
	}
}

// isNumberOrURI says whether s can be the target of a call to voice mail.
func isNumberOrURI(s string) bool {
	if _, err := ParseNumber(s); err == nil {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque == "" || len(s) > maxText || strings.ContainsAny(s, " \t\r\n\"<>") {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "tel":
		return true
	case "sip", "sips":
		host := u.Opaque
		if _, after, ok := strings.Cut(host, "@"); ok {
			host = after
		}
		host, _, _ = strings.Cut(host, ";")
		return isHost(hostOf(host))
	}
	return false
}

// hostOf takes port and brackets off a host.
func hostOf(hostport string) string {
	if v6, _, ok := strings.Cut(strings.TrimPrefix(hostport, "["), "]"); ok {
		return v6
	}
	host, _, _ := strings.Cut(hostport, ":")
	return host
}
