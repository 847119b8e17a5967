package audit

import "errors"

var (
	// ErrNotFound means that the journal has no such entry, or no longer.
	ErrNotFound = errors.New("no such entry in the journal")
	// ErrUndone means that the entry was undone already.
	ErrUndone = errors.New("the change was undone already")
	// ErrFinal means that the change cannot be undone: it made or removed a record, touched a secret, or is only part of
	// what happened.
	ErrFinal = errors.New("the change cannot be undone")
	// ErrMeanwhile means that what was changed has another value now than the change gave it, so undoing it would undo
	// somebody else's change as well.
	ErrMeanwhile = errors.New("it was changed again since")
)
