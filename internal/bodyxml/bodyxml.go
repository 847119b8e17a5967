// Package bodyxml reads the small XML documents that phones put into SIP bodies, and helps to write such.
package bodyxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxSize bounds a document that is read.
const MaxSize = 64 << 10

// What Decode refuses besides documents that are not well-formed.
var (
	// ErrTooLarge is a document above MaxSize.
	ErrTooLarge = errors.New("document too large")
	// ErrDirective is a document with a document type declaration: no phone sends one, and entities come from there.
	ErrDirective = errors.New("document type declarations are not read")
	// ErrTrailing is a document with something behind its root element.
	ErrTrailing = errors.New("something follows the root element")
)

// Decode reads one document into v by the rules of encoding/xml. It takes UTF-8, US-ASCII and ISO-8859-1, which desk phones
// declare. It knows no entities but the five of XML, so that a document cannot name a file or grow.
func Decode(data []byte, v any) error {
	if len(data) > MaxSize {
		return ErrTooLarge
	}
	inner := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	inner.CharsetReader = charset
	d := xml.NewTokenDecoder(tokens{inner})
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read XML: %w", err)
	}
	for {
		switch t, err := d.Token(); t := t.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read XML: %w", err)
		case xml.CharData:
			if len(bytes.TrimSpace(bytes.Trim(t, "\x00"))) > 0 {
				return ErrTrailing
			}
		case xml.Comment, xml.ProcInst:
		default:
			return ErrTrailing
		}
	}
}

// tokens passes on what encoding/xml reads, but for document type declarations.
type tokens struct{ d *xml.Decoder }

// Token implements xml.TokenReader.
func (t tokens) Token() (xml.Token, error) {
	tok, err := t.d.Token()
	if _, ok := tok.(xml.Directive); ok {
		return nil, ErrDirective
	}
	return tok, err
}

// charset makes UTF-8 of what a document declares.
func charset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(label)) {
	case "us-ascii", "ascii", "utf8":
		return in, nil
	case "iso-8859-1", "iso_8859-1", "iso8859-1", "latin1":
		return &latin1{in: in}, nil
	}
	return nil, fmt.Errorf("no such character set: %.20q", label)
}

// latin1 reads ISO-8859-1 as UTF-8: each byte is its code point.
type latin1 struct {
	in   io.Reader
	rest []byte
	raw  [512]byte
}

// Read implements io.Reader.
func (r *latin1) Read(p []byte) (n int, err error) {
	if len(r.rest) == 0 {
		n, err = r.in.Read(r.raw[:])
		for _, c := range r.raw[:n] {
			r.rest = utf8.AppendRune(r.rest, rune(c))
		}
		if n > 0 {
			err = nil
		}
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, err
}

// Text escapes text for an element or a quoted attribute of a document in any character set: what is not ASCII becomes a
// character reference, and what XML cannot hold becomes the replacement character.
func Text(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&quot;")
		case c == '\t' || c == '\n' || c == '\r' || c >= 0x7f:
			if c == 0xfffe || c == 0xffff {
				c = utf8.RuneError
			}
			b.WriteString("&#" + strconv.Itoa(int(c)) + ";")
		case c < ' ':
			b.WriteString("&#65533;")
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
