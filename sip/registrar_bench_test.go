package sip

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
)

// benchPhone makes the parsed requests of a phone without the cost of a client's digest in the measured part.
type benchPhone struct {
	req  *sipmsg.Request
	auth sipmsg.Header
	cseq uint32
}

func newBenchPhone(b *testing.B, user int) *benchPhone {
	req := parsed(b, fmt.Sprintf("REGISTER sip:site.test SIP/2.0\n"+
		"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-4d1f3a2b;rport=5060;received=198.51.100.7\n"+
		"From: \"User %[1]d\" <sip:u%[1]d@site.test>;tag=8b31c2d4a0f1e5b7o0\n"+
		"To: \"User %[1]d\" <sip:u%[1]d@site.test>\n"+
		"Call-ID: 4f2a1b3c-%[1]d@198.51.100.7\nCSeq: 1 REGISTER\nMax-Forwards: 70\n"+
		"Contact: \"User %[1]d\" <sip:u%[1]d@198.51.100.7:5060>;expires=3600\n"+
		"User-Agent: Cisco-CP-8851-3PCC/11.3.7\nContent-Length: 0\n"+
		"Allow: ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, REFER, UPDATE\nSupported: replaces\n\n", user))
	return &benchPhone{req: req}
}

// next returns a REGISTER with a new CSeq and branch, as a phone sends it; nonce may be empty.
func (p *benchPhone) next(username, password, nonce string) []byte {
	p.cseq++
	p.req.CSeq().SeqNo = p.cseq
	p.req.Via().Params[0].V = fmt.Sprintf("z9hG4bK-%08x", p.cseq)
	p.req.RemoveHeader("Authorization")
	if nonce != "" {
		h := func(s string) string { x := md5.Sum([]byte(s)); return hex.EncodeToString(x[:]) }
		count := fmt.Sprintf("%08x", p.cseq)
		response := h(h(username+":site.test:"+password) + ":" + nonce + ":" + count + ":0a4f113b:auth:" + h("REGISTER:sip:site.test"))
		p.req.AppendHeader(sipmsg.NewHeader("Authorization", `Digest username="`+username+`", realm="site.test", nonce="`+nonce+
			`", uri="sip:site.test", response="`+response+`", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=`+count))
	}
	return []byte(p.req.String())
}

// batches calls work b.N times, with preparation for each batch outside the measured time.
func batches(b *testing.B, prepare func(n int), work func(i int)) {
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(2000, b.N-done)
		b.StopTimer()
		prepare(n)
		b.StartTimer()
		for i := range n {
			work(i)
		}
		done += n
	}
}

func benchSite(n int) siteLines {
	var lines []Line
	for i := range n {
		lines = append(lines, Line{Username: fmt.Sprintf("u%d", i), Password: "secret", AOR: AOR(fmt.Sprintf("u%d@site.test", i))})
	}
	return newSiteLines(lines...)
}

// benchLines answers AOR without a search.
type benchLines struct{ siteLines }

func (m benchLines) AOR(user, _ string) (AOR, bool) { return m.siteLines[user].AOR, true }
func (m benchLines) LineOf(aor AOR) (Line, bool)    { l, ok := m.siteLines[aor.User()]; return l, ok }
func nonceOf(res *sipmsg.Response) string {
	_, rest, _ := strings.Cut(res.GetHeader("WWW-Authenticate").Value(), `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	return nonce
}

// BenchmarkRegisterChallenge is the first half of a registration: a REGISTER without credentials and its 401.
func BenchmarkRegisterChallenge(b *testing.B) {
	a := NewAuthenticator(AuthConfig{}, benchLines{benchSite(1)})
	p, src := newBenchPhone(b, 0), phoneAt("198.51.100.7:5060")
	b.ReportAllocs()
	for b.Loop() {
		if a.Check(p.req, src).Response == nil {
			b.Fatal("no challenge")
		}
	}
}

// BenchmarkRegisterRefresh is the second half: credentials are checked, the binding is refreshed, 200.
func BenchmarkRegisterRefresh(b *testing.B) {
	lines := benchLines{benchSite(1)}
	a, r := NewAuthenticator(AuthConfig{}, lines), NewRegistrar(RegistrarConfig{AllowEvents: []string{"message-summary"}}, nil)
	p, src := newBenchPhone(b, 0), phoneAt("198.51.100.7:5060")
	nonce := nonceOf(a.Check(p.req, src).Response)
	var reqs []*sipmsg.Request
	batches(b, func(n int) {
		reqs = reqs[:0]
		for range n {
			reqs = append(reqs, parsed(b, string(p.next("u0", "secret", nonce))))
		}
	}, func(i int) {
		v := a.Check(reqs[i], src)
		if v.Line == nil {
			b.Fatal("not proven")
		}
		if res := r.Register(reqs[i], src, v.Line, lines); res.StatusCode != 200 {
			b.Fatal(res)
		}
	})
}

// BenchmarkRegisterParsed adds what lies around: parse of the datagram and the bytes of the answer.
func BenchmarkRegisterParsed(b *testing.B) {
	lines := benchLines{benchSite(1)}
	a, r := NewAuthenticator(AuthConfig{}, lines), NewRegistrar(RegistrarConfig{}, nil)
	p, src := newBenchPhone(b, 0), phoneAt("198.51.100.7:5060")
	nonce := nonceOf(a.Check(p.req, src).Response)
	parser := sipmsg.NewParser(sipmsg.WithHeadersParsers(headerParsers()))
	var datagrams [][]byte
	batches(b, func(n int) {
		datagrams = datagrams[:0]
		for range n {
			datagrams = append(datagrams, p.next("u0", "secret", nonce))
		}
	}, func(i int) {
		msg, err := parser.ParseSIP(datagrams[i])
		if err != nil {
			b.Fatal(err)
		}
		req := msg.(*sipmsg.Request)
		v := a.Check(req, src)
		if v.Line == nil {
			b.Fatal("not proven")
		}
		if out := r.Register(req, src, v.Line, lines).String(); !strings.HasPrefix(out, "SIP/2.0 200") {
			b.Fatal(out)
		}
	})
}
