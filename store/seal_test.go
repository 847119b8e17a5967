package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

func openTest(t *testing.T) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s, err := Open(path, Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

// importDemo imports the demo without portal passwords: hashing them takes most of an import's time.
func importDemo(t *testing.T, s *Store) {
	t.Helper()
	e := sitefile.Demo()
	for _, site := range e.Sites {
		for _, u := range site.Users {
			u.PortalPassword = ""
		}
	}
	if err := s.Import(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
}

func TestSealIsBoundToPurposeAndPath(t *testing.T) {
	s, _ := openTest(t)
	sealed := s.sealer.seal("pin", "users/1/pin", "246810")
	if text, err := s.sealer.open("pin", "users/1/pin", sealed); err != nil || text != "246810" {
		t.Fatal(text, err)
	}
	if again := s.sealer.seal("pin", "users/1/pin", "246810"); bytes.Equal(again, sealed) {
		t.Error("the same text is sealed alike twice: whoever reads the file sees equal PINs")
	}
	other, err := newSealer(Key{2})
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (string, error){
		"another purpose": func() (string, error) { return s.sealer.open("sip", "users/1/pin", sealed) },
		"another path":    func() (string, error) { return s.sealer.open("pin", "users/2/pin", sealed) },
		"another key":     func() (string, error) { return other.open("pin", "users/1/pin", sealed) },
		"unknown purpose": func() (string, error) { return s.sealer.open("x", "users/1/pin", sealed) },
		"empty":           func() (string, error) { return s.sealer.open("pin", "users/1/pin", nil) },
		"cut":             func() (string, error) { return s.sealer.open("pin", "users/1/pin", sealed[:8]) },
		"other version":   func() (string, error) { return s.sealer.open("pin", "users/1/pin", append([]byte{2}, sealed[1:]...)) },
		"a bit flipped": func() (string, error) {
			wrong := bytes.Clone(sealed)
			wrong[len(wrong)-1] ^= 1
			return s.sealer.open("pin", "users/1/pin", wrong)
		},
	} {
		if text, err := open(); !errors.Is(err, ErrDamaged) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func TestExportSeal(t *testing.T) {
	s, _ := openTest(t)
	sealed := s.SealForExport(directory.PurposePIN, "a/b/pin", "246810")
	if text, err := s.OpenFromExport(directory.PurposePIN, "a/b/pin", sealed); err != nil || text != "246810" {
		t.Fatal(text, err)
	}
	for _, wrong := range []string{"", "?", "AAAA", sealed + "AAAA"} {
		if _, err := s.OpenFromExport(directory.PurposePIN, "a/b/pin", wrong); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q opens: %v", wrong, err)
		}
	}
}

// TestACopiedRecordDoesNotOpen copies the record of one user over another's, as somebody would do
// who can write the file and wants to sign in with a PIN they know.
func TestACopiedRecordDoesNotOpen(t *testing.T) {
	s, _ := openTest(t)
	importDemo(t, s)
	err := s.db.Update(func(tx *bolt.Tx) error {
		users := tx.Bucket(bucketUsers)
		return users.Put(bigEndian(2), bytes.Clone(users.Get(bigEndian(1))))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a copied record opens: %v", err)
	}
}

func TestDamagedRecords(t *testing.T) {
	for name, damage := range map[string]func(tx *bolt.Tx) error{
		"a user": func(tx *bolt.Tx) error { return tx.Bucket(bucketUsers).Put(bigEndian(1), []byte("{")) },
		"a user of no site": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketUsers).Put(bigEndian(99), []byte(`{"Domain":"x","User":{}}`))
		},
		"a user without any": func(tx *bolt.Tx) error { return tx.Bucket(bucketUsers).Put(bigEndian(99), []byte(`{}`)) },
		"a site":             func(tx *bolt.Tx) error { return tx.Bucket(bucketSites).Put([]byte("x"), []byte("null")) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := openTest(t)
			importDemo(t, s)
			if err := s.db.Update(damage); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("loaded all the same: %v", err)
			}
		})
	}
}

func TestMigrations(t *testing.T) {
	s, path := openTest(t)
	importDemo(t, s)
	s.Close()

	known := migrations
	t.Cleanup(func() { migrations = known })
	ran := 0
	migrations = append(known[:len(known):len(known)],
		func(tx *bolt.Tx) error { ran++; return tx.Bucket(bucketMeta).Put([]byte("new"), []byte("x")) },
		func(*bolt.Tx) error { ran++; return errors.New("broken") })
	if _, err := Open(path, Key{1}); err == nil || ran != 2 {
		t.Fatalf("a broken migration: %v after %d", err, ran)
	}
	// Neither of the two is kept.
	migrations = known
	s, err := Open(path, Key{1})
	if err != nil {
		t.Fatal("a failed migration left traces:", err)
	}
	s.db.View(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketMeta).Get([]byte("new")) != nil {
			t.Error("the first half of a failed migration was kept")
		}
		return nil
	})
	s.Close()

	migrations = append(known[:len(known):len(known)], func(*bolt.Tx) error { return nil })
	if s, err = Open(path, Key{1}); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Load(t.Context()); err != nil || len(e.Sites) != 2 {
		t.Fatal("data lost with a migration:", err)
	}
	s.Close()
	// And back to the older version of the server.
	migrations = known
	if _, err := Open(path, Key{1}); !errors.Is(err, ErrNewerSchema) {
		t.Fatalf("an older version opened a newer file: %v", err)
	}
}
