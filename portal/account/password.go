package account

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The bounds on a new password, in characters; argon2id takes any length, a form should not.
const (
	MinPassword = 12
	MaxPassword = 128
)

// checkNewPassword refuses what a guesser tries first.
func checkNewPassword(password, name, email string) error {
	n := utf8.RuneCountInString(password)
	plain := strings.ToLower(strings.TrimSpace(password))
	switch {
	case n < MinPassword || n > MaxPassword:
		return fmt.Errorf("%d characters, %d to %d are needed: %w", n, MinPassword, MaxPassword, ErrWeakPassword)
	case plain == strings.ToLower(email) || plain == strings.ToLower(name):
		return fmt.Errorf("is the name or the address: %w", ErrWeakPassword)
	case strings.Count(plain, plain[:1]) == len(plain):
		return fmt.Errorf("is one character repeated: %w", ErrWeakPassword)
	}
	return nil
}
