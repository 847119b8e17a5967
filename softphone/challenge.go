package softphone

import (
	"fmt"
	"strings"
	"sync"

	"github.com/icholy/digest"
)

// challenges remembers the last challenge of each realm, so that later requests carry credentials at once with a rising
// nonce count, as desk phones do.
type challenges struct {
	mu    sync.Mutex
	known map[string]*challenge // by realm
}

// challenge is one server's demand for credentials (RFC 7616 §3.3).
type challenge struct {
	digest *digest.Challenge
	header string // the header that answers it: Authorization or Proxy-Authorization
	count  int    // how often the nonce was used
}

// maxChallenges is how often one request is tried again, as the phones' Max_Auth says.
const maxChallenges = 2

// learn takes the challenge of a 401 or 407; ok is false when it offers nothing we can answer.
// stale tells that only the nonce of our credentials was too old.
func (c *challenges) learn(r *Message) (stale, ok bool) {
	from, to := "WWW-Authenticate", "Authorization"
	if r.Code == 407 {
		from, to = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Name, from) {
			continue
		}
		d, err := digest.ParseChallenge(h.Value)
		if err != nil || !digest.CanDigest(d) {
			continue
		}
		c.mu.Lock()
		c.known[d.Realm] = &challenge{digest: d, header: to}
		c.mu.Unlock()
		return d.Stale, true
	}
	return false, false
}

// sign puts credentials for every challenge known into the request.
func (c *challenges) sign(m *Message, user, password string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.remove("Authorization")
	m.remove("Proxy-Authorization")
	for _, k := range c.known {
		k.count++
		cred, err := digest.Digest(k.digest, digest.Options{
			Method: m.Method, URI: m.URI, Username: user, Password: password, Count: k.count,
		})
		if err != nil {
			return fmt.Errorf("answer the challenge of %q: %w", k.digest.Realm, err)
		}
		m.add(k.header, cred.String())
	}
	return nil
}

// credentialsFit reports whether the Authorization of a request answers our own challenge (RFC 7616 §3.4.1).
func credentialsFit(m *Message, user, password, realm, nonce string) bool {
	got, err := digest.ParseCredentials(m.Header("Authorization"))
	if err != nil || got.Username != user || got.Realm != realm || got.Nonce != nonce {
		return false
	}
	want, err := digest.Digest(&digest.Challenge{Realm: realm, Nonce: nonce, Algorithm: "MD5", QOP: []string{"auth"}}, digest.Options{
		Method: m.Method, URI: got.URI, Username: user, Password: password, Count: got.Nc, Cnonce: got.Cnonce,
	})
	return err == nil && want.Response == got.Response
}
