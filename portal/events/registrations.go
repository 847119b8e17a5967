package events

import (
	"time"

	"passerelle/sip"
)

// Registration is a contact of a line, with the names of the API.
type Registration struct {
	AOR       string    `json:"aor"`
	Contact   string    `json:"contact"`
	Username  string    `json:"username"`
	Transport string    `json:"transport"`
	Source    string    `json:"source"`
	Expires   time.Time `json:"expires"`
	UserAgent string    `json:"user_agent,omitempty"`
	Cause     string    `json:"cause,omitempty"` // of a removal: unregistered, replaced or expired
}

// OfRegistration tells what happened to a binding; a refresh is no event.
func OfRegistration(c sip.Change) (Draft, bool) {
	b := c.Binding
	r := Registration{
		AOR: string(b.AOR), Contact: b.Contact, Username: b.Username, Transport: b.Source.Transport, Source: b.Source.Remote.String(),
		Expires: b.Expires.UTC(), UserAgent: b.UserAgent,
	}
	d := Draft{Sites: []string{b.AOR.Domain()}}
	switch c.Kind {
	case sip.Registered:
		d.Type = RegistrationAdded
	case sip.Unregistered, sip.Replaced, sip.Expired:
		d.Type, r.Cause = RegistrationRemoved, c.Kind.String()
	case sip.FlowLost:
		d.Type = RegistrationUnreachable
	case sip.Refreshed:
		return d, false
	}
	d.Data = r
	return d, true
}
