package gateway

import (
	"passerelle/directory"
	"passerelle/sip"
)

// language is the one of French and English that the caller's phone likes best (RFC 3261 §20.3), else the site's.
func language(leg *sip.Leg, site *directory.Site) string {
	if lang := directory.PreferredLanguage(leg.Invite().AcceptLanguage()); lang != "" {
		return string(lang)
	}
	return string(site.Language)
}
