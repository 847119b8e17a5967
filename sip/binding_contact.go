package sip

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// contact is one value of the Contact headers of a REGISTER (RFC 3261 §20.10).
type contact struct {
	star     bool   // Contact: *
	uri      string // without angle brackets
	params   string // parameters to echo, each with its semicolon
	instance string // +sip.instance without quotes
	regID    uint32 // reg-id, 0 if none
	q        int    // thousandths
	expires  int64  // seconds; -1 if not given
}

const (
	maxContact       = 1024 // bytes of a contact and its parameters that are kept per binding
	malformedExpires = 3600 // what a malformed expires stands for (RFC 3261 §20.10)
)

var errBadContact = errors.New("contact cannot be used")

// parseContacts appends the contacts of one header value to list. Names in parameters may be in any case, values quoted
// or not, a display name quoted, in words or absent.
func parseContacts(list []contact, s string) ([]contact, error) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return list, nil
		}
		c, rest, err := cutContact(s)
		if err != nil {
			return list, err
		}
		list = append(list, c)
		if rest == "" {
			return list, nil
		}
		s = rest[1:] // past the comma
	}
}

// cutContact reads one contact; rest is empty or begins with the comma after it.
func cutContact(s string) (c contact, rest string, err error) {
	c.expires, c.q = -1, 1000
	if s[0] == '*' {
		c.star = true
		if rest = strings.TrimLeft(s[1:], " \t"); rest != "" {
			return c, "", errBadContact
		}
		return c, "", nil
	}
	if s[0] == '"' { // display name
		if _, s, err = cutQuoted(s); err != nil {
			return c, "", err
		}
	}
	open := strings.IndexByte(s, '<')
	if end := strings.IndexAny(s, ",;:"); open >= 0 && (end < 0 || open < end) {
		closing := strings.IndexByte(s[open:], '>')
		if closing < 0 {
			return c, "", errBadContact
		}
		c.uri, rest = s[open+1:open+closing], s[open+closing+1:]
	} else { // without brackets all parameters are the header's, and there is no display name
		end := strings.IndexAny(s, ",;")
		if end < 0 {
			end = len(s)
		}
		c.uri, rest = strings.TrimRight(s[:end], " \t"), s[end:]
		if strings.IndexByte(c.uri, '?') >= 0 {
			return c, "", errBadContact // RFC 3261 §20.10, RFC 4475 §3.1.2.13
		}
	}
	if !usableContact(c.uri) {
		return c, "", errBadContact
	}
	rest, err = c.readParams(rest)
	if len(c.uri)+len(c.params)+len(c.instance) > maxContact {
		return c, "", errBadContact
	}
	return c, rest, err
}

// readParams reads the parameters behind the address up to a comma or the end.
func (c *contact) readParams(s string) (rest string, err error) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" || s[0] == ',' {
			return s, nil
		}
		if s[0] != ';' {
			return "", errBadContact
		}
		s = strings.TrimLeft(s[1:], " \t")
		end := strings.IndexAny(s, ";,=")
		if end < 0 {
			end = len(s)
		}
		name, val := strings.TrimRight(s[:end], " \t\r\n"), ""
		whole, after := s[:end], s[end:]
		if after != "" && after[0] == '=' {
			v := strings.TrimLeft(after[1:], " \t")
			if v != "" && v[0] == '"' {
				if val, after, err = cutQuoted(v); err != nil {
					return "", err
				}
			} else {
				end := strings.IndexAny(v, ";,")
				if end < 0 {
					end = len(v)
				}
				val, after = strings.TrimRight(v[:end], " \t\r\n"), v[end:]
			}
			whole = s[:len(s)-len(after)]
		}
		s = after
		c.param(name, val, strings.TrimRight(whole, " \t\r\n"))
	}
}

func (c *contact) param(name, val, whole string) {
	switch {
	case name == "":
		return
	case strings.EqualFold(name, "expires"):
		c.expires = parseExpires(val)
		return
	case strings.EqualFold(name, "q"):
		c.q = parseQ(val)
	case strings.EqualFold(name, "+sip.instance"):
		c.instance = strings.Trim(val, "<> ")
	case strings.EqualFold(name, "reg-id"):
		if n, err := strconv.ParseUint(val, 10, 31); err == nil {
			c.regID = uint32(n)
		}
	}
	c.params += ";" + whole
}

// cutQuoted takes a quoted string from the front of s.
func cutQuoted(s string) (val, rest string, err error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:], nil
		}
	}
	return "", "", errBadContact
}

// parseExpires reads delta-seconds; malformed ones stand for an hour, too large ones for the largest (RFC 3261 §20.19).
func parseExpires(s string) int64 {
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err == nil:
		return int64(n)
	case errors.Is(err, strconv.ErrRange):
		return 1<<32 - 1
	}
	return malformedExpires
}

// parseQ reads a qvalue in thousandths; what is malformed counts 1.
func parseQ(s string) int {
	f, err := strconv.ParseFloat(s, 32)
	if err != nil || f < 0 || f > 1 {
		return 1000
	}
	return int(f*1000 + 0.5)
}

// usableContact reports whether requests could be sent to a contact: a SIP or SIPS URI with a host.
func usableContact(uri string) bool {
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f {
			return false
		}
	}
	u, ok := splitURI(uri)
	return ok && u.host != ""
}

// uriParts are the parts of a SIP URI that RFC 3261 §19.1.4 compares, as written.
type uriParts struct {
	scheme, user, host, port, params, headers string
}

func splitURI(uri string) (u uriParts, ok bool) {
	u.scheme, uri, ok = strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(u.scheme, "sip") && !strings.EqualFold(u.scheme, "sips") {
		return u, false
	}
	if i := strings.LastIndexByte(uri, '@'); i >= 0 {
		u.user, uri = uri[:i], uri[i+1:]
	}
	uri, u.headers, _ = strings.Cut(uri, "?")
	uri, u.params, _ = strings.Cut(uri, ";")
	if strings.HasPrefix(uri, "[") {
		end := strings.IndexByte(uri, ']')
		if end < 0 {
			return u, false
		}
		if _, err := netip.ParseAddr(uri[1:end]); err != nil {
			return u, false
		}
		u.host, uri = uri[:end+1], uri[end+1:]
		if uri != "" && uri[0] != ':' {
			return u, false
		}
		u.port = strings.TrimPrefix(uri, ":")
	} else {
		u.host, u.port, _ = strings.Cut(uri, ":")
	}
	if u.port != "" {
		if n, err := strconv.ParseUint(u.port, 10, 16); err != nil || n == 0 {
			return u, false
		}
	}
	return u, true
}

// sameContact compares two contact URIs by RFC 3261 §19.1.4.
func sameContact(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := splitURI(a)
	y, ok2 := splitURI(b)
	if !ok || !ok2 {
		return false
	}
	return strings.EqualFold(x.scheme, y.scheme) && unescape(x.user) == unescape(y.user) &&
		strings.EqualFold(x.host, y.host) && x.port == y.port && x.headers == y.headers &&
		paramsFit(x.params, y.params) && paramsFit(y.params, x.params)
}

// paramsFit reports whether the parameters of one URI do not contradict those of another: the listed ones must be in
// both, the others must agree where both have them.
func paramsFit(a, b string) bool {
	for a != "" {
		var p string
		p, a, _ = strings.Cut(a, ";")
		name, val, _ := strings.Cut(p, "=")
		if name == "" {
			continue
		}
		other, has := uriParam(b, name)
		if !has {
			switch strings.ToLower(name) {
			case "user", "ttl", "method", "maddr", "transport":
				return false
			}
			continue
		}
		if !strings.EqualFold(unescape(val), unescape(other)) {
			return false
		}
	}
	return true
}

func uriParam(params, name string) (val string, ok bool) {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}
