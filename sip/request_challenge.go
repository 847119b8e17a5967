package sip

import (
	"github.com/icholy/digest"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Credentials returns what to answer a challenge of a realm with (RFC 3261 §22.2); ok is false when there is nothing.
type Credentials func(realm string) (username, password string, ok bool)

// answerChallenge returns the header that answers the 401 or 407 a request of ours drew. tries is how often the request was
// repeated already: the second time only for a nonce that was too old, the third time never.
func answerChallenge(req *sipmsg.Request, res *sipmsg.Response, tries int, credentials Credentials) (h sipmsg.Header, ok bool) {
	if credentials == nil || tries >= 2 {
		return nil, false
	}
	from, to := "WWW-Authenticate", "Authorization"
	switch res.StatusCode {
	case 401:
	case 407:
		from, to = "Proxy-Authenticate", "Proxy-Authorization"
	default:
		return nil, false
	}
	for _, h := range res.Headers() {
		if !sameHeader(h.Name(), from) {
			continue
		}
		ch, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(ch) || tries == 1 && !ch.Stale {
			continue
		}
		username, password, ok := credentials(ch.Realm)
		if !ok {
			continue
		}
		cred, err := digest.Digest(ch, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Username: username, Password: password, Count: 1,
		})
		if err == nil {
			return sipmsg.NewHeader(to, cred.String()), true
		}
	}
	return nil, false
}
