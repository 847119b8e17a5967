package sip

import "strings"

// longNames are the headers with a compact form (RFC 3261 §7.3.3 and the extensions that gave one).
var longNames = map[string]string{
	"a": "accept-contact", "b": "referred-by", "c": "content-type", "e": "content-encoding", "f": "from", "i": "call-id",
	"k": "supported", "l": "content-length", "m": "contact", "o": "event", "r": "refer-to", "s": "subject", "t": "to",
	"u": "allow-events", "v": "via", "x": "session-expires",
}

// headerName returns the long name of a header in lower case.
func headerName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if long, ok := longNames[name]; ok {
		return long
	}
	return name
}

func sameHeader(a, b string) bool {
	return strings.EqualFold(a, b) || headerName(a) == headerName(b)
}
