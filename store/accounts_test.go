package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/store/storetest"
)

func TestAccountsAreKeptAndSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s := storetest.Open(t, path)
	const id = directory.OwnerAccount
	want := directory.Account{ID: id, Name: "Zoé Blanc", Email: "zoe@acme.test", PasswordHash: "$argon2id$v=19$hash-of-zoe", TOTP: "KEYOFZOE", TOTPStep: 7, RecoveryHashes: []string{"ab12"}, Language: directory.French}
	if err := s.EditAccount(t.Context(), id, func(a *directory.Account) error { *a = want; return nil }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no")
	err := s.EditAccount(t.Context(), id, func(a *directory.Account) error { a.Name = "somebody else"; return refused })
	if !errors.Is(err, refused) {
		t.Errorf("a refused change returned %v", err)
	}
	if got, err := s.Account(t.Context(), id); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, %v", got, err)
	}
	if got, err := s.Account(t.Context(), directory.UserAccount(4)); err != nil || !reflect.DeepEqual(got, directory.Account{ID: "user-4"}) {
		t.Errorf("an account nobody made: %+v, %v", got, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte("zoe@acme.test")) {
		t.Fatal("the address is not in the file: this test looks in the wrong place")
	}
	for _, secret := range []string{"hash-of-zoe", "KEYOFZOE"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%s stands in the file in clear", secret)
		}
	}
}

func TestSessionsExpire(t *testing.T) {
	k := storetest.New(t).Sessions()
	now := time.Now()
	for token, expiry := range map[string]time.Time{"live": now.Add(time.Hour), "old": now.Add(-time.Second), "gone": now.Add(time.Hour)} {
		if err := k.Commit(token, []byte("data of "+token), expiry); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(k.Delete("gone"), k.Delete("never there")); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"live": "data of live", "old": "", "gone": "", "never there": ""} {
		data, found, err := k.Find(token)
		if err != nil || found != (want != "") || string(data) != want {
			t.Errorf("%s: %q %v %v", token, data, found, err)
		}
	}
	if n, err := k.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("swept %d, %v; one had expired", n, err)
	}
	if _, found, err := k.Find("live"); !found || err != nil {
		t.Error("the sweep took a live session", err)
	}
}

func TestPasswordsWithoutAccountTakeNoLess(t *testing.T) {
	s := storetest.New(t)
	if ok, err := s.CheckPassword(t.Context(), "", "anything"); ok || err != nil {
		t.Errorf("no hash: %v, %v", ok, err)
	}
	hash, err := s.HashPassword(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"correct horse": true, "wrong horse": false, "": false} {
		if ok, err := s.CheckPassword(t.Context(), hash, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	importInto(t, s, bulk(20)) // more than an import hashes: their passwords stay sealed
	ref := load(t, s).Sites[0].Users[3].Ref
	quickest := func(check func() (bool, error)) time.Duration {
		least := time.Hour
		for range 3 {
			start := time.Now()
			if ok, err := check(); ok || err != nil {
				t.Fatalf("a wrong password: %v, %v", ok, err)
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	hashed := quickest(func() (bool, error) { return s.CheckPassword(t.Context(), hash, "wrong") })
	for what, check := range map[string]func() (bool, error){
		"no account":      func() (bool, error) { return s.CheckPassword(t.Context(), "", "wrong") },
		"sealed password": func() (bool, error) { return s.CheckPortalPassword(t.Context(), ref, "wrong") },
	} {
		// A comparison takes microseconds, a hash some ten thousand: no load of the machine makes up for that.
		if took := quickest(check); took < hashed/10 {
			t.Errorf("%s is answered in %v, a hashed one in %v", what, took, hashed)
		}
	}
}
