package call

import (
	"fmt"
	"strings"

	"passerelle/directory"
)

// placed says who calls as things are now. A user name is that of a phone, whose guest calls; a line calls from where its user
// is.
func placed(dir *directory.Directory, hotel Hotel, c directory.Caller, name string) directory.Caller {
	if c.User == nil || c.Device == nil {
		return c
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "sip:"), "@")
	if _, isPhone := dir.DeviceByUsername(name); !isPhone {
		if host := hotel.HostOf(dir, c.User); host != nil && c.Device.Primary {
			c.Device = host
		}
		return c
	}
	if u := hotel.EffectiveUser(dir, c.Device); u != c.User {
		c.User, c.Site, c.Number, c.Language = u, u.Site, u.Line(), u.Site.Language
	}
	return c
}

// awayInWords says why a phone makes no calls whose user is signed in elsewhere.
func awayInWords(dir *directory.Directory, hotel Hotel, u *directory.User) string {
	return fmt.Sprintf("refused: %s is signed in on the phone of %s, so the own desk phone calls for help only", u.Name, lineInWords(hotel.HostOf(dir, u).User))
}

// ringingInWords says which phones ring for a line that are not its own, or do not though they are.
func ringingInWords(dir *directory.Directory, hotel Hotel, u *directory.User) []string {
	var steps []string
	if u.Phone != nil {
		if guest := hotel.EffectiveUser(dir, u.Phone); guest.Ref != u.Ref {
			steps = append(steps, fmt.Sprintf("the desk phone of %s is that of a guest now, %s: it does not ring", u.Name, lineInWords(guest)))
		}
	}
	if host := hotel.HostOf(dir, u); host != nil {
		steps = append(steps, fmt.Sprintf("%s is signed in on the phone of %s: that one rings, and not the own desk phone", u.Name, lineInWords(host.User)))
	}
	return steps
}
