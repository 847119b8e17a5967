package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// siteLines is a directory of one site, site.test, for tests.
type siteLines map[string]Line

func newSiteLines(lines ...Line) siteLines {
	m := make(siteLines)
	for _, l := range lines {
		if l.Realm == "" {
			l.Realm = "site.test"
		}
		if l.AORs == nil {
			l.AORs = []AOR{l.AOR}
		}
		m[l.Username] = l
	}
	return m
}

func (m siteLines) Line(username string) (Line, bool) {
	l, ok := m[username]
	return l, ok
}

func (m siteLines) AOR(user, host string) (AOR, bool) {
	if host != "site.test" && host != "192.0.2.1" {
		return "", false
	}
	for _, l := range m {
		for _, a := range l.AORs {
			if a.User() == user {
				return a, true
			}
		}
	}
	return "", false
}

func (m siteLines) LineOf(aor AOR) (Line, bool) {
	for _, l := range m {
		if l.AOR == aor {
			return l, true
		}
	}
	return Line{}, false
}

func (m siteLines) Realm(string, string) string                 { return "site.test" }
func (m siteLines) Trunk(netip.AddrPort) (name string, ok bool) { return "", false }

var ann = Line{Username: "+12105550101", Password: "wz7:sesame", AOR: "line81@site.test"}

func phoneAt(addr string) Source {
	return Source{Transport: "UDP", Remote: netip.MustParseAddrPort(addr), Local: netip.MustParseAddrPort("192.0.2.1:5060"), Flow: 1}
}

// parsed reads one request in the text of the protocol, with LF or CRLF.
func parsed(t testing.TB, text string) *sipmsg.Request {
	t.Helper()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	if !strings.HasSuffix(text, "\r\n\r\n") {
		text += "\r\n"
	}
	msg, err := sipmsg.NewParser(sipmsg.WithHeadersParsers(headerParsers())).ParseSIP([]byte(text))
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return msg.(*sipmsg.Request)
}

// client is the state of a client that sends requests of one Call-ID.
type client struct {
	method, uri, user, callID string
	cseq                      int
	chal                      *digest.Challenge
	nc                        int
	extra                     []string // further header lines
}

func newClient() *client {
	return &client{method: "REGISTER", uri: "sip:site.test", user: "line81", callID: "4f2a1b3c-77aa01bc@198.51.100.7"}
}

// next builds the next request, with credentials if username is not empty.
func (c *client) next(t testing.TB, username, password string) *sipmsg.Request {
	t.Helper()
	c.cseq++
	lines := append([]string{}, c.extra...)
	if username != "" {
		c.nc++
		cred, err := digest.Digest(c.chal, digest.Options{Method: c.method, URI: c.uri, Username: username, Password: password, Count: c.nc})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "Authorization: "+cred.String())
	}
	return c.request(t, lines...)
}

func (c *client) request(t testing.TB, lines ...string) *sipmsg.Request {
	t.Helper()
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	return parsed(t, fmt.Sprintf("%s %s SIP/2.0\n"+
		"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-%08x\n"+
		"From: \"Ann\" <sip:%s@site.test>;tag=8b31c2d4a0f1e5b7o0\n"+
		"To: \"Ann\" <sip:%s@site.test>\n"+
		"Call-ID: %s\n"+
		"CSeq: %d %s\n"+
		"Max-Forwards: 70\n%s"+
		"Content-Length: 0\n\n", c.method, c.uri, c.cseq, c.user, c.user, c.callID, c.cseq, c.method, strings.Join(lines, "\n")))
}

// take reads the challenge of a 401.
func (c *client) take(t testing.TB, v Verdict) *digest.Challenge {
	t.Helper()
	if v.Response == nil || v.Response.StatusCode != 401 {
		t.Fatalf("want 401, got %+v", v)
	}
	chal, err := digest.ParseChallenge(v.Response.GetHeader("WWW-Authenticate").Value())
	if err != nil {
		t.Fatal(err)
	}
	c.chal, c.nc = chal, 0
	return chal
}

func wantProven(t testing.TB, v Verdict, username string) {
	t.Helper()
	if v.Line == nil || v.Line.Username != username || v.Response != nil || v.Drop || v.Delay != 0 {
		t.Fatalf("want %s proven at once, got %+v", username, v)
	}
}

func wantCode(t testing.TB, v Verdict, code int) {
	t.Helper()
	if v.Line != nil || v.Drop || v.Response == nil || v.Response.StatusCode != code {
		t.Fatalf("want %d, got %+v", code, v)
	}
}
