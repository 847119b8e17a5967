package provision

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"
)

// parameters is a flat-profile in the making.
type parameters struct{ buf bytes.Buffer }

func newParameters() *parameters {
	p := &parameters{}
	p.buf.Grow(16 << 10)
	p.buf.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<flat-profile>\n")
	return p
}

// set gives a parameter that users cannot change at the phone. An empty value empties the phone's.
func (p *parameters) set(name, value string) { p.put(name, value, "na") }

// offer gives a parameter that users may change.
func (p *parameters) offer(name, value string) { p.put(name, value, "rw") }

// extension gives a parameter of the n-th line, or line key, the first being 1.
func (p *parameters) extension(n int, name, value string) {
	p.set(name+"_"+strconv.Itoa(n)+"_", value)
}

func (p *parameters) put(name, value, access string) {
	for _, s := range [...]string{"  <", name, " ua=\"", access, "\">"} {
		p.buf.WriteString(s)
	}
	if value != "" {
		_ = xml.EscapeText(&p.buf, []byte(printable(value))) // a buffer takes everything
	}
	for _, s := range [...]string{"</", name, ">\n"} {
		p.buf.WriteString(s)
	}
}

func (p *parameters) bytes() []byte {
	p.buf.WriteString("</flat-profile>\n")
	return p.buf.Bytes()
}

// printable drops what an XML document cannot hold, or a phone's display not show.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\uFFFE' || r == '\uFFFF' {
			return -1
		}
		return r
	}, s)
}

func yes(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}
