package auditor

import (
	"strconv"
	"strings"

	"passerelle/directory"
)

// subject is what the values of a path speak of, as people know it, and the site that it is of.
func subject(dir *directory.Directory, value func(string) string) (name, site string) {
	ref := func(key string) (*directory.User, bool) {
		n, err := strconv.ParseUint(value(key), 10, 64)
		if err != nil {
			return nil, false
		}
		return dir.UserByRef(n)
	}
	if s, ok := dir.SiteByDomain(value("domain")); ok {
		return s.Name, s.Domain
	}
	for _, key := range []string{"space", "ref"} {
		if sp, ok := dir.SpaceByRef(value(key)); ok {
			return named(sp.Owner), sp.Site.Domain
		}
	}
	if u, ok := ref("ref"); ok {
		return named(u), u.Site.Domain
	}
	for _, key := range []string{"line", "host", "guest"} {
		if v := value(key); v != "" {
			user, host, _ := strings.Cut(v, "@")
			if u, ok := dir.UserByURI(user, host); ok {
				return named(u), u.Site.Domain
			}
		}
	}
	var mac directory.MAC
	if err := mac.UnmarshalText([]byte(value("mac"))); err == nil && mac != "" {
		if d, ok := dir.DeviceByMAC(mac); ok {
			return named(d.User) + ", " + string(mac), d.User.Site.Domain
		}
	}
	return "", ""
}

// named is a user as the journal names it.
func named(u *directory.User) string {
	if u.Name == "" {
		return u.Line()
	}
	return u.Name + " (" + u.Line() + ")"
}
