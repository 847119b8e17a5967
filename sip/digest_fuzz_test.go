package sip

import (
	"fmt"
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"pgregory.net/rapid"
)

func TestParseCredentials(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     credentials
		ok       bool
	}{
		{"a desk phone: qop, nc and algorithm without quotes, quirks of order",
			`Digest realm="BroadWorks",nonce="BroadWorksXkfv",uri="sip:192.0.2.1:5061",algorithm=MD5,username="+12105550101",response="0123456789abcdef0123456789abcdef",qop=auth,cnonce="9a",nc=00000002`,
			credentials{username: "+12105550101", realm: "BroadWorks", nonce: "BroadWorksXkfv", uri: "sip:192.0.2.1:5061", algorithm: "MD5",
				response: "0123456789abcdef0123456789abcdef", qop: "auth", cnonce: "9a", nc: "00000002"}, true},
		{"everything quoted", `digest username="u", qop="auth", nc="00000001", algorithm="SHA-256"`, credentials{username: "u", qop: "auth", nc: "00000001", algorithm: "SHA-256"}, true},
		{"spaces and empty members", "DIGEST  ,, username = \"u\" ,\trealm= \"r\",,", credentials{username: "u", realm: "r"}, true},
		{"escapes", `Digest username="a\"b\\c"`, credentials{username: `a"b\c`}, true},
		{"comma and equals in a value", `Digest username="a,b=c", realm="r"`, credentials{username: "a,b=c", realm: "r"}, true},
		{"the first of two counts", `Digest username="a", username="b"`, credentials{username: "a"}, true},
		{"unknown fields", `Digest opaque="x", auth-param=1, username="u"`, credentials{username: "u"}, true},
		{"no fields", `Digest `, credentials{}, true},
		{"other scheme", `Basic Zm9vOmJhcg==`, credentials{}, false},
		{"scheme that begins alike", `DigestX username="u"`, credentials{}, false},
		{"no closing quote", `Digest username="u`, credentials{}, false},
		{"text behind a value", `Digest username="u" x, realm="r"`, credentials{}, false},
		{"no equals sign", `Digest username`, credentials{}, false},
		{"no name", `Digest ="u"`, credentials{}, false},
		{"empty", ``, credentials{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := parseCredentials(tc.in)
			if ok != tc.ok || ok && got != tc.want {
				t.Errorf("%v %+v\nwant %v %+v", ok, got, tc.ok, tc.want)
			}
		})
	}
}

// text writes credentials in the form of the wire.
func (c credentials) text() string {
	var s []string
	for _, f := range []struct{ name, val string }{
		{"username", c.username}, {"realm", c.realm}, {"nonce", c.nonce}, {"uri", c.uri}, {"response", c.response},
		{"algorithm", c.algorithm}, {"cnonce", c.cnonce}, {"nc", c.nc}, {"qop", c.qop}, {"userhash", c.userhash},
	} {
		if f.val != "" {
			s = append(s, f.name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(f.val)+`"`)
		}
	}
	return "Digest " + strings.Join(s, ", ")
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(`Digest username="u", realm="r", nonce="n", uri="sip:h", response="00", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest username="a\"b\\", realm=r ,algorithm=MD5`)
	f.Add("Digest \t,,=,")
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	req := newClient().request(f)
	f.Fuzz(func(t *testing.T, in string) {
		c, ok := parseCredentials(in)
		if ok {
			again, ok := parseCredentials(c.text())
			if len(c.text()) <= maxCredentials && (!ok || again != c) {
				t.Fatalf("%q is %+v, written and read again %+v", in, c, again)
			}
		}
		r := req.Clone()
		r.AppendHeader(sipmsg.NewHeader("Authorization", in))
		if v := a.Check(r, phoneAt("198.51.100.7:5060")); v.Line != nil {
			t.Fatalf("%q proves a line", in)
		}
	})
}

func FuzzParseContacts(f *testing.F) {
	f.Add(`"Ann, <x>" <sip:u@h;ob>;expires=60;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1, <sip:u@[2001:db8::1]:5070>`)
	f.Add(`sip:u@h;expires=5,*`)
	f.Add(`*`)
	f.Fuzz(func(t *testing.T, in string) {
		list, err := parseContacts(nil, in)
		if err != nil {
			return
		}
		for _, c := range list {
			if c.star {
				continue
			}
			if strings.ContainsAny(c.uri, "\r\n<>\" ") || !sameContact(c.uri, c.uri) {
				t.Fatalf("%q gives the URI %q", in, c.uri)
			}
			b := Binding{Contact: c.uri, Params: c.params}
			again, err := parseContacts(nil, contactValue(&b, b.Expires))
			if strings.ContainsAny(in, "\r\n") {
				continue // the parser of messages leaves no line end in a value
			}
			if err != nil || len(again) != 1 || again[0].uri != c.uri || again[0].params != c.params || again[0].instance != c.instance {
				t.Fatalf("%q is %+v, echoed and read again %+v, %v", in, c, again, err)
			}
		}
	})
}

// Whatever user name, password, method, URI and count: the client of another library is believed exactly when its
// password is right.
func TestDigestAgainstAnotherClient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ -!#-\[\]-~]{1,20}`) // printable, without quote and backslash
		line := Line{Username: word.Draw(t, "username"), Password: rapid.String().Draw(t, "password"), AOR: "line81@site.test", SHA256: rapid.Bool().Draw(t, "sha256")}
		a := NewAuthenticator(AuthConfig{}, newSiteLines(line))
		c := newClient()
		c.method = rapid.SampledFrom([]string{"REGISTER", "SUBSCRIBE", "INVITE"}).Draw(t, "method")
		src := phoneAt("198.51.100.7:5060")
		v := a.Check(parsedClient(t, c, ""), src)
		headers := v.Response.GetHeaders("WWW-Authenticate")
		chal, err := digest.ParseChallenge(headers[rapid.IntRange(0, len(headers)-1).Draw(t, "challenge")].Value())
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "no qop") {
			chal.QOP = nil
		}
		password := line.Password
		wrong := rapid.Bool().Draw(t, "wrong")
		if wrong {
			password += "x"
		}
		cred, err := digest.Digest(chal, digest.Options{Method: c.method, URI: c.uri, Username: line.Username, Password: password,
			Count: rapid.IntRange(1, 1<<31).Draw(t, "nc")})
		if err != nil {
			t.Fatal(err)
		}
		c.cseq++
		if v := a.Check(parsedClient(t, c, "Authorization: "+cred.String()+"\n"), src); (v.Line == nil) != wrong {
			t.Fatalf("wrong=%v: %+v for %s", wrong, v, cred)
		}
	})
}

func parsedClient(t *rapid.T, c *client, auth string) *sipmsg.Request {
	msg, err := sipmsg.ParseMessage([]byte(strings.ReplaceAll(fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\n"+
		"From: <sip:%s@site.test>;tag=1\nTo: <sip:%s@site.test>\nCall-ID: 1\nCSeq: %d %s\n%s\n", c.method, c.uri, c.cseq, c.user, c.user, c.cseq+1, c.method, auth), "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return msg.(*sipmsg.Request)
}
