package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"time"
)

// certificates are those in force: one immutable snapshot, which a reload replaces as a whole. Handshakes take the snapshot
// of their moment; connections that are up know nothing of the next one. It is safe for concurrent use.
type certificates struct {
	current atomic.Pointer[certificateSet]
}

// certificateSet is one snapshot; it is never changed.
type certificateSet struct {
	pair        *keyPair
	authorities *x509.CertPool // of phones; nil asks for no certificate
	authSum     [sha256.Size]byte
	web         *tls.Config // what HTTPS does with both
}

// readCertificates reads what flags name, or returns every fault of all files; phoneCA may be empty.
func readCertificates(certFile, keyFile, phoneCA string) (*certificateSet, error) {
	s := &certificateSet{}
	var faults []error
	var err error
	if s.pair, err = readKeyPair(certFile, keyFile); err != nil {
		faults = append(faults, err)
	}
	if phoneCA != "" {
		if s.authorities, s.authSum, err = readAuthorities(phoneCA); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, joinFaults(faults...)
	}
	s.web = &tls.Config{Certificates: []tls.Certificate{s.pair.Certificate}, MinVersion: tls.VersionTLS12, NextProtos: webProtocols}
	if s.authorities != nil {
		s.web.ClientCAs, s.web.ClientAuth = s.authorities, tls.VerifyClientCertIfGiven
	}
	return s, nil
}

// webProtocols are what HTTPS speaks.
var webProtocols = []string{"h2", "http/1.1"}

// inTime returns a fault unless the certificate is valid at a moment.
func (s *certificateSet) inTime(now time.Time) error { return s.pair.inTime(now) }

// same tells whether two snapshots were read from equal files.
func (s *certificateSet) same(other *certificateSet) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.pair.sum == other.pair.sum && s.authSum == other.authSum
}

// use puts a snapshot in force.
func (c *certificates) use(s *certificateSet) { c.current.Store(s) }

// sipTLS is how SIP by TLS and WSS proves the server; nil for a nil receiver, where neither is spoken.
func (c *certificates) sipTLS() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &c.current.Load().pair.Certificate, nil
	}}
}

// webTLS is how HTTPS proves the server and looks at phones' certificates.
func (c *certificates) webTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return c.current.Load().web, nil
	}}
}

// trunkTLS is how we prove ourselves to trunks by TLS that ask: by the certificate of our own listeners. A nil receiver has
// none.
func (c *certificates) trunkTLS() *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c == nil {
		return conf
	}
	conf.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		s := c.current.Load()
		if s == nil || asked.SupportsCertificate(&s.pair.Certificate) != nil {
			return &tls.Certificate{}, nil // the trunk decides whether it does without
		}
		return &s.pair.Certificate, nil
	}
	return conf
}
