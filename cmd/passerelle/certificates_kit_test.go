package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// issued is a certificate with its key.
type issued struct {
	leaf      *x509.Certificate
	key       *ecdsa.PrivateKey
	cert, pem []byte // certificate and key, in PEM
}

// issue makes a certificate for the demo's domain and the loopback, by itself or by an authority. Bubbles begin in 2000, where
// a certificate of today is not valid yet.
func issue(serial int64, by *issued, edit ...func(*x509.Certificate)) *issued {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "passerelle"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
		DNSNames: []string{"paris.acme.test", "localhost"}, BasicConstraintsValid: true}
	for _, f := range edit {
		f(tmpl)
	}
	parent, signer := tmpl, key
	if by != nil {
		parent, signer = by.leaf, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return &issued{leaf: leaf, key: key,
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})}
}

// authority makes a certificate one that issues others.
func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
}

// tls is the certificate as a peer shows it.
func (i *issued) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{i.leaf.Raw}, PrivateKey: i.key, Leaf: i.leaf}
}

// write puts the certificate and its key into files of a directory.
func (i *issued) write(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile = filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
	putFile(t, certFile, i.cert)
	putFile(t, keyFile, i.pem)
	return certFile, keyFile
}

func putFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// testCertificates are those of a server that nobody verifies; tests that replace them make their own.
func testCertificates() *certificates {
	i := testIssued()
	c := &certificates{}
	c.use(&certificateSet{pair: &keyPair{Certificate: i.tls()}, web: &tls.Config{Certificates: []tls.Certificate{i.tls()}, MinVersion: tls.VersionTLS12}})
	return c
}

var testIssued = sync.OnceValue(func() *issued { return issue(1, nil) })
