package hoteling

import (
	"crypto/md5" //nolint:gosec // the phones' algorithm
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"time"

	"passerelle/directory"
)

// algorithm is the only one phones know.
const algorithm = "MD5"

// challengeTime is how long a phone may take to answer a challenge; the person has typed the PIN already.
const challengeTime = 30 * time.Second

// Challenge asks a phone to prove its guest. It is good for one answer.
type Challenge struct {
	Nonce    string
	Deadline time.Time
}

func newChallenge(now time.Time) Challenge {
	return Challenge{Nonce: rand.Text(), Deadline: now.Add(challengeTime)} // 128 bits at least
}

// Response is what a phone answers to a nonce: MD5(nonce ":" PIN) in lower-case hexadecimal, with neither user nor realm.
func Response(nonce string, pin directory.Secret) string {
	sum := md5.Sum([]byte(nonce + ":" + pin.Reveal())) //nolint:gosec // the phones' algorithm
	return hex.EncodeToString(sum[:])
}

// answered reports whether a proof is right, in a time that does not depend on where it is wrong.
func (c Challenge) answered(p Proof, pin directory.Secret) bool {
	right := subtle.ConstantTimeCompare([]byte(Response(c.Nonce, pin)), []byte(p.Response))
	return right&subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(p.Nonce)) == 1
}
