package store_test

import (
	"reflect"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/store/storetest"
)

func TestAPITokens(t *testing.T) {
	path := t.TempDir() + "/data.db"
	s := storetest.Open(t, path)
	one := directory.APIToken{ID: "tok-1", Hash: "aa", Name: "backup", Account: "user-7", Site: "paris.acme.test", Scopes: []string{"read"}, Created: time.Unix(1, 0).UTC(), Expires: time.Unix(2, 0).UTC()}
	two := directory.APIToken{ID: "tok-2", Hash: "bb", Scopes: []string{"admin"}, Created: time.Unix(1, 0).UTC(), Expires: time.Unix(2, 0).UTC(), Used: time.Unix(3, 0).UTC()}
	for _, token := range []directory.APIToken{one, {ID: "tok-2"}, two, {ID: "tok-3"}} {
		if err := s.KeepAPIToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.ForgetAPIToken(t.Context(), "tok-3"); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Close(t, s)
	got, err := storetest.Open(t, path).APITokens(t.Context())
	if want := []directory.APIToken{one, two}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %+v, want %+v", err, got, want)
	}
}
