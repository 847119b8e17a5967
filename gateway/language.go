package gateway

import (
	"strconv"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// language is the one of French and English that the caller's phone likes best (RFC 3261 §20.3), else the site's.
func language(leg *sip.Leg, site *directory.Site) string {
	if lang := preferred(leg.Invite().AcceptLanguage()); lang != "" {
		return lang
	}
	return string(site.Language)
}

// preferred is the language we speak with the greatest q of an Accept-Language; the first of equals, empty for none.
func preferred(header string) string {
	best, bestQ := "", 0.0
	for item := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(item, ";")
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if name, value, found := strings.Cut(params, "="); found && strings.TrimSpace(name) == "q" {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				continue
			}
			q = v
		}
		if (primary == string(directory.French) || primary == string(directory.English)) && q > bestQ {
			best, bestQ = primary, q
		}
	}
	return best
}
