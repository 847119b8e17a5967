package directory

import (
	"fmt"
	"io"
)

// The bounds on the length of a space ID.
const (
	MinSpaceIDLength = 4
	MaxSpaceIDLength = 15
)

// damm is the quasigroup of order 10 of H. M. Damm, "Total anti-symmetrische Quasigruppen" (2004).
// Its check digit finds every single wrong digit and every swap of neighbours.
var damm = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// dammState runs the digits through the quasigroup: the result is the check digit of s, and 0
// when s already ends in its own.
func dammState(s string) byte {
	var state byte
	for _, c := range []byte(s) {
		state = damm[state][c-'0']
	}
	return state
}

// ValidSpaceID says whether id could be a space ID of the site: its length, its digits and, on
// sites that use one, its check digit. An ID that is not valid is a typing error, not a guess.
func ValidSpaceID(s *Site, id string) bool {
	return spaceIDFault(s, id) == ""
}

// spaceIDFault says what is wrong with id, without repeating it.
func spaceIDFault(s *Site, id string) string {
	most := min(max(s.SpaceIDLength, MinSpaceIDLength), MaxSpaceIDLength)
	switch {
	case !isDigits(id):
		return "a space ID has digits only"
	case len(id) < MinSpaceIDLength || len(id) > most:
		return fmt.Sprintf("a space ID of this site has %d to %d digits, this one has %d", MinSpaceIDLength, most, len(id))
	case s.SpaceIDCheck && dammState(id) != 0:
		return "the last digit is not the Damm check digit of the others; mistyped, or set space_id_check: false"
	}
	return ""
}

// NewSpaceID draws a space ID of the site's full length from random (crypto/rand.Reader): the
// first digit is not 0, the last one is the check digit where the site uses one.
func NewSpaceID(s *Site, random io.Reader) (Secret, error) {
	digits := make([]byte, s.SpaceIDLength)
	if len(digits) < MinSpaceIDLength || len(digits) > MaxSpaceIDLength {
		return "", fmt.Errorf("generate a space ID of %d digits: %w", len(digits), ErrInvalid)
	}
	free := len(digits)
	if s.SpaceIDCheck {
		free--
	}
	var buf [1]byte
	for i := 0; i < free; {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", fmt.Errorf("generate a space ID: %w", err)
		}
		// 250 is the largest multiple of 10 in a byte: above it digits would not be equally likely.
		d := buf[0] % 10
		if buf[0] >= 250 || (i == 0 && d == 0) {
			continue
		}
		digits[i] = '0' + d
		i++
	}
	if s.SpaceIDCheck {
		digits[free] = '0' + dammState(string(digits[:free]))
	}
	return Secret(digits), nil
}
