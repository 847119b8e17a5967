package sitefile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"passerelle/directory"
)

// Fault is one thing wrong in a file.
type Fault struct {
	File string
	// Line and Column count from 1; 0 means that the file as a whole, or the stored data, is at fault.
	Line, Column int
	// Field is the place: sites[0].users[2].number, or the column of a CSV file.
	Field string
	// Cause says what is wrong, without repeating a secret.
	Cause string
}

// Error gives file:line:column: field: cause.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Field != "" {
		b.WriteString(": " + f.Field)
	}
	b.WriteString(": " + f.Cause)
	return b.String()
}

// Is makes every fault a directory.ErrInvalid.
func (f *Fault) Is(target error) bool { return target == directory.ErrInvalid }

// Error joins every fault of a run, one a line.
type Error struct{ Faults []*Fault }

// Error gives one line per fault.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.Is and errors.As each fault.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

// Faults takes the faults out of an error of this package; nil if it has none.
func Faults(err error) []*Fault {
	var e *Error
	if errors.As(err, &e) {
		return e.Faults
	}
	return nil
}

// sorted orders the faults as the files were given and as they are read, and drops repetitions.
func sorted(faults []*Fault, sources []Source) []*Fault {
	rank := make(map[string]int)
	for i, s := range sources {
		rank[s.Name] = i + 1 // what is in no file comes first
	}
	slices.SortStableFunc(faults, func(a, b *Fault) int {
		return cmp.Or(
			cmp.Compare(rank[a.File], rank[b.File]),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return slices.CompactFunc(faults, func(a, b *Fault) bool { return *a == *b })
}
