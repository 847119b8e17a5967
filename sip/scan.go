package sip

import (
	"bytes"
	"strconv"
)

// malformed is what is wrong with a message, as the status and phrase it is refused with. The phrase tells the peer's
// programmer which rule it broke and repeats nothing of the message.
type malformed struct {
	code   int
	reason string
}

// Error makes it an error.
func (m *malformed) Error() string { return strconv.Itoa(m.code) + " " + m.reason }

// head is what a look at the raw bytes tells about a message: enough to order it and to refuse what the parser would let
// pass. Slices point into the message.
type head struct {
	request    bool
	method     []byte // of a request
	code       int    // of a response
	callID     []byte
	cseqMethod []byte
	length     int  // start line and headers, the empty line included
	bodyLength int  // Content-Length, -1 if absent or unusable
	odd        bool // white space in places that the parser does not expect
}

// Headers that may stand only once (RFC 3261 §7.3.1) and are counted.
type onceHeader int

const (
	onceCallID onceHeader = iota
	onceCSeq
	onceFrom
	onceTo
	onceMaxForwards
	onceContentLength
	onceContentType
	onceVia // may repeat; counted because it must be there
	onceCount
)

var onceNames = map[string]onceHeader{
	"call-id": onceCallID, "i": onceCallID, "cseq": onceCSeq, "from": onceFrom, "f": onceFrom, "to": onceTo, "t": onceTo,
	"max-forwards": onceMaxForwards, "content-length": onceContentLength, "l": onceContentLength,
	"content-type": onceContentType, "c": onceContentType, "via": onceVia, "v": onceVia,
}

// scanHead looks at a message whose header section ends within b. A flaw does not stop the scan, so that a refusal can
// still say whom it is for; the first flaw counts.
func scanHead(b []byte) (h head, flaw *malformed) {
	h.bodyLength = -1
	fault := func(code int, reason string) {
		if flaw == nil {
			flaw = &malformed{code, reason}
		}
	}
	line, rest, ok := crlfLine(b)
	if !ok {
		return h, &malformed{400, "Malformed Start Line"}
	}
	if f := h.scanStart(line); f != nil {
		flaw = f
	}
	var seen [onceCount]int
	for {
		line, rest, ok = crlfLine(rest)
		if !ok {
			fault(400, "Headers Do Not End")
			break
		}
		if len(line) == 0 {
			break
		}
		for len(rest) > 0 && isBlank(rest[0]) { // folded (RFC 3261 §7.3.1)
			var more []byte
			if more, rest, ok = crlfLine(rest); !ok {
				break
			}
			line = line[:len(line)+2+len(more)] // the lines lie behind one another
			h.odd = true
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		name = trimBlank(name)
		if !found || len(name) == 0 || !allToken(name) {
			fault(400, "Malformed Header Line")
			continue
		}
		which, known := onceNames[lower(name)]
		if !known {
			continue
		}
		seen[which]++
		value = trimBlank(value)
		if seen[which] > 1 {
			switch which {
			case onceVia:
			case onceContentLength:
				if n, ok := decimal(value, maxMessage); !ok || n != h.bodyLength {
					h.bodyLength = -1
					fault(400, "Conflicting Content-Length")
				}
			default:
				fault(400, "Repeated "+onceTitle[which])
			}
			continue
		}
		switch which {
		case onceCallID:
			if h.callID = value; len(value) == 0 {
				fault(400, "Empty Call-ID")
			}
		case onceCSeq:
			h.scanCSeq(value, fault)
		case onceMaxForwards:
			if n, ok := decimal(value, 1<<30); !ok || n > 255 {
				fault(400, "Max-Forwards Out Of Range")
			}
		case onceContentLength:
			n, ok := decimal(value, 1<<30)
			if !ok {
				fault(400, "Malformed Content-Length")
				break
			}
			h.bodyLength = n
		}
	}
	h.length = len(b) - len(rest)
	for _, which := range []onceHeader{onceVia, onceCallID, onceCSeq, onceFrom, onceTo} {
		if seen[which] == 0 {
			fault(400, "Missing "+onceTitle[which])
		}
	}
	return h, flaw
}

var onceTitle = [onceCount]string{
	"Call-ID", "CSeq", "From", "To", "Max-Forwards", "Content-Length", "Content-Type", "Via",
}

// scanStart reads the start line (RFC 3261 §7.1, §7.2): exactly one space between its parts, none around them.
func (h *head) scanStart(line []byte) *malformed {
	if len(line) >= 4 && equalFold(line[:4], "SIP/") {
		version, rest, _ := bytes.Cut(line, []byte(" "))
		code, _, _ := bytes.Cut(rest, []byte(" "))
		n, ok := decimal(code, 999)
		if !equalFold(version, "SIP/2.0") || !ok || n < 100 || n > 699 || len(code) != 3 {
			return &malformed{400, "Malformed Status Line"}
		}
		h.code = n
		return nil
	}
	h.request = true
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !allToken(method) {
		return &malformed{400, "Malformed Request Line"}
	}
	h.method = method
	at := bytes.LastIndexByte(rest, ' ')
	if at <= 0 {
		return &malformed{400, "Malformed Request Line"}
	}
	uri, version := rest[:at], rest[at+1:]
	if len(version) < 4 || !equalFold(version[:4], "SIP/") {
		return &malformed{400, "Malformed Request Line"}
	}
	if !equalFold(version, "SIP/2.0") {
		return &malformed{505, "Version Not Supported"}
	}
	if bytes.ContainsAny(uri, " \t<>\"") || len(uri) == 0 {
		return &malformed{400, "Malformed Request-URI"}
	}
	scheme, rest, ok := bytes.Cut(uri, []byte(":"))
	if !ok || !allToken(scheme) {
		return &malformed{400, "Malformed Request-URI"}
	}
	switch lower(scheme) {
	case "sip", "sips", "tel":
		return nil
	case "urn":
		if isSOS(rest) {
			return nil
		}
	}
	return &malformed{416, "Unsupported URI Scheme"} // RFC 3261 §8.2.2.1
}

// isSOS reports whether what follows "urn:" calls for help, such as service:sos or service:sos.fire (RFC 5031 §4.2).
func isSOS(nss []byte) bool {
	const sos = "service:sos"
	if len(nss) < len(sos) || !equalFold(nss[:len(sos)], sos) {
		return false
	}
	return len(nss) == len(sos) || nss[len(sos)] == '.' && allToken(nss[len(sos)+1:])
}

func (h *head) scanCSeq(value []byte, fault func(int, string)) {
	at := bytes.IndexAny(value, " \t\r\n")
	if at < 0 {
		fault(400, "Malformed CSeq")
		return
	}
	if _, ok := decimal(value[:at], 1<<31-1); !ok { // RFC 3261 §8.1.1.5
		fault(400, "CSeq Out Of Range")
	}
	h.cseqMethod = trimBlank(value[at:])
	switch {
	case !allToken(h.cseqMethod):
		fault(400, "Malformed CSeq")
	case h.request && !bytes.Equal(h.cseqMethod, h.method):
		fault(400, "CSeq Method Mismatch")
	}
}

// crlfLine cuts b behind its first CRLF.
func crlfLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("\r\n"))
	if i < 0 {
		return nil, nil, false
	}
	return b[:i], b[i+2:], true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trimBlank takes linear white space off both ends, folds included.
func trimBlank(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// allToken reports whether b is a token (RFC 3261 §25.1).
func allToken(b []byte) bool {
	for _, c := range b {
		if !tokenChars[c] {
			return false
		}
	}
	return len(b) > 0
}

var tokenChars = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
		t[c] = true
	}
	return t
}()

// decimal reads an unsigned number of at most limit.
func decimal(b []byte, limit int) (int, bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, true
}

// lower makes a map key of a header name; long names are no key of ours.
func lower(name []byte) string {
	var b [16]byte
	if len(name) > len(b) {
		return ""
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[i] = c
	}
	return string(b[:len(name)])
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && bytes.EqualFold(b, []byte(s)) }
