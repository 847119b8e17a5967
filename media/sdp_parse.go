package media

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// Limits of what we read of a description; a peer beyond them is not a phone.
const (
	maxSDPBytes   int = 64 << 10
	maxSDPMedia   int = 32
	maxSDPFormats int = 128
)

// description is a session description (RFC 8866) as far as it matters for sound. The parser takes what phones really
// send: bare LF, blank lines, attributes nobody knows, a connection line at media level only.
type description struct {
	origin netip.Addr // address of the o= line, not valid when there is none
	timing string     // the first t= line, which an answer repeats (RFC 3264 §6)
	common section    // session level
	media  []mediaLine
}

// section is what the session level and each m= line have in common.
type section struct {
	conn   netip.Addr // not valid when the section has no usable c= line
	hasC   bool       // the section has a c= line
	dir    Direction
	hasDir bool
	attrs  []attribute
	bands  []string // values of the b= lines
}

// attribute is an a= line: its name as written and in lower case, and what follows the colon.
type attribute struct{ name, key, value string }

// mediaLine is one m= line with the lines that belong to it.
type mediaLine struct {
	section
	kind    string // "audio", "video", … in lower case
	port    uint16
	proto   string // as written
	formats []string
}

// value returns the value of the first attribute with that key.
func (s *section) value(key string) (string, bool) {
	for _, a := range s.attrs {
		if a.key == key {
			return a.value, true
		}
	}
	return "", false
}

// parseSDP reads a description. It fails only where nothing sensible could be answered.
func parseSDP(b []byte) (*description, error) {
	if len(b) > maxSDPBytes {
		return nil, fmt.Errorf("parse SDP: %d bytes: %w", len(b), ErrBadSDP)
	}
	d := &description{timing: "0 0"}
	at := &d.common
	version, timed := false, false
	for n := 1; len(b) > 0; n++ {
		var raw []byte
		raw, b = cutLine(b)
		line := strings.TrimSpace(string(raw))
		if len(line) < 2 || line[1] != '=' {
			continue // blank, or not a line of SDP
		}
		value := strings.TrimSpace(line[2:])
		switch line[0] {
		case 'v':
			if value != "0" {
				return nil, fmt.Errorf("parse SDP: version %q: %w", value, ErrBadSDP)
			}
			version = true
		case 'o':
			if f := strings.Fields(value); len(f) >= 6 && at == &d.common {
				d.origin = parseHost(f[5])
			}
		case 'c':
			at.connection(value)
		case 'b':
			at.bands = append(at.bands, value)
		case 't':
			if !timed && isTiming(value) {
				d.timing, timed = value, true
			}
		case 'a':
			at.attribute(value)
		case 'm':
			m, err := parseMediaLine(value)
			if err != nil {
				return nil, fmt.Errorf("parse SDP: line %d: %w", n, err)
			}
			if len(d.media) == maxSDPMedia {
				return nil, fmt.Errorf("parse SDP: more than %d m= lines: %w", maxSDPMedia, ErrBadSDP)
			}
			d.media = append(d.media, m)
			at = &d.media[len(d.media)-1].section
		}
	}
	if !version && len(d.media) == 0 {
		return nil, fmt.Errorf("parse SDP: neither v= nor m= line: %w", ErrBadSDP)
	}
	return d, nil
}

// cutLine splits off the first line; CRLF, LF and a lone CR all end one.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil
	}
	line, rest = b[:i], b[i+1:]
	if b[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest
}

func (s *section) connection(value string) {
	if s.hasC {
		return // several c= lines are layers of multicast (RFC 8866 §5.7)
	}
	s.hasC = true
	if f := strings.Fields(value); len(f) >= 3 {
		s.conn = parseHost(f[2])
	}
}

func (s *section) attribute(value string) {
	name, val, _ := strings.Cut(value, ":")
	name = strings.TrimSpace(name)
	key := strings.ToLower(name)
	for d := SendRecv; d <= Inactive; d++ {
		if key == d.String() {
			s.dir, s.hasDir = d, true
			return
		}
	}
	s.attrs = append(s.attrs, attribute{name, key, strings.TrimSpace(val)})
}

func parseMediaLine(value string) (mediaLine, error) {
	f := strings.Fields(value)
	if len(f) < 4 || strings.ContainsFunc(strings.Join(f, ""), unicode.IsControl) {
		return mediaLine{}, fmt.Errorf("m= line %.40q: %w", value, ErrBadSDP)
	}
	number, _, _ := strings.Cut(f[1], "/") // "49170/2": further ports are not ours to use
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return mediaLine{}, fmt.Errorf("m= line with port %q: %w", f[1], ErrBadSDP)
	}
	formats := f[3:]
	if len(formats) > maxSDPFormats {
		return mediaLine{}, fmt.Errorf("m= line with %d formats: %w", len(formats), ErrBadSDP)
	}
	return mediaLine{kind: strings.ToLower(f[0]), port: uint16(port), proto: f[2], formats: formats}, nil
}

// parseHost reads the address of a c= or o= line: IPv4 (leading zeros allowed), IPv6, a multicast suffix cut off. A host
// name gives no address, since nothing here may wait for a resolver; the peer's first packets tell its address.
func parseHost(s string) netip.Addr {
	s, _, _ = strings.Cut(s, "/")
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap()
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return netip.Addr{}
	}
	var ip [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Addr{}
		}
		ip[i] = byte(n)
	}
	return netip.AddrFrom4(ip)
}

// isTiming says whether a t= value is two numbers and thus safe to repeat.
func isTiming(s string) bool {
	f := strings.Fields(s)
	if len(f) != 2 {
		return false
	}
	for _, n := range f {
		if _, err := strconv.ParseUint(n, 10, 64); err != nil {
			return false
		}
	}
	return true
}
