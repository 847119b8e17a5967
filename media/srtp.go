package media

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"

	"github.com/pion/srtp/v3"
)

// SRTPPolicy says how the media of a leg may be secured by SDES (RFC 4568). Keys stand in the description, so anything but
// NoSRTP is for legs whose signalling is itself secured.
type SRTPPolicy uint8

// Policies.
const (
	// NoSRTP speaks plain RTP: secure profiles are refused, keys in an offer are passed over.
	NoSRTP SRTPPolicy = iota
	// OptionalSRTP offers plain profiles with keys, as phones do whose security is optional, and takes any profile.
	OptionalSRTP SRTPPolicy = iota
	// PreferSRTP offers secure profiles and takes any. A peer that knows none refuses the offer with 488.
	PreferSRTP SRTPPolicy = iota
	// RequireSRTP offers and takes nothing that is not secured.
	RequireSRTP SRTPPolicy = iota
)

// srtpSuite is a crypto-suite of SDES. The zero value stands for plain RTP.
type srtpSuite uint8

const (
	plainRTP   srtpSuite = iota
	aesCM80    srtpSuite = iota // AES_CM_128_HMAC_SHA1_80 (RFC 4568 §6.2.1)
	aesCM32    srtpSuite = iota // AES_CM_128_HMAC_SHA1_32 (RFC 4568 §6.2.2); RTCP keeps 80 bits
	aeadAES256 srtpSuite = iota // AEAD_AES_256_GCM (RFC 7714 §14.2)
)

var srtpSuites = [...]struct {
	name      string
	profile   srtp.ProtectionProfile
	key, salt int // bytes
}{
	aesCM80:    {"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14},
	aesCM32:    {"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14},
	aeadAES256: {"AEAD_AES_256_GCM", srtp.ProtectionProfileAeadAes256Gcm, 32, 12},
}

// offeredSuites is what our offers name, strongest first.
var offeredSuites = [...]srtpSuite{aeadAES256, aesCM80, aesCM32}

// String returns the name of the suite in SDP, and nothing for plain RTP.
func (s srtpSuite) String() string { return srtpSuites[s].name }

// srtpKey is what one a=crypto line says: the key of the media that its writer sends. Immutable; it prints as "***", and
// within another value as the address of a function.
type srtpKey struct {
	tag    int
	suite  srtpSuite
	master func() []byte // key and salt
	mki    []byte        // stands in each packet when it is not empty (RFC 3711 §3.1)
}

// Format keeps the key out of whatever prints it.
func (k srtpKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// LogValue keeps the key out of logs.
func (k srtpKey) LogValue() slog.Value { return slog.StringValue("***") }

// newSRTPKey draws a key of our own.
func newSRTPKey(tag int, suite srtpSuite) srtpKey {
	master := make([]byte, srtpSuites[suite].key+srtpSuites[suite].salt)
	_, _ = rand.Read(master) // never fails
	return srtpKey{tag: tag, suite: suite, master: func() []byte { return master }}
}

// same reports whether two lines give the same key, whatever their tags.
func (k srtpKey) same(o srtpKey) bool {
	return k.suite == o.suite && subtle.ConstantTimeCompare(k.master(), o.master()) == 1 && string(k.mki) == string(o.mki)
}

// context makes the state that packets under the key need. Master keys of the right length are never refused.
func (k srtpKey) context() *srtp.Context {
	x := srtpSuites[k.suite]
	options := []srtp.ContextOption{srtp.SRTPReplayProtection(srtpWindow), srtp.SRTCPReplayProtection(srtpWindow)}
	if len(k.mki) > 0 {
		options = append(options, srtp.MasterKeyIndicator(k.mki))
	}
	c, err := srtp.CreateContext(k.master()[:x.key], k.master()[x.key:], x.profile, options...)
	if err != nil {
		panic(fmt.Sprintf("SRTP context for %s: %v", k.suite, err))
	}
	return c
}

// srtpWindow is how many packets back a late one may be and is told from a replay (RFC 3711 §3.3.2 wants 64).
const srtpWindow = 128

// srtpOverhead is the most that securing adds to a packet: a 16-byte tag and the index of SRTCP.
const srtpOverhead = 16 + 4
