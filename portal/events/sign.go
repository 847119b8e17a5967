package events

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
)

// Signatures are those of the Standard Webhooks specification (standardwebhooks.com), for which receivers find libraries.
const (
	headerID        = "Webhook-Id"        // of the event, the same at each attempt
	headerTimestamp = "Webhook-Timestamp" // of the attempt, Unix seconds
	headerSignature = "Webhook-Signature" // v1, and the HMAC-SHA256 of ID.TIMESTAMP.BODY in base64

	secretPrefix = "whsec_"
)

// The least and the most bytes of a signing key.
const (
	minKey = 24
	maxKey = 64
)

var errWeakSecret = errors.New("must be whsec_ and the base64 of 24 to 64 bytes")

// NewSecret makes a webhook's signing secret.
func NewSecret() directory.Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return directory.Secret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// keyOf reads the key out of a secret. The error never repeats it.
func keyOf(s directory.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errWeakSecret
	}
	return key, nil
}

// sign is the value of the signature's header.
func sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
