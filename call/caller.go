package call

import (
	"errors"
	"fmt"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// errNobody is a leg whose proven identity the directory no longer holds.
var errNobody = errors.New("the directory has no such caller")

// identify says who calls: the user of the authenticated line, or the trunk with the number it asserts. What a phone
// writes into From or P-Asserted-Identity counts for nothing (RFC 3325 §5).
func identify(dir *directory.Directory, in *sip.Invite) (directory.Caller, error) {
	if name := in.Identity.Username; name != "" {
		device, ok := dir.DeviceByUsername(name)
		if !ok {
			return directory.Caller{}, fmt.Errorf("line %s: %w", name, errNobody)
		}
		u := device.User
		return directory.Caller{Device: device, User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language}, nil
	}
	trunk, ok := trunkNamed(dir, in.Identity.Trunk)
	if !ok {
		return directory.Caller{}, fmt.Errorf("trunk %s: %w", in.Identity.Trunk, errNobody)
	}
	return directory.Caller{Trunk: trunk, Site: trunk.Site, Number: asserted(in), Language: trunk.Site.Language}, nil
}

// TrunkName is how a trunk is called where sites do not matter: its own name is unique in its site only.
func TrunkName(t *directory.Trunk) string { return t.Site.Domain + "/" + t.Name }

func trunkNamed(dir *directory.Directory, name string) (*directory.Trunk, bool) {
	domain, _, _ := strings.Cut(name, "/")
	if site, ok := dir.SiteByDomain(domain); ok {
		for _, t := range site.Trunks {
			if TrunkName(t) == name {
				return t, true
			}
		}
	}
	return nil, false
}

// asserted is the caller's number as a trunk asserts it (RFC 3325 §9.1), else as From says; empty when withheld.
func asserted(in *sip.Invite) string {
	if a, ok := in.Asserted(); ok && a.URI.User != "" {
		return callableNumber(a.URI.User)
	}
	if strings.EqualFold(in.From.URI.User, "anonymous") {
		return ""
	}
	return callableNumber(in.From.URI.User)
}
