package siptest

import (
	"strconv"
	"strings"
	"time"
)

// Message is a SIP message as it came.
type Message struct {
	Raw string
	At  time.Time
}

// StartLine is the first line.
func (m Message) StartLine() string {
	line, _, _ := strings.Cut(m.Raw, "\r\n")
	return line
}

// Code is the status of a response, 0 for a request.
func (m Message) Code() int {
	rest, ok := strings.CutPrefix(m.Raw, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// Method is the method of a request, or the one a response answers.
func (m Message) Method() string {
	if m.Code() == 0 {
		method, _, _ := strings.Cut(m.Raw, " ")
		return method
	}
	_, method, _ := strings.Cut(m.Header("CSeq"), " ")
	return method
}

// CSeq is the sequence number.
func (m Message) CSeq() int {
	num, _, _ := strings.Cut(m.Header("CSeq"), " ")
	n, _ := strconv.Atoi(num)
	return n
}

// Header is the value of the first header of that name.
func (m Message) Header(name string) string {
	if all := m.Headers(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// compact are the short names that answers may use (RFC 3261 §7.3.3).
var compact = map[string]string{
	"via": "v", "from": "f", "to": "t", "call-id": "i", "contact": "m", "content-type": "c", "content-length": "l",
	"supported": "k", "event": "o", "allow-events": "u",
}

// Headers are the values of all headers of that name, or of its short form.
func (m Message) Headers(name string) []string {
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	var all []string
	for line := range strings.SplitSeq(head, "\r\n") {
		k, v, ok := strings.Cut(line, ":")
		if k = strings.TrimSpace(k); ok && (strings.EqualFold(k, name) || k == compact[strings.ToLower(name)]) {
			all = append(all, strings.TrimSpace(v))
		}
	}
	return all
}

// Body is what follows the empty line.
func (m Message) Body() string {
	_, body, _ := strings.Cut(m.Raw, "\r\n\r\n")
	return body
}

// Tag is the tag of a From or To header.
func (m Message) Tag(name string) string {
	_, tag, _ := strings.Cut(m.Header(name), ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}

// Param is a parameter of a header, empty if absent.
func (m Message) Param(name, param string) string {
	for p := range strings.SplitSeq(m.Header(name), ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), param) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// URI is the URI inside the angle brackets of a header.
func (m Message) URI(name string) string {
	_, uri, _ := strings.Cut(m.Header(name), "<")
	uri, _, _ = strings.Cut(uri, ">")
	return uri
}

// Text makes a message of lines as a test writes them: LF becomes CRLF, and Content-Length is put in unless it is there.
func Text(lines string) string {
	lines = strings.ReplaceAll(strings.ReplaceAll(lines, "\r\n", "\n"), "\n", "\r\n")
	head, body, found := strings.Cut(lines, "\r\n\r\n")
	if !found {
		head = strings.TrimSuffix(lines, "\r\n")
	}
	low := strings.ToLower(head)
	if !strings.Contains(low, "\r\ncontent-length:") && !strings.Contains(low, "\r\nl:") {
		head += "\r\nContent-Length: " + strconv.Itoa(len(body))
	}
	return head + "\r\n\r\n" + body
}
