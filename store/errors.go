package store

import "errors"

// Opening.
var (
	// ErrWrongKey is returned by Open when the file was sealed with another key.
	ErrWrongKey = errors.New("the key is not the one this data was sealed with")
	// ErrInUse is returned by Open when another process has the file open.
	ErrInUse = errors.New("the data is in use by another process")
	// ErrNewerSchema is returned by Open when a later version of the server wrote the file.
	ErrNewerSchema = errors.New("the data was written by a newer version")
	// ErrNoKey is returned by FindKey when no key is given anywhere.
	ErrNoKey = errors.New("no key is given")
	// ErrBadKey is returned for a key that is not 32 bytes in hexadecimal or base64.
	ErrBadKey = errors.New("a key is 32 bytes, written as 64 hexadecimal digits or in base64")
)

// Using.
var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("the store is closed")
	// ErrDamaged is returned when a record or a sealed secret does not read back.
	ErrDamaged = errors.New("the stored data is damaged")
	// ErrNotFound is returned when there is no such user or site.
	ErrNotFound = errors.New("not found")
)
