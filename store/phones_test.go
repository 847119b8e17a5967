package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"passerelle/provision"
	"passerelle/store/storetest"
)

// TestPhonesOutliveTheServer keeps two phones, one of them twice, and reads them from the file again; no secret is in it.
func TestPhonesOutliveTheServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s := storetest.Open(t, path)
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	full := provision.Record{
		MAC: "00:a0:c9:11:22:31", Token: "the-token-of-the-phone", Setup: &provision.Setup{Hash: bytes.Repeat([]byte{7}, 32), Until: at, Used: at},
		Fetch:   &provision.Fetch{At: at, File: "x.xml", Agent: "Cisco", Source: "192.0.2.1:9", TLS: true, Digest: []byte{1}, Username: "u", Password: "the-password"},
		Reports: []provision.Report{{Name: "r.tar.gz", At: at, Size: 3}},
	}
	bare := provision.Record{MAC: "00:a0:c9:11:22:01"}
	for _, r := range []provision.Record{{MAC: full.MAC}, bare, full} {
		if err := s.SavePhone(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if full.Token == "" || full.Fetch.Password == "" {
		t.Error("the caller's record has changed")
	}
	storetest.Close(t, s)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"the-token-of-the-phone", "the-password"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%s is in the file", secret)
		}
	}
	s = storetest.Open(t, path)
	got, err := s.LoadPhones(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]provision.Record{bare, full}, got); diff != "" {
		t.Error("after a restart (-want +got):\n" + diff)
	}
}
