package directory

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// hidden is what a secret looks like to everyone who has not asked for it by name.
const hidden = "***"

// Secret is a text that must not reach a log, a page or an error: PIN, password, space ID.
// The zero value means "none".
type Secret string

// Reveal gives the text. Call it only where the text itself is needed.
func (s Secret) Reveal() string { return string(s) }

// Equal compares in a time that does not depend on where the texts differ.
func (s Secret) Equal(text string) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(text)) == 1
}

// String implements fmt.Stringer without giving the secret away.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format implements fmt.Formatter, so that %q, %x and %#v hide the text as %s does.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from encoding/json, encoding/xml and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
