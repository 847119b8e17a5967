package store_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"passerelle/store"
)

func TestParseKey(t *testing.T) {
	k := store.NewKey()
	for _, text := range []string{hex.EncodeToString(k[:]), strings.ToUpper(hex.EncodeToString(k[:])) + "\n", base64.StdEncoding.EncodeToString(k[:])} {
		if got, err := store.ParseKey(text); err != nil || got != k {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
	for _, text := range []string{"", "secret", hex.EncodeToString(k[:31]), hex.EncodeToString(k[:]) + "00"} {
		if _, err := store.ParseKey(text); !errors.Is(err, store.ErrBadKey) {
			t.Errorf("%d characters are a key: %v", len(text), err)
		}
	}
	if out := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(out, hex.EncodeToString(k[:4])) || strings.Contains(out, fmt.Sprint(k[0])+" "+fmt.Sprint(k[1])) {
		t.Error("a key prints:", out)
	}
}

func TestFindKey(t *testing.T) {
	dir := t.TempDir()
	env, file := store.NewKey(), store.NewKey()
	path := filepath.Join(dir, "given.key")
	if err := os.WriteFile(path, []byte(hex.EncodeToString(file[:])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(dir, "data", "secret.key")
	for _, test := range []struct {
		name string
		src  store.KeySource
		want store.Key
	}{
		{"environment first", store.KeySource{Text: hex.EncodeToString(env[:]), File: path, Generate: beside}, env},
		{"then the file", store.KeySource{File: path, Generate: beside}, file},
	} {
		got, generated, err := store.FindKey(test.src)
		if err != nil || got != test.want || generated {
			t.Errorf("%s: %v, generated %v", test.name, err, generated)
		}
	}
	if _, err := os.Stat(beside); err == nil {
		t.Error("a key was generated though one was given")
	}
	first, generated, err := store.FindKey(store.KeySource{Generate: beside})
	if err != nil || !generated {
		t.Fatal(err, generated)
	}
	if info, err := os.Stat(beside); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	if second, _, err := store.FindKey(store.KeySource{Generate: beside}); err != nil || second != first {
		t.Error("the generated key is not found again:", err)
	}
	if _, _, err := store.FindKey(store.KeySource{}); !errors.Is(err, store.ErrNoKey) {
		t.Error("a key out of nothing:", err)
	}
	if _, _, err := store.FindKey(store.KeySource{File: filepath.Join(dir, "absent")}); !errors.Is(err, os.ErrNotExist) {
		t.Error("an absent key file:", err)
	}
	// A key file that was cut short must not be replaced by a new key: the data would be lost.
	if err := os.WriteFile(beside, []byte("00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.FindKey(store.KeySource{Generate: beside}); !errors.Is(err, store.ErrBadKey) {
		t.Error("a broken key file:", err)
	}
	if text, _ := os.ReadFile(beside); string(text) != "00" {
		t.Error("a broken key file was overwritten")
	}
}
