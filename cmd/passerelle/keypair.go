package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"passerelle/directory/sitefile"
	"passerelle/portal/api"
)

// keyPair is a certificate chain with its key, as read from files.
type keyPair struct {
	tls.Certificate // with its Leaf
	file            string
	line            int // of the leaf in the file
	sum             [sha256.Size]byte
}

// readKeyPair reads a certificate chain and its private key. Its error is a *sitefile.Error with every fault that could be
// found, by file, line and flag.
func readKeyPair(certFile, keyFile string) (*keyPair, error) {
	p := &pemReader{}
	chain := p.read(certFile, "cert")
	key := p.read(keyFile, "key")
	if len(p.faults) > 0 {
		return nil, p.err()
	}
	certs := p.certificates(chain)
	keyLine := p.key(key)
	if len(p.faults) > 0 {
		return nil, p.err()
	}
	pair, err := tls.X509KeyPair(chain.data, key.data)
	if err != nil {
		cause := "cannot be used: " + strings.TrimPrefix(err.Error(), "tls: ")
		if strings.Contains(err.Error(), "does not match") {
			cause = fmt.Sprintf("is not the key of the certificate of %s, line %d", certFile, certs[0].line)
			for _, c := range certs[1:] {
				one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
				if _, err := tls.X509KeyPair(one, key.data); err == nil {
					cause = fmt.Sprintf("is the key of the certificate of %s, line %d, which must be the first there", certFile, c.line)
				}
			}
		}
		p.fault(key, keyLine, "%s", cause)
		return nil, p.err()
	}
	pair.Leaf = certs[0].Certificate
	return &keyPair{Certificate: pair, file: certFile, line: certs[0].line, sum: sumOf(chain.data, key.data)}, nil
}

// readAuthorities reads the certificates that prove phones.
func readAuthorities(file string) (pool *x509.CertPool, sum [sha256.Size]byte, err error) {
	p := &pemReader{}
	f := p.read(file, "phone-ca")
	var certs []placedCertificate
	if len(p.faults) == 0 {
		certs = p.certificates(f)
	}
	if len(p.faults) > 0 {
		return nil, sum, p.err()
	}
	pool = x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c.Certificate)
	}
	return pool, sumOf(f.data), nil
}

// inTime returns a fault unless the certificate is valid at a moment.
func (k *keyPair) inTime(now time.Time) error {
	cause := ""
	switch {
	case now.After(k.Leaf.NotAfter):
		cause = "the certificate ended on " + k.Leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(k.Leaf.NotBefore):
		cause = "the certificate begins on " + k.Leaf.NotBefore.UTC().Format(time.RFC3339)
	default:
		return nil
	}
	return &sitefile.Error{Faults: []*sitefile.Fault{{File: k.file, Line: k.line, Column: 1, Field: "cert", Cause: cause}}}
}

// names are what the certificate is for.
func (k *keyPair) names() []string {
	all := append([]string{}, k.Leaf.DNSNames...)
	for _, ip := range k.Leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 && k.Leaf.Subject.CommonName != "" {
		all = append(all, k.Leaf.Subject.CommonName)
	}
	return all
}

// fingerprint is the SHA-256 of the certificate, in hexadecimal.
func (k *keyPair) fingerprint() string {
	sum := sha256.Sum256(k.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// info is what others may know of the certificate: all but its key.
func (k *keyPair) info() *api.Certificate {
	return &api.Certificate{Names: k.names(), NotBefore: k.Leaf.NotBefore.UTC(), NotAfter: k.Leaf.NotAfter.UTC(), Fingerprint: k.fingerprint()}
}

func sumOf(files ...[]byte) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d:", len(f))
		h.Write(f)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// pemReader reads PEM files (RFC 7468) and gathers what is wrong with them. A fault never repeats what a file holds.
type pemReader struct{ faults []*sitefile.Fault }

// pemFile is a file and the flag that names it.
type pemFile struct {
	name, flag string
	data       []byte
}

type placedCertificate struct {
	*x509.Certificate
	line int
}

func (p *pemReader) err() error { return &sitefile.Error{Faults: p.faults} }

// fault notes a fault; line 0 means the file as a whole.
func (p *pemReader) fault(f pemFile, line int, format string, args ...any) {
	p.faults = append(p.faults, &sitefile.Fault{File: f.name, Line: line, Column: min(line, 1), Field: f.flag, Cause: fmt.Sprintf(format, args...)})
}

func (p *pemReader) read(name, flag string) pemFile {
	f := pemFile{name: name, flag: flag}
	data, err := os.ReadFile(name)
	if err != nil {
		p.fault(f, 0, "%s", withoutPath(err))
	}
	f.data = data
	return f
}

// blocks yields the blocks of a file with their lines; what begins and does not end properly is a fault.
func (p *pemReader) blocks(f pemFile, yield func(b *pem.Block, line int)) {
	const begin = "-----BEGIN "
	rest := f.data
	for {
		b, next := pem.Decode(rest)
		passed := rest[:len(rest)-len(next)]
		if b != nil {
			// The block that was read is the last that begins in what was passed; what begins before it is broken.
			at := bytes.LastIndex(passed, []byte(begin))
			passed = passed[:at]
			yield(b, lineOfByte(f.data, len(f.data)-len(rest)+at))
		}
		if at := bytes.Index(passed, []byte(begin)); at >= 0 {
			p.fault(f, lineOfByte(f.data, len(f.data)-len(rest)+at), "begins a block that is cut short or damaged")
		}
		if b == nil {
			if at := bytes.Index(rest, []byte(begin)); at >= 0 {
				p.fault(f, lineOfByte(f.data, len(f.data)-len(rest)+at), "begins a block that is cut short or damaged")
			}
			return
		}
		rest = next
	}
}

func lineOfByte(data []byte, at int) int { return 1 + bytes.Count(data[:at], []byte("\n")) }

// certificates gives the certificates of a file; a file without any has a fault.
func (p *pemReader) certificates(f pemFile) (all []placedCertificate) {
	before := len(p.faults)
	p.blocks(f, func(b *pem.Block, line int) {
		if b.Type != "CERTIFICATE" {
			return // the key may stand in the same file
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			p.fault(f, line, "is no certificate: %s", strings.TrimPrefix(err.Error(), "x509: "))
			return
		}
		all = append(all, placedCertificate{c, line})
	})
	if len(all) == 0 && len(p.faults) == before {
		p.fault(f, 0, "there is no certificate in it")
	}
	return all
}

// key gives the line of a file's first private key; a file without one that can be used has a fault.
func (p *pemReader) key(f pemFile) (line int) {
	before := len(p.faults)
	p.blocks(f, func(b *pem.Block, at int) {
		switch {
		case line > 0 || !strings.HasSuffix(b.Type, "PRIVATE KEY"):
		case b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "":
			line = at
			p.fault(f, at, "is encrypted: the server has nobody to ask for the passphrase")
		default:
			line = at
		}
	})
	if line == 0 && len(p.faults) == before {
		p.fault(f, 0, "there is no private key in it")
	}
	return line
}
