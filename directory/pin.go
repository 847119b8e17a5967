package directory

import (
	"fmt"
	"strings"
)

// CheckNewPIN refuses a PIN that a guesser tries first: too short or too long, one digit repeated, a run such as 1234 or
// 8765, or a part of the user's own number or extension. PINs of imported files are held to length and digits only.
func CheckNewPIN(u *User, pin string) error {
	switch {
	case !isDigits(pin) || len(pin) < minPIN || len(pin) > maxPIN:
		return fmt.Errorf("%w: %d to %d digits are needed", ErrPINLength, minPIN, maxPIN)
	case isRun(pin, 0), isRun(pin, 1), isRun(pin, 9):
		return ErrPINSequence
	case strings.Contains(string(u.Number), pin), u.Extension != "" && strings.Trim(strings.ReplaceAll(pin, u.Extension, " "), " ") == "":
		return ErrPINNumber
	}
	return nil
}

// isRun says whether each digit is step above the one before it, past 9 from 0.
func isRun(digits string, step byte) bool {
	for i := 1; i < len(digits); i++ {
		if (digits[i-1]-'0'+step)%10 != digits[i]-'0' {
			return false
		}
	}
	return true
}
