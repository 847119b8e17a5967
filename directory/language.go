package directory

import (
	"strconv"
	"strings"
)

// PreferredLanguage is the one of our languages with the greatest q of an Accept-Language (RFC 3261 §20.3); the first of equals,
// empty for none.
func PreferredLanguage(header string) Language {
	best, bestQ := Language(""), 0.0
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
		if l := Language(primary); (l == French || l == English) && q > bestQ {
			best, bestQ = l, q
		}
	}
	return best
}
