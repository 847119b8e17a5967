package party

import (
	"bytes"
	"strings"
)

// KeyOfInfo reads the key that the body of an INFO tells; false for an INFO of any other kind. Keys must never be logged.
func KeyOfInfo(contentType string, body []byte) (key byte, ok bool) {
	return parseInfo(contentType, body)
}

// parseInfo reads the key out of the body of a SIP INFO: application/dtmf-relay ("Signal=5", one parameter a line) or
// application/dtmf (the bare key). Neither was ever an RFC; senders write the keys * and # as themselves or as the
// event numbers 10 and 11 of RFC 4733 §3.2. ok is false for any other type and for a body without a key.
func parseInfo(contentType string, body []byte) (key byte, ok bool) {
	kind, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/dtmf-relay", "application/vnd.nortelnetworks.digits":
		for line := range bytes.Lines(body) {
			name, value, found := bytes.Cut(line, []byte("="))
			if found && strings.EqualFold(string(bytes.TrimSpace(name)), "signal") {
				return parseKey(value)
			}
		}
		return 0, false
	case "application/dtmf":
		if name, value, found := bytes.Cut(body, []byte("=")); found {
			if !strings.EqualFold(string(bytes.TrimSpace(name)), "signal") {
				return 0, false
			}
			body, _, _ = bytes.Cut(value, []byte("\n"))
		}
		return parseKey(body)
	}
	return 0, false
}

// parseKey reads a key written as itself or as its RFC 4733 event number.
func parseKey(b []byte) (byte, bool) {
	s := strings.ToUpper(string(bytes.TrimSpace(b)))
	switch {
	case len(s) == 1 && strings.Contains("0123456789*#ABCD", s):
		return s[0], true
	case s == "10" || s == "STAR":
		return '*', true
	case s == "11" || s == "POUND" || s == "HASH":
		return '#', true
	case len(s) == 2 && s >= "12" && s <= "15":
		return "ABCD"[s[1]-'2'], true
	}
	return 0, false
}
