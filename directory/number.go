package directory

import (
	"fmt"
	"strings"
)

// Number is a telephone number in E.164 form with its leading plus sign.
type Number string

// ParseNumber accepts the shape of E.164: a plus sign and 7 to 15 digits, the first not 0.
func ParseNumber(s string) (Number, error) {
	digits, plus := strings.CutPrefix(s, "+")
	switch {
	case !plus:
		return "", fmt.Errorf("%q is not an E.164 number: it must begin with +", s)
	case !isDigits(digits):
		return "", fmt.Errorf("%q is not an E.164 number: only digits may follow the +", s)
	case digits[0] == '0':
		return "", fmt.Errorf("%q is not an E.164 number: no country code begins with 0", s)
	case len(digits) < 7 || len(digits) > 15:
		return "", fmt.Errorf("%q is not an E.164 number: 7 to 15 digits are needed, it has %d", s, len(digits))
	}
	return Number(s), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Number) UnmarshalText(text []byte) error {
	if len(text) == 0 { // an empty number is an absent one
		*n = ""
		return nil
	}
	v, err := ParseNumber(string(text))
	if err == nil {
		*n = v
	}
	return err
}

// isDigits says whether s is one or more of 0 to 9.
func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// FreeNumbers gives the two-way numbers of the site that its gateway could have: those that are no line's, not given to
// anybody else, and not the gateway's now.
func (d *Directory) FreeNumbers(s *Site) []Number {
	free := []Number{}
	for _, n := range s.Numbers {
		_, line := d.users[n]
		_, given := d.inbound[n]
		_, gateway := d.gateways[n]
		if !line && !given && !gateway {
			free = append(free, n)
		}
	}
	return free
}
