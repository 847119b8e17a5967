package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"passerelle/directory"
)

// TestPhoneFetchesByTLS fetches a profile from the server's listeners: by TLS there is one, without it there is none, and
// nobody who does not have the link learns anything, by whatever path.
func TestPhoneFetchesByTLS(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	path, _, err := s.phones.NewSetup(t.Context(), directory.MAC("00:a0:c9:11:22:31"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	for _, tc := range []struct {
		url  string
		code int
	}{
		{"http://" + s.addr + path + "00a0c9112231.xml", http.StatusForbidden},
		{"https://" + s.secure + "/p/00a0c9112231/00a0c9112231.xml", http.StatusNotFound},
		{"https://" + s.secure + path + "..%2f..%2fetc%2fpasswd", http.StatusNotFound},
		{"https://" + s.secure + path + "%2e%2e/%2e%2e/etc/passwd", http.StatusNotFound},
		{"https://" + s.secure + path + "00a0c9112231.xml", http.StatusOK},
	} {
		code, body := adminGet(t, client, tc.url)
		if has := strings.Contains(body, "pW-77e310"); code != tc.code || has != (code == http.StatusOK) {
			t.Errorf("%s: %d, want %d; a password: %v", tc.url, code, tc.code, has)
		}
		if code == http.StatusOK && !strings.Contains(body, ">https://"+s.secure+"/p/") {
			t.Error("the phone's own link is not on the server that it asked")
		}
	}
	s.stop()
	if token := strings.Trim(strings.TrimPrefix(path, "/p/"), "/"); strings.Contains(s.log.String(), token) || !strings.Contains(s.log.String(), "/p/***") {
		t.Errorf("the link is in the log, or no request is:\n%s", s.log.String())
	}
}

// TestHTTPSFlags refuses authorities that cannot be read, and takes those that can.
func TestHTTPSFlags(t *testing.T) {
	empty, good := filepath.Join(t.TempDir(), "empty.pem"), filepath.Join(t.TempDir(), "good.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: testTLS().Certificates[0].Certificate[0]})
	if err := os.WriteFile(good, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, fault := range map[string]string{empty: "there is no certificate", filepath.Join(t.TempDir(), "none.pem"): "no such file"} {
		c := &serveCmd{HTTPS: "127.0.0.1:0", PhoneCA: file}
		if _, err := c.secureWeb(t.Context(), testTLS()); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v", file, err)
		}
	}
	c := &serveCmd{HTTPS: "127.0.0.1:0", PhoneCA: good}
	ln, err := c.secureWeb(t.Context(), testTLS())
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if testTLS().ClientCAs != nil {
		t.Error("SIP asks phones for certificates too")
	}
}
