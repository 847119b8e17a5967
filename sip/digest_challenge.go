package sip

import (
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// challenge answers 401 with a new nonce (RFC 3261 §22.1). line is the line the request comes from when that is known.
func (a *Authenticator) challenge(req *sipmsg.Request, line *Line, now time.Time, second, stale bool) *sipmsg.Response {
	realm := ""
	if line != nil {
		realm = line.Realm
	} else {
		realm = a.realm(req)
		line = a.caller(req)
	}
	n := a.mint.mint(now, second)
	res := statelessResponse(req, 401, "Unauthorized")
	if line != nil && line.SHA256 {
		res.AppendHeader(challengeHeader(realm, n, "SHA-256", stale)) // first what we prefer (RFC 8760 §2.4)
	}
	res.AppendHeader(challengeHeader(realm, n, "MD5", stale))
	return res
}

// challengeHeader spells algorithm and stale without quotes, qop with them (RFC 3261 §25.1).
func challengeHeader(realm, nonce, algorithm string, stale bool) sipmsg.Header {
	var b strings.Builder
	b.Grow(96 + len(realm))
	b.WriteString(`Digest realm="`)
	b.WriteString(realm)
	b.WriteString(`", nonce="`)
	b.WriteString(nonce)
	if stale {
		b.WriteString(`", stale=true, algorithm=`)
	} else {
		b.WriteString(`", algorithm=`)
	}
	b.WriteString(algorithm)
	b.WriteString(`, qop="auth"`)
	return sipmsg.NewHeader("WWW-Authenticate", b.String())
}

// realm returns the realm to challenge a request with: of the address it registers, else of its sender.
func (a *Authenticator) realm(req *sipmsg.Request) string {
	user, _ := sender(req)
	return a.lines.Realm(strings.ToLower(strings.Trim(req.Recipient.Host, "[]")), user)
}

// caller returns the line a request without credentials says it comes from.
func (a *Authenticator) caller(req *sipmsg.Request) *Line {
	user, host := sender(req)
	finder, ok := a.lines.(LineFinder)
	if !ok {
		if line, ok := a.lines.Line(user); ok {
			return &line
		}
		return nil
	}
	if aor, ok := a.lines.AOR(user, host); ok {
		if line, ok := finder.LineOf(aor); ok {
			return &line
		}
	}
	return nil
}

// sender returns user and host of the one a request comes from: of To in a REGISTER, of From in others.
func sender(req *sipmsg.Request) (user, host string) {
	uri := &sipmsg.Uri{}
	if req.Method == sipmsg.REGISTER {
		if to := req.To(); to != nil {
			uri = &to.Address
		}
	} else if from := req.From(); from != nil {
		uri = &from.Address
	}
	return unescape(uri.User), strings.ToLower(strings.Trim(uri.Host, "[]"))
}
