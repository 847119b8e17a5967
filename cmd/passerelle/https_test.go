package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/portal/httpd"
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

// TestHTTPSFollowsReloads shows a browser the certificate of the moment of its connection, over connections that live on, and
// looks at phones' certificates by the authorities of the moment, also when a session is resumed.
func TestHTTPSFollowsReloads(t *testing.T) {
	dir := t.TempDir()
	makers := issue(1, nil, authority)
	putFile(t, filepath.Join(dir, "ca.pem"), makers.cert)
	use := func(serial int64, certs *certificates) *issued {
		t.Helper()
		i := issue(serial, nil)
		cert, key := i.write(t, dir)
		set, err := readCertificates(cert, key, filepath.Join(dir, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		certs.use(set)
		return i
	}
	certs := &certificates{}
	first := use(2, certs)
	c := &serveCmd{HTTPS: "127.0.0.1:0"}
	ln, err := c.secureWeb(t.Context(), certs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	srv := httpd.NewServer(httpd.ServerConfig{Listener: ln}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, %d phones", r.Proto, len(r.TLS.PeerCertificates))
	}))
	go func() { ended <- srv.Run(ctx) }() // until stop
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	// browser is a new client each time; it tells what it hears, whose certificate it saw, and whether it resumed a session.
	browser := func(conf *tls.Config) (ask func() (string, *x509.Certificate, bool)) {
		conf.InsecureSkipVerify, conf.MinVersion = true, tls.VersionTLS12
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}}
		t.Cleanup(client.CloseIdleConnections)
		return func() (string, *x509.Certificate, bool) {
			t.Helper()
			resp, err := client.Get("https://" + ln.Addr().String())
			if err != nil {
				return err.Error(), nil, false
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body), resp.TLS.PeerCertificates[0], resp.TLS.DidResume
		}
	}
	kept := browser(&tls.Config{})
	phone := tls.Config{Certificates: []tls.Certificate{issue(3, makers, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }).tls()}}
	phone.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	for again := range 2 {
		body, cert, _ := kept()
		if body != "HTTP/2.0, 0 phones" || !cert.Equal(first.leaf) {
			t.Error(body, cert.SerialNumber)
		}
		if body, _, resumed := browser(phone.Clone())(); body != "HTTP/2.0, 1 phones" || resumed != (again == 1) {
			t.Errorf("a phone: %s, resumed %v", body, resumed)
		}
	}
	putFile(t, filepath.Join(dir, "ca.pem"), issue(4, nil, authority).cert) // others
	second := use(5, certs)
	if _, cert, _ := kept(); !cert.Equal(first.leaf) {
		t.Error("the connection that was up is another one")
	}
	if _, cert, _ := browser(&tls.Config{})(); !cert.Equal(second.leaf) {
		t.Error("a new connection sees the former certificate")
	}
	if body, _, resumed := browser(phone.Clone())(); body == "HTTP/2.0, 1 phones" {
		t.Errorf("a phone of the former authorities is let in, resumed %v", resumed)
	}
}
