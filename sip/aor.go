package sip

import "strings"

// AOR is an address of record in canonical form, "user@domain" without scheme and parameters: the user part as the
// directory spells it (its case counts, RFC 3261 §19.1.4), the domain in lower case.
type AOR string

// NewAOR builds the canonical AOR of a user at a domain.
func NewAOR(user, domain string) AOR {
	return AOR(user + "@" + strings.ToLower(domain))
}

// User returns the part before the last @.
func (a AOR) User() string {
	if i := strings.LastIndexByte(string(a), '@'); i >= 0 {
		return string(a[:i])
	}
	return string(a)
}

// Domain returns the part after the last @, empty when there is none.
func (a AOR) Domain() string {
	if i := strings.LastIndexByte(string(a), '@'); i >= 0 {
		return string(a[i+1:])
	}
	return ""
}

// URI returns the AOR as a SIP URI.
func (a AOR) URI() string { return "sip:" + string(a) }
