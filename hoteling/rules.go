package hoteling

import (
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// isHost says whether the user's primary phone takes guests.
func isHost(u *directory.User) bool {
	return u.Phone != nil && u.Phone.Host != nil && u.Phone.Host.Enabled
}

// mayStay checks host and guest as they are now, but for limits: whoever breaks these rules is not signed in, and no longer
// when settings change. Either may be nil.
func mayStay(host, guest *directory.User) *Denial {
	switch {
	case host == nil || host.Phone == nil:
		return deny(HostUnknown)
	case !isHost(host):
		return deny(HostDisabled)
	case guest == nil || guest.Kind != directory.Person:
		return deny(GuestUnknown)
	case guest == host:
		return deny(GuestAtHome)
	case !guest.Guest.Allowed:
		return deny(GuestNotAllowed)
	case !guest.Guest.Enabled:
		return deny(GuestDisabled)
	case host.Phone.Host.Scope != directory.ScopeEnterprise && guest.Site != host.Site:
		return deny(OutOfScope)
	}
	return nil
}

// mayEnter checks all but who occupies the host and who proves what. A host that enforces its limit takes guests who have
// one of their own that is not longer.
func mayEnter(host, guest *directory.User) *Denial {
	if no := mayStay(host, guest); no != nil {
		return no
	}
	h, hours := host.Phone.Host, guest.Guest.LimitHours
	switch {
	case h.EnforceLimit && hours == 0:
		return &Denial{Cause: LimitMissing, HostHours: h.LimitHours}
	case h.EnforceLimit && hours > h.LimitHours:
		return &Denial{Cause: LimitTooLong, HostHours: h.LimitHours, GuestHours: hours}
	}
	return nil
}

// Check says why a guest could not be signed in on a host whoever is there now, by the rules that settings decide; nil when
// nothing speaks against it. The error is a *Denial.
func Check(host, guest *directory.User) error {
	if no := mayEnter(host, guest); no != nil {
		return no
	}
	return nil
}

// untilOf is when an association that begins now ends; zero is never. The clock reading in it that only goes forward makes
// the limit what it says, whatever happens to the wall clock.
func untilOf(guest *directory.User, now time.Time) time.Time {
	if guest.Guest.LimitHours == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(guest.Guest.LimitHours) * hour)
}

// Registrations tells where lines are registered; sip.Registrar satisfies it.
type Registrations interface {
	Bindings(aor sip.AOR) []sip.Binding
}

// onePhone says whether the host's line is on one phone at most: a guest's calls would ring on the others too.
func onePhone(r Registrations, host *directory.User) bool {
	if r == nil {
		return true
	}
	instance := ""
	for _, b := range r.Bindings(sip.NewAOR(host.Line(), host.Site.Domain)) {
		if b.Instance == "" {
			continue // what it is cannot be told
		}
		if instance != "" && b.Instance != instance {
			return false
		}
		instance = b.Instance
	}
	return true
}

// find is the person that a guest's address names, as it may be typed or sent at a host phone: an extension of the host's site,
// an extension behind a site's prefix, a number in E.164 with or without its plus sign, user@domain, or a sip or tel URI; nil
// for nobody.
func find(dir *directory.Directory, host *directory.User, address string) *directory.User {
	user, domain := parseAddress(address)
	if user == "" || host == nil {
		return nil
	}
	site := host.Site
	if domain != "" {
		s, ok := dir.SiteByDomain(domain)
		if !ok {
			return nil
		}
		site = s
	}
	u, ok := dir.UserByExtension(site, user)
	if s, ext, prefixed := dir.SiteByPrefixed(user); !ok && prefixed && domain == "" {
		u, ok = dir.UserByExtension(s, ext)
	}
	if !ok {
		u, ok = dir.UserByNumber(directory.Number("+" + strings.TrimPrefix(user, "+")))
	}
	if !ok || u.Kind != directory.Person {
		return nil
	}
	return u
}

// parseAddress takes an address apart; domain is empty where there is none.
func parseAddress(address string) (user, domain string) {
	address = strings.TrimSpace(address)
	lower := strings.ToLower(address)
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if strings.HasPrefix(lower, scheme) {
			address = address[len(scheme):]
			break
		}
	}
	address, _, _ = strings.Cut(address, "?")
	user, domain, _ = strings.Cut(address, "@")
	user, _, _ = strings.Cut(user, ";")
	domain, _, _ = strings.Cut(domain, ";")
	domain, _, _ = strings.Cut(domain, ":")
	user = strings.Map(func(r rune) rune {
		if strings.ContainsRune("-. ()", r) {
			return -1 // visual separators (RFC 3966 §5.1.1)
		}
		return r
	}, user)
	return user, strings.TrimSpace(domain)
}

// dialable is what somebody at the host phone dials to reach the guest: phones show it.
func dialable(guest, host *directory.User) string {
	switch {
	case guest.Extension != "" && guest.Site == host.Site:
		return guest.Extension
	case guest.Extension != "" && guest.Site.Prefix != "":
		return guest.Site.Prefix + guest.Extension
	}
	return guest.Line()
}
