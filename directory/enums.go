package directory

import (
	"fmt"
	"strings"
)

// Language is the language of prompts and pages.
type Language string

// The languages that have prompts and pages.
const (
	French  Language = "fr"
	English Language = "en"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Language) UnmarshalText(text []byte) error { return oneOf(l, text, French, English) }

// Pack is what a user has bought; Premium includes the collaboration pack.
type Pack string

// The packs.
const (
	Standard Pack = "standard"
	Premium  Pack = "premium"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Pack) UnmarshalText(text []byte) error { return oneOf(p, text, Standard, Premium) }

// Role is what a user may do in the portal beyond their own settings.
type Role string

// The roles.
const (
	EnterpriseAdmin Role = "enterprise_admin"
	SiteAdmin       Role = "site_admin"
	HelpDesk        Role = "help_desk"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(text []byte) error {
	return oneOf(r, text, EnterpriseAdmin, SiteAdmin, HelpDesk)
}

// Scope says which guests a host phone takes.
type Scope string

// The scopes.
const (
	ScopeSite       Scope = "site"
	ScopeEnterprise Scope = "enterprise"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Scope) UnmarshalText(text []byte) error { return oneOf(s, text, ScopeSite, ScopeEnterprise) }

// Transport is how SIP travels to a trunk.
type Transport string

// The transports.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
	TLS Transport = "tls"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Transport) UnmarshalText(text []byte) error { return oneOf(t, text, UDP, TCP, TLS) }

// TrunkAuth is how a trunk proves who it is.
type TrunkAuth string

// The ways of a trunk to prove itself.
const (
	AuthIP       TrunkAuth = "ip"       // its requests come from the trunk's address
	AuthRegister TrunkAuth = "register" // we register with it, and its requests come to that registration
	AuthDigest   TrunkAuth = "digest"   // each of its requests, and of ours, carries a digest
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *TrunkAuth) UnmarshalText(text []byte) error {
	return oneOf(a, text, AuthIP, AuthRegister, AuthDigest)
}

// Presentation is how numbers are written for a trunk.
type Presentation string

// The presentations.
const (
	PresentE164     Presentation = "e164"     // +33612345678
	PresentNational Presentation = "national" // 0612345678, and 0014155550100 for other countries
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Presentation) UnmarshalText(text []byte) error {
	return oneOf(p, text, PresentE164, PresentNational)
}

// CallerIDRule says whose number calls show that go out by a trunk.
type CallerIDRule string

// The rules.
const (
	CallerIDUser CallerIDRule = "user" // the line's own, the site's for a line that has none
	CallerIDSite CallerIDRule = "site" // the site's for every line
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *CallerIDRule) UnmarshalText(text []byte) error {
	return oneOf(r, text, CallerIDUser, CallerIDSite)
}

// FromRule says who is in the From header of calls by a trunk.
type FromRule string

// The rules.
const (
	FromNumber  FromRule = "number"  // the number that the call shows
	FromAccount FromRule = "account" // the trunk's user name; the number is asserted beside it (RFC 3325)
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *FromRule) UnmarshalText(text []byte) error { return oneOf(r, text, FromNumber, FromAccount) }

// Alone is what a participant hears who is alone in a space.
type Alone string

// What a lonely participant hears.
const (
	AloneNotice  Alone = "notice"  // a short notice, then silence
	AloneMusic   Alone = "music"   // a short notice, then music
	AloneSilence Alone = "silence" // nothing at all
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Alone) UnmarshalText(text []byte) error {
	return oneOf(a, text, AloneNotice, AloneMusic, AloneSilence)
}

// oneOf sets *dst to the known value that text spells, or says which are known.
func oneOf[T ~string](dst *T, text []byte, known ...T) error {
	names := make([]string, len(known))
	for i, k := range known {
		if string(k) == string(text) {
			*dst = k
			return nil
		}
		names[i] = string(k)
	}
	return fmt.Errorf("%q is not one of %s", text, strings.Join(names, ", "))
}
