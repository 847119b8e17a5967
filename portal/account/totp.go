package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // RFC 6238's default, and what authenticator applications understand
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"passerelle/directory"
)

const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpKeyLen = 20 // RFC 4226 §4 R6
	// totpSkew is how many steps a phone's clock may be off (RFC 6238 §5.2).
	totpSkew = 1
)

var base32Key = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTPKey draws the key of a second factor.
func NewTOTPKey() directory.Secret {
	key := make([]byte, totpKeyLen)
	rand.Read(key)
	return directory.Secret(base32Key.EncodeToString(key))
}

// TOTPLink is what an authenticator application reads to take the key.
func TOTPLink(issuer, name string, key directory.Secret) string {
	q := url.Values{"secret": {key.Reveal()}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// totpStep is the time step of a moment.
func totpStep(t time.Time) int64 { return t.Unix() / int64(totpPeriod/time.Second) }

// totpCode is the code of one time step (RFC 6238 §4, RFC 4226 §5.3).
func totpCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// checkTOTP gives the step whose code it is, if that is near now and after the last one used.
func checkTOTP(key directory.Secret, code string, after int64, now time.Time) (step int64, ok bool) {
	raw, err := base32Key.DecodeString(key.Reveal())
	if err != nil || len(raw) != totpKeyLen {
		return 0, false
	}
	code = strings.Join(strings.Fields(code), "")
	for s := totpStep(now) - totpSkew; s <= totpStep(now)+totpSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(raw, s)), []byte(code)) == 1 && s > after {
			step, ok = s, true
		}
	}
	return step, ok
}
