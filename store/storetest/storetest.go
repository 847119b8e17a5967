// Package storetest opens stores for tests and checks their files when the test ends.
package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"passerelle/store"
)

// Key is the key of every store for tests.
var Key = store.Key{0: 'k', 31: 'k'}

// New opens an empty store in a directory of the test's own. At cleanup its file is checked and closed.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, filepath.Join(t.TempDir(), "passerelle.db"))
}

// Open opens the store of a path. At cleanup its file is checked and closed.
func Open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path, Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(t, s) })
	return s
}

// Close checks the file and closes it; a store that is closed already is left alone.
func Close(t testing.TB, s *store.Store) {
	t.Helper()
	// Not the test's context: it has ended when cleanups run.
	if err := s.Check(context.Background()); err != nil && !errors.Is(err, store.ErrClosed) {
		t.Error("the file is damaged:", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
