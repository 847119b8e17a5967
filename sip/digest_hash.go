package sip

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"sync"
)

// digestAlgorithm is a hash that we offer and check (RFC 7616 §3.2, RFC 8760 §2.1). The session variants and auth-int are
// never offered.
type digestAlgorithm int

const (
	digestUnknown digestAlgorithm = iota
	digestMD5
	digestSHA256
)

func algorithmOf(name string) digestAlgorithm {
	switch {
	case name == "", strings.EqualFold(name, "MD5"):
		return digestMD5
	case strings.EqualFold(name, "SHA-256"):
		return digestSHA256
	}
	return digestUnknown
}

// hexSum is a hash in lower-case hex as it enters the next hash; n of its bytes count.
type hexSum struct {
	text [2 * sha256.Size]byte
	n    int
}

func (a digestAlgorithm) sum(data []byte) (s hexSum) {
	if a == digestSHA256 {
		h := sha256.Sum256(data)
		s.n = hex.Encode(s.text[:], h[:])
		return s
	}
	h := md5.Sum(data)
	s.n = hex.Encode(s.text[:], h[:])
	return s
}

func (s *hexSum) bytes() []byte { return s.text[:s.n] }

// answers reports whether the response of c is the one that ha1 gives for this method, in time that does not depend on
// where they differ.
func (c *credentials) answers(a digestAlgorithm, ha1 []byte, method string) bool {
	var room [512]byte
	b := append(room[:0], method...)
	b = append(b, ':')
	b = append(b, c.uri...)
	ha2 := a.sum(b)

	b = append(room[:0], ha1...)
	b = append(b, ':')
	b = append(b, c.nonce...)
	if c.qop != "" {
		b = append(b, ':')
		b = append(b, c.nc...)
		b = append(b, ':')
		b = append(b, c.cnonce...)
		b = append(b, ':')
		b = append(b, c.qop...)
	}
	b = append(b, ':')
	b = append(b, ha2.bytes()...)
	want := a.sum(b)

	var got [2 * sha256.Size]byte
	if len(c.response) != want.n {
		return false
	}
	for i := range want.n {
		got[i] = lowerHex(c.response[i])
	}
	return subtle.ConstantTimeCompare(got[:want.n], want.bytes()) == 1
}

func lowerHex(c byte) byte {
	if 'A' <= c && c <= 'F' {
		return c + 'a' - 'A'
	}
	return c
}

// ha1Cache keeps H(username:realm:password) of the lines that were asked for, since it outlives most requests. An entry
// counts only for the password it was made from, so a changed password or realm needs no one to empty the cache.
type ha1Cache struct {
	mu     sync.RWMutex // guards byLine
	byLine map[ha1Key]*ha1Entry
	nobody hexSum // stands in for the hash of a user that does not exist
}

type ha1Key struct {
	username, realm string
	algorithm       digestAlgorithm
}

type ha1Entry struct {
	password string
	sum      hexSum
}

const maxHA1 = 1 << 18 // entries; beyond it the cache starts anew

func newHA1Cache() *ha1Cache {
	var secret [sha256.Size]byte
	_, _ = rand.Read(secret[:]) // never fails, see crypto/rand
	return &ha1Cache{byLine: make(map[ha1Key]*ha1Entry), nobody: digestSHA256.sum(secret[:])}
}

func (h *ha1Cache) of(line *Line, realm string, a digestAlgorithm) []byte {
	key := ha1Key{username: line.Username, realm: realm, algorithm: a}
	h.mu.RLock()
	e := h.byLine[key]
	h.mu.RUnlock()
	if e != nil && e.password == line.Password {
		return e.sum.bytes()
	}
	b := make([]byte, 0, 128)
	b = append(b, line.Username...)
	b = append(b, ':')
	b = append(b, realm...)
	b = append(b, ':')
	b = append(b, line.Password...)
	e = &ha1Entry{password: line.Password, sum: a.sum(b)}
	h.mu.Lock()
	if len(h.byLine) >= maxHA1 {
		clear(h.byLine)
	}
	h.byLine[key] = e
	h.mu.Unlock()
	return e.sum.bytes()
}

// ofNobody returns a hash that no password has, for the same work.
func (h *ha1Cache) ofNobody(a digestAlgorithm) []byte {
	if a == digestMD5 {
		return h.nobody.text[:2*md5.Size]
	}
	return h.nobody.bytes()
}
