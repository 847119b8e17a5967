package audit

import (
	"context"

	"passerelle/directory"
)

// Journal is where entries are read; package store satisfies it.
type Journal interface {
	// AuditEntry gives one entry; ErrNotFound where there is none.
	AuditEntry(ctx context.Context, id uint64) (Entry, error)
}

// Undo takes an entry back by edit, which changes the enterprise in one transaction and records that. may says whether who
// asks may; its error is given as it is. Other errors are ErrNotFound, ErrUndone, ErrFinal, ErrMeanwhile, and those of edit.
func Undo(ctx context.Context, j Journal, id uint64, may func(*Entry) error, edit func(ctx context.Context, change func(*directory.Enterprise) error) error) error {
	e, err := j.AuditEntry(ctx, id)
	if err != nil {
		return err
	}
	if err := may(&e); err != nil {
		return err
	}
	switch {
	case e.UndoneBy != 0:
		return ErrUndone
	case !e.Undoable():
		return ErrFinal
	}
	t := Of(ctx)
	if t == nil {
		t = &Trail{}
		ctx = With(ctx, t)
	}
	t.Undoes = id
	return edit(ctx, func(current *directory.Enterprise) error { return Revert(current, e.Changes) })
}
