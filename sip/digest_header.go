package sip

import (
	"strconv"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// credentials are the fields of one Authorization header (RFC 7616 §3.4); all point into its text.
type credentials struct {
	username, realm, nonce, uri, response string
	algorithm, cnonce, nc, qop            string
	userhash                              string
}

// maxCredentials bounds the length of an Authorization header that is looked at.
const maxCredentials = 4096

// parseCredentials reads the value of an Authorization header. It takes what phones send: fields in any order, quoted or
// not, spaces anywhere between them. It reports false for another scheme and for text that is no list of fields; a field
// that is missing is empty, one given twice counts once, as first given.
func parseCredentials(s string) (c credentials, ok bool) {
	if len(s) > maxCredentials {
		return c, false
	}
	s = strings.TrimLeft(s, " \t")
	const scheme = "Digest"
	if len(s) <= len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) || !isLWS(s[len(scheme)]) {
		return c, false
	}
	s = s[len(scheme):]
	for {
		s = strings.TrimLeft(s, " \t\r\n,")
		if s == "" {
			return c, true
		}
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return c, false
		}
		name := strings.TrimRight(s[:eq], " \t")
		var val string
		if val, s, ok = cutValue(strings.TrimLeft(s[eq+1:], " \t")); !ok {
			return c, false
		}
		if p := c.field(name); p != nil && *p == "" {
			*p = val
		}
	}
}

// cutValue takes a token or a quoted string from the front of s, and the rest up to the next comma, which must be blank.
func cutValue(s string) (val, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimRight(s[:end], " \t\r\n"), s[end:], true
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			escaped = true
			i++
		case s[i] == '"':
			val, rest = s[1:i], strings.TrimLeft(s[i+1:], " \t\r\n")
			if escaped {
				val = unescapeQuoted(val)
			}
			return val, rest, rest == "" || rest[0] == ','
		}
	}
	return "", "", false
}

// unescapeQuoted undoes quoted-pairs (RFC 3261 §25.1).
func unescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (c *credentials) field(name string) *string {
	switch len(name) {
	case 2:
		if strings.EqualFold(name, "nc") {
			return &c.nc
		}
	case 3:
		if strings.EqualFold(name, "uri") {
			return &c.uri
		}
		if strings.EqualFold(name, "qop") {
			return &c.qop
		}
	case 5:
		if strings.EqualFold(name, "realm") {
			return &c.realm
		}
		if strings.EqualFold(name, "nonce") {
			return &c.nonce
		}
	case 6:
		if strings.EqualFold(name, "cnonce") {
			return &c.cnonce
		}
	case 8:
		if strings.EqualFold(name, "username") {
			return &c.username
		}
		if strings.EqualFold(name, "response") {
			return &c.response
		}
		if strings.EqualFold(name, "userhash") {
			return &c.userhash
		}
	case 9:
		if strings.EqualFold(name, "algorithm") {
			return &c.algorithm
		}
	}
	return nil
}

// count returns nc as a number; 0 is none.
func (c *credentials) count() uint32 {
	if len(c.nc) > 8 {
		return 0
	}
	n, err := strconv.ParseUint(c.nc, 16, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// authorization returns the credentials of a request that name a line, else the first ones. A request may carry several
// headers, one per realm and algorithm; a phone puts first what it prefers (RFC 8760 §2.4).
func authorization(req *sipmsg.Request, isLine func(username, realm string) bool) (first credentials, ok bool) {
	for _, h := range req.Headers() {
		if name := h.Name(); len(name) != len("Authorization") || !strings.EqualFold(name, "Authorization") {
			continue
		}
		c, good := parseCredentials(h.Value())
		if !good {
			continue
		}
		if !ok {
			first, ok = c, true
		} else if !isLine(first.username, first.realm) && isLine(c.username, c.realm) {
			return c, true
		}
	}
	return first, ok
}

func isLWS(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
