package provision

import (
	"strings"

	"passerelle/directory"
)

// dialPlan is when a phone of the site calls what is typed without being told to. What may go on waits for the short
// timer; an emergency number that begins nothing else is called at once.
func dialPlan(s *directory.Site) string {
	var rules []string
	for _, n := range s.EmergencyNumbers() {
		if beginsSomething(s, n) {
			rules = append(rules, n)
		} else {
			rules = append(rules, n+"S0")
		}
	}
	rules = append(rules,
		"*xx", "*xxx.", "#xx", "#xxx.", // feature codes, alone and with a number
		strings.Repeat("x", s.ExtensionLength),
		"xx.", "+x.", // whatever else
	)
	return "(" + strings.Join(rules, "|") + ")"
}

// beginsSomething says whether extensions of the site, or a prefix to those of others, begin with the digits.
func beginsSomething(s *directory.Site, digits string) bool {
	for u := range s.Everyone() {
		if strings.HasPrefix(u.Extension, digits) {
			return true
		}
	}
	if strings.HasPrefix(s.Gateway.Extension, digits) {
		return true
	}
	for _, other := range s.EmergencyNumbers() {
		if other != digits && strings.HasPrefix(other, digits) {
			return true
		}
	}
	return false
}

// emergency are the numbers that the phone calls even when it is locked.
func emergency(s *directory.Site) string { return strings.Join(s.EmergencyNumbers(), ",") }
