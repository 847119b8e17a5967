package store

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key is the master key; the keys that seal are derived from it, one per purpose.
type Key [32]byte

// String hides the key from formats and logs.
func (Key) String() string { return "***" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "store.Key{***}" }

// NewKey draws a random key.
func NewKey() (k Key) {
	rand.Read(k[:]) //nolint:errcheck // crypto/rand.Read never fails
	return k
}

// ParseKey reads a key of 64 hexadecimal digits, or 32 bytes in base64.
func ParseKey(text string) (k Key, err error) {
	text = strings.TrimSpace(text)
	raw, err := hex.DecodeString(text)
	if err != nil {
		raw, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(raw) != len(k) {
		return Key{}, ErrBadKey
	}
	return Key(raw), nil
}

// KeySource says where a key may come from; the first one that is given counts.
type KeySource struct {
	// Text is the key itself, from the environment.
	Text string
	// File is the path of a file that holds the key.
	File string
	// Generate is the path of a file beside the data that is made with a new key if absent; empty
	// forbids it. Such a key protects a stolen disk no better than none, so the operator is told.
	Generate string
}

// FindKey gives the key, and whether it is the generated one that lies beside the data.
func FindKey(src KeySource) (k Key, beside bool, err error) {
	switch {
	case src.Text != "":
		if k, err = ParseKey(src.Text); err != nil {
			return Key{}, false, fmt.Errorf("read the key from the environment: %w", err)
		}
		return k, false, nil
	case src.File != "":
		k, err = readKey(src.File)
		return k, false, err
	case src.Generate == "":
		return Key{}, false, ErrNoKey
	}
	k, err = readKey(src.Generate)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = generateKey(src.Generate)
	}
	return k, true, err
}

func readKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read the key file: %w", err)
	}
	k, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("read the key file %s: %w", path, err)
	}
	return k, nil
}

// generateKey writes a new key for its owner only. It never overwrites a key: without it the data
// could not be read again.
func generateKey(path string) (Key, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, fmt.Errorf("make a place for the key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Key{}, fmt.Errorf("make the key file: %w", err)
	}
	k := NewKey()
	_, err = fmt.Fprintln(f, hex.EncodeToString(k[:]))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return Key{}, fmt.Errorf("write the key file %s: %w", path, err)
	}
	return k, nil
}
