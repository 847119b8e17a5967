package directory

import (
	"cmp"
	"errors"
	"strings"
)

// ErrInvalid is what every fault of an enterprise is (errors.Is).
var ErrInvalid = errors.New("invalid")

var (
	// ErrPINLength is a new PIN that is not numeric, too short or too long.
	ErrPINLength = errors.New("PIN is not of digits, too short or too long")
	// ErrPINSequence is a new PIN of one digit repeated, or of digits in a row.
	ErrPINSequence = errors.New("PIN is a sequence")
	// ErrPINNumber is a new PIN that is part of the user's number or repeats the extension.
	ErrPINNumber = errors.New("PIN is part of the number")
)

var (
	// ErrBadRange is a text that is no address or range of addresses, or too wide a range.
	ErrBadRange = errors.New("not an address or a range such as 192.0.2.0/24")
	// ErrTooManyRanges means that MaxAllowedSources ranges are allowed already.
	ErrTooManyRanges = errors.New("too many ranges are allowed")
)

// Fault is one rule that an enterprise breaks.
type Fault struct {
	// Path is the place: sites[0].users[2].number.
	Path string
	// Cause says what is wrong, without repeating a secret.
	Cause string
	// Owner is the struct at fault (*Site, *User, *Device, …) and Field the name of its field, so
	// that a parser can tell the line it came from. An element of a list has its index in Field.
	Owner any
	Field string
	// First is where the value that a duplicate repeats, or that a rule conflicts with, was seen
	// first; its path is part of Cause. It is nil for the other faults.
	First *Place
}

// Place is a field of an enterprise.
type Place struct {
	Path  string
	Owner any
	Field string
}

// Error implements error.
func (f *Fault) Error() string { return f.Path + ": " + f.Cause }

// Is makes every fault an ErrInvalid.
func (f *Fault) Is(target error) bool { return target == ErrInvalid }

// Faults takes the faults out of an error of New.
func Faults(err error) []*Fault {
	var faults []*Fault
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand
	case nil:
	case *Fault:
		faults = append(faults, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			faults = append(faults, Faults(inner)...)
		}
	case interface{ Unwrap() error }:
		faults = Faults(e.Unwrap())
	}
	return faults
}

// joinPath puts a field behind the path of its owner.
func joinPath(path, field string) string {
	if path == "" || field == "" {
		return cmp.Or(path, field)
	}
	return strings.Join([]string{path, field}, ".")
}
