package sip

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"
)

// nonce is what a challenge carries. It is bound to nothing of its receiver: a phone's REGISTER and SUBSCRIBE may take
// different roads and still share it.
type nonce struct {
	seq    uint64 // unique while the server runs
	issued int64  // Unix seconds
	second bool   // given in answer to wrong credentials: wrong again ends in 403
}

func (n nonce) expired(now time.Time, life time.Duration) bool {
	age := now.Unix() - n.issued
	return age < 0 || age > int64(life/time.Second)
}

// nonceMint makes nonces and knows its own again without remembering them. A nonce is one block under a key of this
// process: the zero bytes in it authenticate it (a stranger hits them once in 2^24, and then still lacks the password),
// and nobody else can read the challenge number, which would tell known users from unknown ones. After a restart all
// nonces are foreign, which is right, because the counts of their use are gone too.
type nonceMint struct {
	block cipher.Block
	seq   atomic.Uint64
}

const nonceLen = 22 // characters of a nonce: 16 bytes, base64

func newNonceMint() *nonceMint {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails, see crypto/rand
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(fmt.Sprintf("nonce key: %v", err)) // only for a key of wrong length
	}
	return &nonceMint{block: block}
}

// mint returns a new nonce in the form of the wire.
func (m *nonceMint) mint(now time.Time, second bool) string {
	return m.seal(nonce{seq: m.seq.Add(1), issued: now.Unix(), second: second})
}

func (m *nonceMint) seal(n nonce) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], n.seq)
	binary.BigEndian.PutUint32(b[8:], uint32(n.issued))
	if n.second {
		b[12] = 1
	}
	m.block.Encrypt(b[:], b[:])
	var text [nonceLen]byte
	base64.RawURLEncoding.Encode(text[:], b[:])
	return string(text[:])
}

// open reads a nonce of ours; anything else is refused.
func (m *nonceMint) open(s string) (nonce, bool) {
	if len(s) != nonceLen {
		return nonce{}, false
	}
	var in [nonceLen]byte
	var b [18]byte
	copy(in[:], s)
	if n, err := base64.RawURLEncoding.Decode(b[:], in[:]); err != nil || n != aes.BlockSize {
		return nonce{}, false
	}
	m.block.Decrypt(b[:aes.BlockSize], b[:aes.BlockSize])
	if b[12] > 1 || b[13] != 0 || b[14] != 0 || b[15] != 0 {
		return nonce{}, false
	}
	return nonce{
		seq:    binary.BigEndian.Uint64(b[:]),
		issued: int64(binary.BigEndian.Uint32(b[8:])),
		second: b[12] == 1,
	}, true
}
