package sip

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

func TestDigestProvesTheLine(t *testing.T) {
	for _, tc := range []struct {
		name string
		line Line
		edit func(c *client)
		user string // digest user name
	}{
		{"MD5, user name is not the From user", ann, nil, "+12105550101"},
		{"SHA-256 offered first", Line{Username: "u2", Password: "p", AOR: "line81@site.test", SHA256: true}, nil, "u2"},
		{"MD5 chosen on a line with SHA-256", Line{Username: "u2", Password: "p", AOR: "line81@site.test", SHA256: true},
			func(c *client) { c.chal.Algorithm = "MD5" }, "u2"},
		{"no qop (RFC 2617 §3.2.2.1)", ann, func(c *client) { c.chal.QOP = nil }, "+12105550101"},
		{"no algorithm named", ann, func(c *client) { c.chal.Algorithm = "" }, "+12105550101"},
		{"digest-uri without ;transport", ann, func(c *client) { c.method, c.uri = "SUBSCRIBE", "sip:192.0.2.1:5061" }, "+12105550101"},
		{"empty password", Line{Username: "e", AOR: "line81@site.test"}, nil, "e"},
		{"colon and quote in the password", Line{Username: "e", Password: `a:"b\`, AOR: "line81@site.test"}, nil, "e"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := NewAuthenticator(AuthConfig{}, newSiteLines(tc.line))
			src := phoneAt("198.51.100.7:5060")
			c := newClient()
			chal := c.take(t, a.Check(c.next(t, "", ""), src))
			if want := map[bool]string{true: "SHA-256", false: "MD5"}[tc.line.SHA256]; chal.Algorithm != want {
				t.Errorf("first challenge is %s, want %s", chal.Algorithm, want)
			}
			if chal.Realm != "site.test" || chal.Stale || !chal.SupportsQOP("auth") {
				t.Errorf("challenge %s", chal)
			}
			if tc.edit != nil {
				tc.edit(c)
			}
			req := c.next(t, tc.user, tc.line.Password)
			if c.method == "SUBSCRIBE" { // what the phone asks for has the parameter, its digest-uri has not
				req.Recipient.UriParams = sipmsg.HeaderParams{{K: "transport", V: "tls"}}
			}
			wantProven(t, a.Check(req, src), tc.user)
		})
	}
}

func TestDigestCountsOnOneNonce(t *testing.T) {
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	c := newClient()
	c.take(t, a.Check(c.next(t, "", ""), phoneAt("198.51.100.7:5060")))
	nonce := c.chal.Nonce

	// The phone reuses the nonce with a rising count, from other ports and in other methods; some overtake others.
	for i, nc := range []int{1, 2, 5, 3, 4, 60, 40, 67} {
		c.nc = nc - 1
		c.callID = fmt.Sprintf("%d@h", i)
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), phoneAt(fmt.Sprintf("198.51.100.7:%d", 6000+i))), ann.Username)
	}
	// What the window has seen, or what fell out of it, is stale but no fault: a new nonce, at once, as often as asked.
	for _, nc := range []int{1, 3, 67} {
		c.nc, c.chal.Nonce = nc-1, nonce
		c.callID = fmt.Sprintf("again%d@h", nc)
		v := a.Check(c.next(t, ann.Username, ann.Password), phoneAt("198.51.100.7:5060"))
		if chal := c.take(t, v); !chal.Stale || v.Delay != 0 {
			t.Fatalf("count %d again: %s after %v, want stale at once", nc, chal, v.Delay)
		}
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), phoneAt("198.51.100.7:5060")), ann.Username)
	}
}

func TestDigestRetransmissionIsNoReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
		src := phoneAt("198.51.100.7:5060")
		c := newClient()
		c.take(t, a.Check(c.next(t, "", ""), src))
		req := c.next(t, ann.Username, ann.Password)
		for range 5 {
			wantProven(t, a.Check(req, src), ann.Username)
			time.Sleep(4 * time.Second)
		}
		// Somebody else who sends the same bytes, or the same credentials in another request, proves nothing.
		wantCode(t, a.Check(req, phoneAt("203.0.113.9:5060")), 401)
		stolen := c.request(t, "Authorization: "+req.GetHeader("Authorization").Value())
		stolen.CSeq().SeqNo++
		wantCode(t, a.Check(stolen, src), 401)
		time.Sleep(13 * time.Second) // past 32 s nothing is a retransmission any more
		wantCode(t, a.Check(req, src), 401)
	})
}

func TestDigestStaleNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAuthenticator(AuthConfig{NonceLife: time.Hour}, newSiteLines(ann))
		src := phoneAt("198.51.100.7:5060")
		c := newClient()
		c.take(t, a.Check(c.next(t, "", ""), src))
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)
		time.Sleep(time.Hour)
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)
		time.Sleep(2 * time.Second)
		if chal := c.take(t, a.Check(c.next(t, ann.Username, ann.Password), src)); !chal.Stale {
			t.Errorf("challenge %s, want stale", chal)
		}
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)

		// A server that started anew does not know the nonce: stale for the right password, wrong for another.
		b := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
		if chal := c.take(t, b.Check(c.next(t, ann.Username, ann.Password), src)); !chal.Stale {
			t.Errorf("challenge %s, want stale", chal)
		}
		if chal := c.take(t, b.Check(c.next(t, ann.Username, "guess"), src)); chal.Stale {
			t.Errorf("challenge %s to a wrong password, want no stale", chal)
		}
	})
}

// A wrong password gets 401, then 403, later and later; an unknown user exactly the same.
func TestDigestWrongPassword(t *testing.T) {
	for _, username := range []string{ann.Username, "nobody"} {
		t.Run(username, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
				src := phoneAt("198.51.100.7:5060")
				c := newClient()
				var delays []time.Duration
				for range 6 {
					c.take(t, a.Check(c.next(t, "", ""), src))
					v := a.Check(c.next(t, username, "old"), src)
					delays = append(delays, v.Delay)
					time.Sleep(v.Delay)
					if chal := c.take(t, v); chal.Stale {
						t.Fatalf("challenge %s, want no stale", chal)
					}
					v = a.Check(c.next(t, username, "old"), src)
					wantCode(t, v, 403)
					delays = append(delays, v.Delay)
					time.Sleep(v.Delay)
				}
				s := time.Second
				want := []time.Duration{0, s / 2, s, 2 * s, 4 * s, 8 * s, 8 * s, 8 * s, 8 * s, 8 * s, 8 * s, 8 * s}
				if fmt.Sprint(delays) != fmt.Sprint(want) {
					t.Errorf("delays %v, want %v", delays, want)
				}
			})
		})
	}
}

func TestDigestRightPhoneIsNeverDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bob := Line{Username: "bob", Password: "right", AOR: "bob@site.test"}
		a := NewAuthenticator(AuthConfig{}, newSiteLines(ann, bob))
		nat := phoneAt("198.51.100.7:1024")
		for i := range 40 { // another phone behind the same address guesses at the same user name, without waiting
			c := newClient()
			c.callID = fmt.Sprintf("guess%d@h", i)
			c.take(t, a.Check(c.next(t, "", ""), nat))
			a.Check(c.next(t, "bob", "guess"), nat)
		}
		c := newClient()
		c.take(t, a.Check(c.next(t, "", ""), nat))
		wantProven(t, a.Check(c.next(t, "bob", "right"), nat), "bob")
		wantProven(t, a.Check(c.next(t, "bob", "right"), nat), "bob")
		// And its own slip afterwards is a first one again.
		v := a.Check(c.next(t, "bob", "typo"), nat)
		wantCode(t, v, 401)
		if v.Delay != 0 {
			t.Errorf("first slip after a proof waits %v", v.Delay)
		}
	})
}

func TestDigestAnswersThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
		src := phoneAt("198.51.100.7:5060")
		answers := 0
		for i := range 100 {
			c := newClient()
			c.callID = fmt.Sprintf("%d@h", i)
			c.take(t, a.Check(c.next(t, "", ""), src))
			req := c.next(t, ann.Username, "guess")
			v := a.Check(req, src)
			if v.Drop {
				continue
			}
			answers++
			if v.Delay > 15*time.Second {
				t.Errorf("answer waits %v", v.Delay)
			}
			if v.Delay > 0 && !a.Check(req, src).Drop {
				t.Error("a retransmission got a second answer while the first waits")
			}
		}
		if answers < 2 || answers > 6 {
			t.Errorf("%d answers for 100 guesses at once", answers)
		}
		time.Sleep(time.Hour) // all forgiven
		c := newClient()
		c.take(t, a.Check(c.next(t, "", ""), src))
		if v := a.Check(c.next(t, ann.Username, "guess"), src); v.Delay != 0 {
			t.Errorf("an hour later the first slip waits %v", v.Delay)
		}
	})
}

func TestDigestRefusesWhatWasNotOffered(t *testing.T) {
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	for _, tc := range []struct{ name, old, new string }{
		{"auth-int", `qop=auth`, `qop=auth-int`},
		{"MD5-sess", `algorithm=MD5`, `algorithm=MD5-sess`},
		{"SHA-512", `algorithm=MD5`, `algorithm=SHA-512`},
		{"another realm", `realm="site.test"`, `realm="elsewhere.test"`},
		{"user name hashed", `uri=`, `userhash=true, uri=`},
		{"no nonce", `nonce="`, `nonsense="`},
		{"no response", `response="`, `nonsense="`},
		{"another user in the digest-uri", `uri="sip:8000@site.test"`, `uri="sip:8001@site.test"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClient()
			c.method, c.uri, c.callID = "INVITE", "sip:8000@site.test", tc.name
			c.take(t, a.Check(c.next(t, "", ""), phoneAt("198.51.100.7:5060")))
			cred := c.next(t, ann.Username, ann.Password).GetHeader("Authorization").Value()
			bent := strings.Replace(cred, tc.old, tc.new, 1)
			if bent == cred {
				t.Fatalf("%q is not in %s", tc.old, cred)
			}
			v := a.Check(c.request(t, "Authorization: "+bent), phoneAt("198.51.100.9:5060"))
			if v.Line != nil {
				t.Errorf("proven by %s", bent)
			}
		})
	}
}

func TestDigestAmongSeveralCredentials(t *testing.T) {
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	src := phoneAt("198.51.100.7:5060")
	c := newClient()
	c.take(t, a.Check(c.next(t, "", ""), src))
	c.extra = []string{
		`Authorization: Basic Zm9vOmJhcg==`,
		`Authorization: Digest username="ann", realm="other.test", nonce="x", uri="sip:other.test", response="00000000000000000000000000000000"`,
	}
	wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)
}

func TestDigestUnknownSchemeIsNoFault(t *testing.T) {
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	for range 5 {
		v := a.Check(newClient().request(t, "Authorization: NoOneKnowsThisScheme opaque-data=here"), phoneAt("198.51.100.7:5060"))
		if wantCode(t, v, 401); v.Delay != 0 {
			t.Fatalf("challenge waits %v", v.Delay)
		}
	}
}

func TestDigestChangedPassword(t *testing.T) {
	lines := newSiteLines(ann)
	a := NewAuthenticator(AuthConfig{}, lines)
	src := phoneAt("198.51.100.7:5060")
	c := newClient()
	c.take(t, a.Check(c.next(t, "", ""), src))
	wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)
	changed := ann
	changed.Password, changed.Realm = "new", "site.test"
	lines[ann.Username] = changed
	wantCode(t, a.Check(c.next(t, ann.Username, ann.Password), src), 401)
	wantProven(t, a.Check(c.next(t, ann.Username, "new"), src), ann.Username)
}

func TestChallengeHasTheSameTagForTheSameRequest(t *testing.T) {
	a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
	src := phoneAt("198.51.100.7:5060")
	c := newClient()
	req := c.next(t, "", "")
	tag := func(req *sipmsg.Request) string {
		v, _ := a.Check(req, src).Response.To().Params.Get("tag")
		return v
	}
	first := tag(req)
	if first == "" || first != tag(req) {
		t.Errorf("tags %q and %q, want the same", first, tag(req))
	}
	if other := tag(c.next(t, "", "")); other == first {
		t.Errorf("another request got the same tag %q", other)
	}
	if _, tagged := req.To().Params.Get("tag"); tagged {
		t.Error("the request itself was changed")
	}
}

// However many sources guess, what waits in memory is bounded, and the right phone still gets in.
func TestDigestAnswersThatWaitAreBoundedForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAuthenticator(AuthConfig{}, newSiteLines(ann))
		guess := newClient().request(t, `Authorization: Digest username="x", realm="site.test", nonce="y", uri="sip:site.test", response="00000000000000000000000000000000"`)
		waiting := 0
		for i := range 20_000 {
			src := phoneAt(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 9), byte(i >> 1)}), uint16(1024+i)).String())
			if v := a.Check(guess, src); v.Delay > 0 {
				waiting++
			}
		}
		if waiting != maxWaiting {
			t.Errorf("%d answers wait, want %d", waiting, maxWaiting)
		}
		c, src := newClient(), phoneAt("198.51.100.7:5060")
		c.take(t, a.Check(c.next(t, "", ""), src))
		wantProven(t, a.Check(c.next(t, ann.Username, ann.Password), src), ann.Username)
		time.Sleep(20 * time.Second)
		for i := range 4 {
			if v := a.Check(guess, phoneAt(fmt.Sprintf("10.9.9.9:%d", 2000+i))); i == 3 && v.Delay == 0 {
				t.Errorf("no answer waits 20 s later: %+v", v)
			}
		}
	})
}

func TestNoSecretIsLogged(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a := NewAuthenticator(AuthConfig{Log: log}, newSiteLines(ann))
	src := phoneAt("198.51.100.7:5060")
	c := newClient()
	var secrets []string
	for _, password := range []string{"sesame-typo", "sesame-typo", ann.Password} {
		c.take(t, a.Check(c.next(t, "", ""), src))
		for range 2 {
			req := c.next(t, ann.Username, password)
			cred, _ := parseCredentials(req.GetHeader("Authorization").Value())
			secrets = append(secrets, password, cred.response, cred.nonce, cred.cnonce)
			if v := a.Check(req, src); v.Response != nil && v.Response.StatusCode == 401 {
				c.take(t, v)
			}
		}
	}
	if !strings.Contains(out.String(), "credentials refused") {
		t.Fatalf("the refusal is not logged: %q", out.String())
	}
	for _, s := range secrets {
		if strings.Contains(out.String(), s) {
			t.Errorf("%q is in the log", s)
		}
	}
}
