package sip

import (
	"strconv"
	"strings"
)

// Reason says why a request was sent or a call refused (RFC 3326). The zero value is no reason.
type Reason struct {
	Protocol string // "SIP" or "Q.850"
	Cause    int    // status code or cause value
	Text     string // for people; reveals nothing
}

// String is the value of the Reason header, empty for the zero value.
func (r Reason) String() string {
	if r.Protocol == "" {
		return ""
	}
	s := r.Protocol
	if r.Cause != 0 {
		s += ";cause=" + strconv.Itoa(r.Cause)
	}
	if r.Text != "" {
		s += `;text="` + quote(r.Text) + `"`
	}
	return s
}

// ReasonOf makes the Reason of a hang-up out of an error: its status, unless it has none.
func ReasonOf(err error) Reason {
	if err == nil {
		return Reason{}
	}
	code, text := StatusOf(err)
	return Reason{Protocol: "SIP", Cause: code, Text: text}
}

// parseReason reads the first value of a Reason header; anything it does not understand is left out.
func parseReason(v string) Reason {
	first, _ := cutUnquoted(v, ',')
	protocol, rest := cutUnquoted(first, ';')
	r := Reason{Protocol: strings.TrimSpace(protocol)}
	for rest != "" {
		var param string
		param, rest = cutUnquoted(rest, ';')
		key, val, _ := strings.Cut(param, "=")
		val = strings.TrimSpace(val)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "cause":
			if n, err := strconv.Atoi(val); err == nil && n > 0 {
				r.Cause = n
			}
		case "text":
			r.Text = unquote(val)
		}
	}
	return r
}

// cutUnquoted cuts s at the first sep that is not inside a quoted string.
func cutUnquoted(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// quote escapes what a quoted string may not hold as it is (RFC 3261 §25.1).
func quote(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// unquote takes the quotes and escapes off a quoted string; a plain token stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// NameAddr writes an address with its display name (RFC 3261 §20.10).
func NameAddr(display, uri string) string {
	if display == "" {
		return "<" + uri + ">"
	}
	return `"` + quote(display) + `" <` + uri + ">"
}
