package softphone

import (
	"net/netip"
	"strconv"
	"strings"
)

// splitList splits a header value at its commas, but not at those in quotes or angle brackets.
func splitList(s string) []string {
	var out []string
	quoted, angle, from := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			out = append(out, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}

// nameAddr splits a From, To, Contact or Route value into its URI and the header parameters behind it (RFC 3261 §20.10).
func nameAddr(s string) (uri, params string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			end := strings.IndexByte(s[i:], '>')
			if end < 0 {
				return "", ""
			}
			return s[i+1 : i+end], s[i+end+1:]
		}
	}
	// Without brackets every parameter belongs to the header.
	uri, params, _ = strings.Cut(strings.TrimSpace(s), ";")
	if params != "" {
		params = ";" + params
	}
	return strings.TrimSpace(uri), params
}

// param finds a parameter in ";a=1;b"; a parameter without a value gives "".
func param(params, name string) (value string, ok bool) {
	for p := range strings.SplitSeq(params, ";") {
		n, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.Trim(strings.TrimSpace(v), `"`), true
		}
	}
	return "", false
}

// tag is the tag parameter of a From or To value, or "".
func tag(value string) string {
	_, params := nameAddr(value)
	t, _ := param(params, "tag")
	return t
}

// uriAddr is where a SIP URI points when its host is an IP address; the port defaults to 5060, or 5061 for sips.
func uriAddr(uri string) (netip.AddrPort, bool) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return netip.AddrPort{}, false
	}
	if _, host, ok := strings.Cut(rest, "@"); ok {
		rest = host
	}
	if i := strings.IndexAny(rest, ";?"); i >= 0 {
		rest = rest[:i]
	}
	if ap, err := netip.ParseAddrPort(rest); err == nil {
		return ap, true
	}
	addr, err := netip.ParseAddr(strings.Trim(rest, "[]"))
	if err != nil {
		return netip.AddrPort{}, false
	}
	if strings.EqualFold(scheme, "sips") {
		return netip.AddrPortFrom(addr, 5061), true
	}
	return netip.AddrPortFrom(addr, 5060), true
}

// seconds reads a delta-seconds value, with parameters behind it or not; -1 when there is none.
func seconds(value string) int {
	value, _, _ = strings.Cut(value, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}
