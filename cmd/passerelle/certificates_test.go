package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
)

// TestTrunkSeesTheCertificateInForce shakes hands with a trunk that asks for our certificate: it is shown the one of that
// moment, and none where we have none or the trunk takes none of its kind.
func TestTrunkSeesTheCertificateInForce(t *testing.T) {
	asking := func(conf *tls.Config, edit ...func(*tls.Config)) *x509.Certificate {
		t.Helper()
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		trunk := &tls.Config{Certificates: []tls.Certificate{testIssued().tls()}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
		for _, f := range edit {
			f(trunk)
		}
		server := tls.Server(far, trunk)
		done := make(chan error, 1)
		go func() { done <- server.HandshakeContext(t.Context()) }() // ends with the handshake
		conf = conf.Clone()
		conf.InsecureSkipVerify = true
		client := tls.Client(near, conf)
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = client.Read(make([]byte, 1)) }() // takes the session tickets, until the pipe closes
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if shown := server.ConnectionState().PeerCertificates; len(shown) > 0 {
			return shown[0]
		}
		return nil
	}
	var none *certificates
	if got := asking(none.trunkTLS()); got != nil {
		t.Error("a certificate where there is none")
	}
	certs := testCertificates()
	conf := certs.trunkTLS()
	if got := asking(conf); !got.Equal(testIssued().leaf) {
		t.Error("not the first certificate")
	}
	second := issue(2, nil)
	certs.use(&certificateSet{pair: &keyPair{Certificate: second.tls()}})
	if got := asking(conf); !got.Equal(second.leaf) {
		t.Error("not the second certificate")
	}
	if got := asking(conf, func(c *tls.Config) {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AddCert(issue(3, nil, authority, func(c *x509.Certificate) { c.Subject.CommonName = "others" }).leaf)
	}); got != nil {
		t.Error("a certificate that the trunk does not take")
	}
}
