package sip

import (
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
)

const goodHead = "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n"

func TestScanRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // "" if nothing is wrong
	}{
		{"plain", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead, ""},
		{"lower-case version", "OPTIONS sip:b@x sip/2.0\r\n" + goodHead, ""},
		{"tel", "OPTIONS tel:+331 SIP/2.0\r\n" + goodHead, ""},
		{"SIP/3.0", "OPTIONS sip:b@x SIP/3.0\r\n" + goodHead, "505 Version Not Supported"},
		{"HTTP", "GET / HTTP/1.1\r\n" + goodHead, "400 Malformed Request Line"},
		{"two spaces", "OPTIONS  sip:b@x SIP/2.0\r\n" + goodHead, "400 Malformed Request-URI"},
		{"space behind", "OPTIONS sip:b@x SIP/2.0 \r\n" + goodHead, "400 Malformed Request Line"},
		{"brackets", "OPTIONS <sip:b@x> SIP/2.0\r\n" + goodHead, "400 Malformed Request-URI"},
		{"no scheme", "OPTIONS bob SIP/2.0\r\n" + goodHead, "400 Malformed Request-URI"},
		{"scheme", "OPTIONS http://x SIP/2.0\r\n" + goodHead, "416 Unsupported URI Scheme"},
		{"lower-case method", "options sip:b@x SIP/2.0\r\n" + goodHead, "400 CSeq Method Mismatch"},
		{"other method", "INVITE sip:b@x SIP/2.0\r\n" + goodHead, "400 CSeq Method Mismatch"},
		{"no Via", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "Via", "X-Via", 1), "400 Missing Via"},
		{"no From", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "From", "Form", 1), "400 Missing From"},
		{"two To", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "t: <sip:c@x>\r\n", "400 Repeated To"},
		{"two Via", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "v: SIP/2.0/UDP y\r\n", ""},
		{"two Content-Length", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "l: 0\r\nContent-Length: 5\r\n", "400 Conflicting Content-Length"},
		{"same Content-Length", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "l: 0\r\nContent-Length: 0\r\n", ""},
		{"negative Content-Length", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "l: -1\r\n", "400 Malformed Content-Length"},
		{"CSeq too large", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "7", "2147483648", 1), "400 CSeq Out Of Range"},
		{"CSeq without method", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "7 OPTIONS", "7", 1), "400 Malformed CSeq"},
		{"Max-Forwards", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "Max-Forwards: 256\r\n", "400 Max-Forwards Out Of Range"},
		{"no colon", "OPTIONS sip:b@x SIP/2.0\r\n" + goodHead + "nonsense\r\n", "400 Malformed Header Line"},
		{"empty Call-ID", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "Call-ID: c", "Call-ID:", 1), "400 Empty Call-ID"},
		{"response", "SIP/2.0 200 OK\r\n" + goodHead, ""},
		{"status", "SIP/2.0 4294967301 OK\r\n" + goodHead, "400 Malformed Status Line"},
		{"folded", "OPTIONS sip:b@x SIP/2.0\r\n" + strings.Replace(goodHead, "Call-ID: c", "Call-ID:\r\n\t c", 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, flaw := scanHead([]byte(c.text + "\r\n"))
			got := ""
			if flaw != nil {
				got = flaw.Error()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.want == "" && string(h.callID) != "c" {
				t.Errorf("Call-ID %q", h.callID)
			}
		})
	}
}

func TestParsePutsRight(t *testing.T) {
	text := "OPTIONS sip:b@x SIP/2.0\r\n" +
		"Via :  SIP / 2.0 / UDP   10.0.0.2  ;\r\n branch =  z9hG4bK1\r\n" +
		"f: \"A, \\\"B\\\"\" <sip:a@x>  ;  Tag = 1 ; x\r\nTO :\r\n sip:b@x ;  tag   = 2\r\ni: c\r\ncseq: 0009\r\n  OPTIONS\r\nl: 2\r\n\r\nabXXX"
	h, flaw := scanHead([]byte(text))
	if flaw != nil {
		t.Fatal(flaw)
	}
	m, flaw := parse([]byte(text), h)
	if flaw != nil {
		t.Fatal(flaw)
	}
	req, ok := m.(*sipmsg.Request)
	if !ok || string(req.Body()) != "ab" {
		t.Fatalf("body %q", m.Body())
	}
	from := newAddress(req.From().DisplayName, &req.From().Address, req.From().Params)
	branch, _ := req.Via().Params.Get("branch")
	to, _ := req.To().Params.Get("tag")
	if from.Tag != "1" || from.Display != `A, "B"` || branch != "z9hG4bK1" || to != "2" || req.CSeq().SeqNo != 9 || req.Via().Host != "10.0.0.2" || req.Via().Transport != "UDP" {
		t.Errorf("from %+v, branch %q, to tag %q, CSeq %v, Via %q", from, branch, to, req.CSeq(), req.Via().Value())
	}
}

func TestURIs(t *testing.T) {
	for _, c := range []struct {
		text string
		want URI
	}{
		{"sip:+33170001000@Paris.Acme.Test:5070;Space=48%3213;user=phone", URI{Scheme: "sip", User: "+33170001000", Host: "paris.acme.test", Port: 5070, Params: map[string]string{"space": "48213", "user": "phone"}}},
		{"sips:100,,4821#@[2001:db8::1]:5061;lr", URI{Scheme: "sips", User: "100,,4821#", Host: "2001:db8::1", Port: 5061, Params: map[string]string{"lr": ""}}},
		{"sip:8000;room=12@x", URI{Scheme: "sip", User: "8000;room=12", Host: "x"}},
		{"tel:+33-1-70;phone-context=x.test", URI{Scheme: "tel", User: "+33-1-70", Params: map[string]string{"phone-context": "x.test"}}},
		{"sip:10.0.0.1", URI{Scheme: "sip", Host: "10.0.0.1"}},
		{"sip:%75se%72@x", URI{Scheme: "sip", User: "user", Host: "x"}},
	} {
		var u sipmsg.Uri
		if err := sipmsg.ParseUri(c.text, &u); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := newURI(&u)
		same := got.Scheme == c.want.Scheme && got.User == c.want.User && got.Host == c.want.Host && got.Port == c.want.Port && len(got.Params) == len(c.want.Params)
		for k, v := range c.want.Params {
			if got.Params[k] != v {
				same = false
			}
		}
		if !same {
			t.Errorf("%s: %q %q %q %d %v", c.text, got.Scheme, got.User, got.Host, got.Port, got.Params)
		}
	}
}

func TestReasons(t *testing.T) {
	for text, want := range map[string]Reason{
		`Q.850;cause=16;text="Normal, call; clearing"`: {"Q.850", 16, "Normal, call; clearing"},
		`SIP ;cause=200 ;text="a \"b\""`:               {"SIP", 200, `a "b"`},
		`SIP;cause=600, Q.850;cause=17`:                {"SIP", 600, ""},
		`preemption`:                                   {"preemption", 0, ""},
		`SIP;cause=x`:                                  {"SIP", 0, ""},
		"":                                             {},
	} {
		if got := parseReason(text); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	for _, r := range []Reason{{"SIP", 486, `x"y\z`}, {"Q.850", 16, ""}, {}} {
		if got := parseReason(r.String()); got != r {
			t.Errorf("%+v comes back as %+v", r, got)
		}
	}
	if got := (Reason{"SIP", 500, "a\r\nVia: x"}).String(); strings.ContainsAny(got, "\r\n") {
		t.Errorf("%q breaks the line", got)
	}
}
