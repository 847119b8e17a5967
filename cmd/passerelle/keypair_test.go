package main

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"passerelle/directory/sitefile"
)

// TestKeyPairFaults names file, line and flag of what is wrong, and repeats nothing of a key.
func TestKeyPairFaults(t *testing.T) {
	good, other := issue(1, nil), issue(2, nil)
	issuer := issue(3, nil, authority)
	damaged := strings.Replace(string(good.cert), "\nMII", "\n!!!", 1)
	text := func(n int) string { return strings.Repeat("a line of text\n", n) }
	for _, tt := range []struct {
		name, cert, key string
		want            []string // one fault each; none is good
	}{
		{"good", string(good.cert), string(good.pem), nil},
		{"chain, with text before", text(3) + string(good.cert) + string(issuer.cert), text(1) + string(good.pem), nil},
		{"both in both files", string(good.cert) + string(good.pem), string(good.cert) + string(good.pem), nil},
		{"empty", "", "", []string{"tls.pem: cert: there is no certificate in it", "tls.key: key: there is no private key in it"}},
		{"key in place of the certificate", string(good.pem), string(good.pem), []string{"tls.pem: cert: there is no certificate in it"}},
		{"another's key", text(4) + string(good.cert), text(2) + string(other.pem), []string{"tls.key:3:1: key: is not the key of the certificate of DIR/tls.pem, line 5"}},
		{"issuer first", string(issuer.cert) + string(good.cert), string(good.pem), []string{
			fmt.Sprintf("tls.key:1:1: key: is the key of the certificate of DIR/tls.pem, line %d, which must be the first there", 1+bytes.Count(issuer.cert, []byte("\n")))}},
		{"cut short", text(1) + string(good.cert[:200]), string(good.pem), []string{"tls.pem:2:1: cert: begins a block that is cut short or damaged"}},
		{"damaged before a good one", damaged + string(good.cert), string(good.pem), []string{"tls.pem:1:1: cert: begins a block that is cut short or damaged"}},
		{"no certificate in the block", text(1) + strings.Replace(string(good.pem), "PRIVATE KEY", "CERTIFICATE", 2), string(good.pem), []string{"tls.pem:2:1: cert: is no certificate: malformed tbs certificate"}},
		{"encrypted", string(good.cert), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n", []string{"tls.key:1:1: key: is encrypted: the server has nobody to ask for the passphrase"}},
		{"damaged key", string(good.cert), "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", []string{"tls.key:1:1: key: cannot be used: failed to parse private key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
			putFile(t, cert, []byte(tt.cert))
			putFile(t, key, []byte(tt.key))
			pair, err := readKeyPair(cert, key)
			if err == nil && tt.want == nil {
				if pair.Leaf == nil || !pair.Leaf.Equal(good.leaf) {
					t.Errorf("read %v", pair.Leaf)
				}
				return
			}
			if err == nil {
				t.Fatalf("no fault, want %q", tt.want)
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), dir+"/tls", "tls"), "\n")
			for i, want := range tt.want {
				if want = strings.ReplaceAll(want, "DIR/", ""); i >= len(got) || !strings.HasPrefix(got[i], want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestKeyPairThatIsNotThere tells of both files at once.
func TestKeyPairThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	_, err := readCertificates(filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key"), filepath.Join(dir, "ca.pem"))
	want := "a.pem: cert: cannot be read: no such file or directory\na.key: key: cannot be read: no such file or directory\nca.pem: phone-ca: cannot be read: no such file or directory"
	if err == nil || strings.ReplaceAll(err.Error(), dir+"/", "") != want {
		t.Errorf("got %v", err)
	}
}

// TestKeyPairInTime knows what has ended and what has not begun.
func TestKeyPairInTime(t *testing.T) {
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	i := issue(1, nil, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to })
	pair, err := readKeyPair(i.write(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{
		from: "", to: "", from.Add(-time.Second): "tls.pem:1:1: cert: the certificate begins on 2026-03-01T00:00:00Z",
		to.Add(time.Second): "tls.pem:1:1: cert: the certificate ended on 2026-06-01T00:00:00Z",
	} {
		err := pair.inTime(at)
		if (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("at %v: %v, want %q", at, err, want)
		}
	}
	if got := strings.Join(pair.names(), " "); got != "paris.acme.test localhost" {
		t.Errorf("names %q", got)
	}
}

// FuzzKeyPair reads whatever the files hold: it never panics, and what it takes is a pair; a fault names a line that is there.
func FuzzKeyPair(f *testing.F) {
	i, other := issue(1, nil), issue(2, nil, authority)
	f.Add(i.cert, i.pem)
	f.Add(append(i.cert, other.cert...), i.pem)
	f.Add(i.cert[:100], other.pem)
	f.Add([]byte("-----BEGIN "), []byte("-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		certFile, keyFile := filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
		putFile(t, certFile, cert)
		putFile(t, keyFile, key)
		pair, err := readKeyPair(certFile, keyFile)
		if err == nil {
			if pair.PrivateKey == nil || pair.Leaf == nil || pair.line < 1 {
				t.Errorf("read %+v", pair)
			}
			return
		}
		for _, fault := range sitefile.Faults(err) {
			lines := 1 + bytes.Count(map[string][]byte{certFile: cert, keyFile: key}[fault.File], []byte("\n"))
			if fault.Line > lines || fault.Cause == "" || fault.Field == "" {
				t.Errorf("%v: the file has %d lines", fault, lines)
			}
		}
		if len(sitefile.Faults(err)) == 0 {
			t.Errorf("no list of faults: %v", err)
		}
	})
}
