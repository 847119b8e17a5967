package provision

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// authority makes certificates of phones.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	pair := a.issue(pkix.Name{CommonName: "Phones' authority"})
	a.key, a.cert = pair.PrivateKey.(*ecdsa.PrivateKey), pair.Leaf
	return a
}

// issue makes a certificate; without an authority's it signs itself.
func (a *authority) issue(subject pkix.Name) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: a.cert == nil, BasicConstraintsValid: true,
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestCertificates fetches without a link, by what phones have from the factory.
func TestCertificates(t *testing.T) {
	o := newOffice(t)
	factory, other := newAuthority(t), newAuthority(t)
	srv := httptest.NewUnstartedServer(o.phones.Handler())
	srv.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	srv.TLS.ClientCAs.AddCert(factory.cert)
	srv.StartTLS()
	defer srv.Close()
	fetch := func(file string, certs ...tls.Certificate) (code int, body string) {
		t.Helper()
		transport := srv.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = certs
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+Root+file, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(r)
		if err != nil {
			return 0, "" // no connection
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	host := factory.issue(pkix.Name{CommonName: "CP-8851-3PCC", OrganizationalUnit: []string{"00A0C9112231"}, SerialNumber: "FCH2118D5LV"})
	for _, file := range []string{"00a0c9112231.xml", "CP-8851-3PCC.xml"} {
		if code, body := fetch(file, host); code != http.StatusOK || parsed(t, []byte(body))["Password_1_"] != "pW-77e310" {
			t.Errorf("%s: %d", file, code)
		}
	}
	s, err := o.phones.State(hostMAC)
	if err != nil || !s.Current || s.Token == "" {
		t.Errorf("state %+v, %v", s, err)
	}
	for name, tc := range map[string]struct {
		file string
		cert []tls.Certificate
	}{
		"no certificate":                {"00a0c9112231.xml", nil},
		"another phone's":               {"00a0c9112231.xml", []tls.Certificate{factory.issue(pkix.Name{CommonName: "00a0c9112201"})}},
		"of two phones":                 {"00a0c9112231.xml", []tls.Certificate{factory.issue(pkix.Name{CommonName: "00a0c9112231 00a0c9112201"})}},
		"of no phone":                   {"00a0c9112231.xml", []tls.Certificate{factory.issue(pkix.Name{CommonName: "00a0c9112299"})}},
		"of digits among others":        {"00a0c9112231.xml", []tls.Certificate{factory.issue(pkix.Name{CommonName: "aa00a0c9112231"})}},
		"of somebody else's authority":  {"00a0c9112231.xml", []tls.Certificate{other.issue(pkix.Name{CommonName: "00a0c9112231"})}},
		"a file that is none of phones": {"passwd", []tls.Certificate{host}},
	} {
		if code, body := fetch(tc.file, tc.cert...); code == http.StatusOK || strings.Contains(body, "Password") {
			t.Errorf("%s: %d", name, code)
		}
	}
	if err := o.phones.Revoke(t.Context(), hostMAC); err != nil {
		t.Fatal(err)
	}
	if code, _ := fetch("00a0c9112231.xml", host); code != http.StatusNotFound {
		t.Errorf("a lost phone: %d", code)
	}
	o.setup(hostMAC) // it is back
	if code, _ := fetch("00a0c9112231.xml", host); code != http.StatusOK {
		t.Errorf("a phone that is back: %d", code)
	}
}
