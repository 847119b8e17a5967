package sip

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"strconv"
)

// rawMessage is what a tolerant scan of a malformed request finds: enough to answer it (RFC 3261 §8.2.6). All point
// into the datagram, but for folded values.
type rawMessage struct {
	method                 []byte
	vias                   [][]byte
	from, to, callID, cseq []byte
}

const (
	maxRawScan = 8192 // bytes of a malformed datagram that are looked at
	maxRawVias = 16
)

// rawResponse builds the answer to a request that does not parse. It reports false when nothing is to be sent: for a
// response, an ACK, a datagram without a usable top Via, and when the answer would exceed 2.5 times the bytes that
// drew it.
func rawResponse(datagram []byte, src netip.AddrPort, code int, reason string) ([]byte, bool) {
	m, ok := scanRaw(datagram)
	if !ok {
		return nil, false
	}
	b := make([]byte, 0, min(len(datagram), maxRawScan)+128)
	b = append(b, "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ' ')
	b = append(b, reason...)
	b = append(b, "\r\n"...)
	for i, via := range m.vias {
		b = append(b, "Via: "...)
		if i == 0 {
			b = appendReceived(b, via, src)
		} else {
			b = append(b, via...)
		}
		b = append(b, "\r\n"...)
	}
	b = appendRaw(b, "From: ", m.from)
	if m.to != nil {
		b = append(b, "To: "...)
		b = append(b, m.to...)
		if !hasParam(m.to, "tag") {
			b = append(b, ";tag="...)
			b = strconv.AppendUint(b, maphash.Bytes(tagSeed, datagram), 36)
		}
		b = append(b, "\r\n"...)
	}
	b = appendRaw(b, "Call-ID: ", m.callID)
	b = appendRaw(b, "CSeq: ", m.cseq)
	b = append(b, "Content-Length: 0\r\n\r\n"...)
	return b, float64(len(b)) <= maxAmplification*float64(len(datagram))
}

func appendRaw(b []byte, name string, val []byte) []byte {
	if val == nil {
		return b
	}
	b = append(b, name...)
	b = append(b, val...)
	return append(b, "\r\n"...)
}

// scanRaw finds the parts of a malformed request. Lines may end in LF alone; the first header of a name counts.
func scanRaw(datagram []byte) (m rawMessage, ok bool) {
	rest := bytes.TrimLeft(datagram[:min(len(datagram), maxRawScan)], "\r\n")
	line, rest := cutLine(rest)
	method, _, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isToken(method) || bytes.Equal(method, []byte("ACK")) {
		return m, false // a response begins with SIP/2.0, which is no token
	}
	m.method = method
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			break
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') { // folded (RFC 3261 §7.3.1)
			var more []byte
			more, rest = cutLine(rest)
			line = append(append(bytes.Clone(line), ' '), bytes.TrimSpace(more)...)
		}
		m.header(line)
	}
	return m, len(m.vias) > 0 && usableVia(m.vias[0])
}

func (m *rawMessage) header(line []byte) {
	name, val, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return
	}
	name, val = bytes.TrimSpace(name), bytes.TrimSpace(val)
	if len(val) == 0 || bytes.ContainsAny(val, "\r\n\x00") {
		return
	}
	switch {
	case isName(name, "via", 'v'):
		if len(m.vias) < maxRawVias {
			m.vias = append(m.vias, val)
		}
	case isName(name, "from", 'f'):
		first(&m.from, val)
	case isName(name, "to", 't'):
		first(&m.to, val)
	case isName(name, "call-id", 'i'):
		first(&m.callID, val)
	case isName(name, "cseq", 0):
		first(&m.cseq, val)
	}
}

func first(p *[]byte, val []byte) {
	if *p == nil {
		*p = val
	}
}

func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

func isName(name []byte, long string, compact byte) bool {
	if len(name) == 1 {
		return compact != 0 && name[0]|0x20 == compact
	}
	return len(name) == len(long) && bytes.EqualFold(name, []byte(long))
}

// isToken reports whether b is a token of RFC 3261 §25.1.
func isToken(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case bytes.IndexByte([]byte("-.!%*_+`'~"), c) >= 0:
		default:
			return false
		}
	}
	return len(b) > 0
}

// usableVia reports whether an answer can find its way by this Via: SIP/2.0/transport and a host.
func usableVia(via []byte) bool {
	rest, ok := bytes.CutPrefix(via, []byte("SIP/2.0/"))
	if !ok {
		return false
	}
	transport, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok || !isToken(transport) {
		return false
	}
	host, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(";"))
	return len(bytes.TrimSpace(host)) > 0
}

// appendReceived writes the top Via with the address the request came from: received always, the value of rport where it
// was asked for (RFC 3581 §4).
func appendReceived(b, via []byte, src netip.AddrPort) []byte {
	top, others, several := bytes.Cut(via, []byte(","))
	top = bytes.TrimRight(top, " \t")
	if src.IsValid() && !hasParam(top, "received") {
		if i := paramIndex(top, "rport"); i >= 0 && (i+6 == len(top) || top[i+6] == ';') {
			b = append(b, top[:i+6]...)
			b = append(b, '=')
			b = strconv.AppendUint(b, uint64(src.Port()), 10)
			b = append(b, top[i+6:]...)
		} else {
			b = append(b, top...)
		}
		b = append(b, ";received="...)
		b = src.Addr().Unmap().WithZone("").AppendTo(b)
	} else {
		b = append(b, top...)
	}
	if several {
		b = append(b, ',')
		b = append(b, others...)
	}
	return b
}

func hasParam(val []byte, name string) bool { return paramIndex(val, name) >= 0 }

// paramIndex finds ";name" outside angle brackets and quotes, as a whole name, and returns where its semicolon is.
func paramIndex(val []byte, name string) int {
	inQuotes, inBrackets := false, false
	for i := 0; i < len(val); i++ {
		switch c := val[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == '<':
			inBrackets = true
		case c == '>':
			inBrackets = false
		case c == ';' && !inBrackets:
			end := i + 1 + len(name)
			if end <= len(val) && bytes.EqualFold(val[i+1:end], []byte(name)) && (end == len(val) || bytes.IndexByte([]byte("=; \t"), val[end]) >= 0) {
				return i
			}
		}
	}
	return -1
}
