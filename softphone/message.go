package softphone

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Header is one header field; the name is in full, never the compact form.
type Header struct{ Name, Value string }

// Message is a SIP request or response (RFC 3261 §7). Exactly one of Method and Code is set.
type Message struct {
	Method string
	URI    string
	Code   int
	Reason string
	// Headers are in the order of the wire. Fields that may be comma-separated lists are kept as they came.
	Headers []Header
	Body    []byte
}

// compact maps the compact header names to the full ones (RFC 3261 §7.3.3 and the registry it founded).
var compact = map[string]string{
	"c": "Content-Type", "e": "Content-Encoding", "f": "From", "i": "Call-ID", "k": "Supported", "l": "Content-Length",
	"m": "Contact", "o": "Event", "r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via",
	"x": "Session-Expires",
}

// Header returns the first field of that name, or "".
func (m *Message) Header(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// All returns every value of that name, comma-separated lists split up (RFC 3261 §7.3.1).
func (m *Message) All(name string) []string {
	var out []string
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			out = append(out, splitList(h.Value)...)
		}
	}
	return out
}

func (m *Message) add(name, value string) { m.Headers = append(m.Headers, Header{name, value}) }

// set replaces the first field of that name, or adds one.
func (m *Message) set(name, value string) {
	for i, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			m.Headers[i].Value = value
			return
		}
	}
	m.add(name, value)
}

// remove takes every field of that name away.
func (m *Message) remove(name string) {
	kept := m.Headers[:0]
	for _, h := range m.Headers {
		if !strings.EqualFold(h.Name, name) {
			kept = append(kept, h)
		}
	}
	m.Headers = kept
}

// cseq splits the CSeq field (RFC 3261 §20.16); number is -1 when it is malformed.
func (m *Message) cseq() (number int, method string) {
	num, method, _ := strings.Cut(strings.TrimSpace(m.Header("CSeq")), " ")
	n, err := strconv.ParseUint(num, 10, 31)
	if err != nil {
		return -1, ""
	}
	return int(n), strings.TrimSpace(method)
}

// marshal writes the message; Content-Length is appended, after everything else but Content-Type as desk phones do.
func (m *Message) marshal() []byte {
	var b bytes.Buffer
	if m.Method != "" {
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", m.Method, m.URI)
	} else {
		fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", m.Code, m.Reason)
	}
	contentType := ""
	for _, h := range m.Headers {
		switch {
		case strings.EqualFold(h.Name, "Content-Length"):
		case strings.EqualFold(h.Name, "Content-Type"):
			contentType = h.Value
		default:
			fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n", len(m.Body))
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	return b.Bytes()
}

// String is the message as it stands on the wire.
func (m *Message) String() string { return string(m.marshal()) }

// parseMessage reads one whole message, as from a datagram. A body longer than Content-Length is cut to it, a shorter one is
// a fault (RFC 3261 §18.3).
func parseMessage(data []byte) (*Message, error) {
	head, body, ok := cutHead(data)
	if !ok {
		return nil, fmt.Errorf("%w: no empty line after the headers", ErrMalformed)
	}
	m, err := parseHead(head)
	if err != nil {
		return nil, err
	}
	length, given, err := m.contentLength()
	switch {
	case err != nil:
		return nil, err
	case !given:
		length = len(body)
	case length > len(body):
		return nil, fmt.Errorf("%w: body has %d of %d bytes", ErrMalformed, len(body), length)
	}
	m.Body = bytes.Clone(body[:length])
	return m, nil
}

// cutHead splits start line and headers from what follows the empty line.
func cutHead(data []byte) (head, rest []byte, ok bool) {
	for at := 0; at < len(data); {
		nl := bytes.IndexByte(data[at:], '\n')
		if nl < 0 {
			return nil, nil, false
		}
		if nl == 0 || nl == 1 && data[at] == '\r' {
			return data[:at], data[at+nl+1:], true
		}
		at += nl + 1
	}
	return nil, nil, false
}

func (m *Message) contentLength() (n int, given bool, err error) {
	value := m.Header("Content-Length")
	if value == "" {
		return 0, false, nil
	}
	u, err := strconv.ParseUint(strings.TrimSpace(value), 10, 24)
	if err != nil {
		return 0, true, fmt.Errorf("%w: Content-Length %q", ErrMalformed, value)
	}
	return int(u), true, nil
}

// parseHead reads the start line and the header fields.
func parseHead(head []byte) (*Message, error) {
	start, rest, _ := strings.Cut(string(head), "\n")
	m := &Message{}
	if err := m.parseStart(strings.TrimSuffix(start, "\r")); err != nil {
		return nil, err
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') { // folded (RFC 3261 §7.3.1)
			if n := len(m.Headers); n > 0 {
				m.Headers[n-1].Value = strings.TrimSpace(m.Headers[n-1].Value + " " + strings.TrimSpace(line))
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("%w: header line without a name", ErrMalformed)
		}
		if full := compact[strings.ToLower(name)]; full != "" {
			name = full
		}
		m.add(name, strings.TrimSpace(value))
	}
	return m, nil
}

func (m *Message) parseStart(line string) error {
	if rest, ok := strings.CutPrefix(line, "SIP/2.0 "); ok {
		code, reason, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		if err != nil || n < 100 || n > 699 {
			return fmt.Errorf("%w: status %q", ErrMalformed, code)
		}
		m.Code, m.Reason = n, reason
		return nil
	}
	method, rest, ok := strings.Cut(line, " ")
	uri, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || method == "" || uri == "" || version != "SIP/2.0" {
		return fmt.Errorf("%w: start line", ErrMalformed)
	}
	m.Method, m.URI = method, uri
	return nil
}
