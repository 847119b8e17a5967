package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/store"
)

const (
	oneKey     = "0101010101010101010101010101010101010101010101010101010101010101"
	anotherKey = "0202020202020202020202020202020202020202020202020202020202020202"
)

// sameState compares what is stored, secrets by their text.
var sameState = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(directory.User{}, "Site", "Ref", "Revision"),
	cmpopts.IgnoreFields(directory.Device{}, "User", "Primary"),
	cmpopts.IgnoreFields(directory.Trunk{}, "Site"),
	cmpopts.IgnoreFields(directory.Site{}, "Revision"),
	cmp.Transformer("reveal", func(s directory.Secret) string { return s.Reveal() }),
}

// dataDir is a data directory under test.
type dataDir storeFlags

func newDataDir(t *testing.T, key string) dataDir {
	t.Helper()
	return dataDir{Data: filepath.Join(t.TempDir(), "data"), StoreKey: key}
}

func (d dataDir) run(t *testing.T, dryRun bool, files ...string) error {
	t.Helper()
	return (&importCmd{storeFlags: storeFlags(d), Files: files, DryRun: dryRun}).Run(t.Context())
}

func (d dataDir) export(t *testing.T, secrets sitefile.SecretMode) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.yaml")
	if err := (&exportCmd{storeFlags: storeFlags(d), Secrets: secrets, Out: out}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the export: %v, %v", info.Mode(), err)
	}
	return out
}

// load opens the store, reads it and closes it.
func (d dataDir) load(t *testing.T) *directory.Enterprise {
	t.Helper()
	key, err := store.ParseKey(d.StoreKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(d.Data, storeFile), key)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// full is a site with every field, and enough portal passwords that they stay sealed.
func full(t *testing.T) []string {
	t.Helper()
	var users strings.Builder
	users.WriteString("site,name,extension,portal_password,pack\n")
	for i := range 30 {
		users.WriteString("Lyon,Somebody,2" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "0,pass word,premium\n")
	}
	return []string{"../../testdata/sites/everything.good.yaml", writeFile(t, "users.csv", users.String())}
}

// TestExportImportsAgain wants the same state from each kind of export.
func TestExportImportsAgain(t *testing.T) {
	first := newDataDir(t, oneKey)
	if err := first.run(t, false, full(t)...); err != nil {
		t.Fatal(err)
	}
	want := first.load(t)
	if len(want.Sites) != 2 || len(want.Sites[0].Users) != 32 || want.Sites[0].Users[5].SpaceID == "" {
		t.Fatalf("imported: %+v", want)
	}
	t.Run("clear, with another key", func(t *testing.T) {
		second := newDataDir(t, anotherKey)
		if err := second.run(t, false, first.export(t, sitefile.SecretsClear)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, second.load(t), sameState); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("sealed, with the same key", func(t *testing.T) {
		second := newDataDir(t, oneKey)
		file := first.export(t, sitefile.SecretsSealed)
		if err := second.run(t, false, file); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, second.load(t), sameState); diff != "" {
			t.Error(diff)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"pass word", "zoe-app-pass", "0042", want.Sites[0].Users[5].SpaceID.Reveal()} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%q is in a sealed export", secret)
			}
		}
	})
	t.Run("sealed, with another key", func(t *testing.T) {
		second := newDataDir(t, anotherKey)
		err := second.run(t, false, first.export(t, sitefile.SecretsSealed))
		if err == nil || !strings.Contains(err.Error(), "sites[0].users[0].phone.password: does not open") {
			t.Errorf("opened with another key: %v", err)
		}
		if len(second.load(t).Sites) != 0 {
			t.Error("something was imported")
		}
	})
	t.Run("omitted, over the same store", func(t *testing.T) {
		if err := first.run(t, false, first.export(t, sitefile.SecretsOmitted)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, first.load(t), sameState); diff != "" {
			t.Error(diff)
		}
	})
}

func TestImportRefusesWhole(t *testing.T) {
	d := newDataDir(t, oneKey)
	if err := d.run(t, false, "../../testdata/sites/everything.good.yaml"); err != nil {
		t.Fatal(err)
	}
	want := d.load(t)
	csv := writeFile(t, "users.csv", "site,name,extension\nLyon,Good,0301\nLyon,Taken,0101\nLyon,Short,1\n")
	for _, dryRun := range []bool{true, false} {
		err := d.run(t, dryRun, csv)
		if err == nil || !strings.HasPrefix(err.Error(), "faults: 2, nothing was changed\n"+csv+":3:12: extension: duplicate extension") {
			t.Errorf("dry run %v: %v", dryRun, err)
		}
	}
	if diff := cmp.Diff(want, d.load(t), sameState); diff != "" {
		t.Error(diff)
	}
	good := writeFile(t, "users.csv", "site,name,extension\nLyon,Good,0301\n")
	if err := d.run(t, true, good); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, d.load(t), sameState); diff != "" {
		t.Error("a dry run changed something:\n" + diff)
	}
}

// TestNothingIsMadeToLook wants commands that only read to leave no store and no key behind.
func TestNothingIsMadeToLook(t *testing.T) {
	d := newDataDir(t, "")
	if err := d.run(t, true, "../../testdata/sites/everything.good.yaml"); err != nil {
		t.Error(err)
	}
	if err := (&exportCmd{storeFlags: storeFlags(d), Secrets: sitefile.SecretsClear}).Run(t.Context()); err == nil {
		t.Error("nothing was exported without an error")
	}
	if _, err := os.Stat(d.Data); err == nil {
		t.Error("the data directory was made")
	}
}

func TestCheckConfig(t *testing.T) {
	if err := (&checkConfigCmd{Files: full(t)}).Run(); err != nil {
		t.Error(err)
	}
	err := (&checkConfigCmd{Files: []string{"../../testdata/sites/duplicates.bad.yaml"}}).Run()
	if err == nil || len(strings.Split(err.Error(), "\n")) != 1+19 {
		t.Errorf("the file has 19 faults: %v", err)
	}
	if err := (&checkConfigCmd{Files: []string{"absent.yaml", "lacking.csv"}}).Run(); err == nil || !strings.Contains(err.Error(), "absent.yaml") || !strings.Contains(err.Error(), "lacking.csv") {
		t.Errorf("absent files: %v", err)
	}
}
