package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// hostile are messages as RFC 4475 and RFC 5118 describe their kinds: some odd and sound, some broken in one place each. A
// request that can be answered is; 0 is silence, which answers have and what cannot be answered.
var hostile = []struct {
	name   string
	answer int
	lines  string
}{
	{"whitespace everywhere", 200, "OPTIONS sip:x SIP/2.0\nTO :\n sip:x ;   tag    =\t9\nfrom   : \"J Rosenberg \\\\\\\"\"  <sip:j@x>\n ;\n tag = 98\nCall-ID\t: odd.1\ncseq: 0009\n OPTIONS\nVia  : SIP  /   2.0\n /UDP\n    10.0.0.66;branch=z9hG4bK1\nMax-FORWARDS  :   0070\n"},
	{"folded headers", 200, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66\n ;branch=z9hG4bK2\nFrom: <sip:a@x>\n\t;tag=1\nTo:\n <sip:x>\nCall-ID:\n fold.1\nCSeq:\n 1\n OPTIONS\n"},
	{"compact forms", 200, "OPTIONS sip:x SIP/2.0\nv: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK3\nf: <sip:a@x>;tag=1\nt: sip:x\ni: compact.1\nCSeq: 1 OPTIONS\nl: 0\n"},
	{"escaped user", 200, "OPTIONS sip:%61%00b@x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK4\nFrom: <sip:%00%00@x>;tag=1\nTo: <sip:%61%00b@x>\nCall-ID: esc.1\nCSeq: 1 OPTIONS\n"},
	{"semicolon in the user", 200, "OPTIONS sip:user;par=u%40example.net@x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK5\nFrom: <sip:a@x>;tag=1\nTo: <sip:user;par=u%40example.net@x>\nCall-ID: semi.1\nCSeq: 1 OPTIONS\n"},
	{"address of IPv6", 200, "OPTIONS sip:[2001:db8::10] SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK6;received=[2001:db8::9:255]\nFrom: <sip:a@[2001:db8::20]>;tag=1\nTo: <sip:x>\nCall-ID: six.1@[2001:db8::10]\nCSeq: 1 OPTIONS\n"},
	{"many values in Via", 200, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK7, SIP/2.0/TCP t.example;branch=z9hG4bK8\nVia: SIP/2.0/SCTP s.example;branch=z9hG4bK9, SIP/2.0/UNKNOWN u.example;branch=z9hG4bKa\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: vias.1\nCSeq: 1 OPTIONS\n"},
	{"unknown method", 501, "NEWMETHOD sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKb\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: new.1\nCSeq: 1 NEWMETHOD\n"},
	{"method of punctuation", 501, "!interesting-Method0123456789_*+`.%indeed'~ sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKc\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: int.1\nCSeq: 1 !interesting-Method0123456789_*+`.%indeed'~\n"},
	{"another version", 505, "OPTIONS sip:x SIP/7.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKd\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: seven.1\nCSeq: 1 OPTIONS\n"},
	{"CSeq of another method", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKe\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: mis.1\nCSeq: 1 INVITE\n"},
	{"CSeq beyond 32 bits", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKf\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: large.1\nCSeq: 36893488147419103232 OPTIONS\n"},
	{"Content-Length below zero", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKg\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: neg.1\nCSeq: 1 OPTIONS\nContent-Length: -999\n"},
	{"Content-Length beyond the datagram", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKh\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: long.1\nCSeq: 1 OPTIONS\nContent-Length: 9999\n"},
	{"no From, To nor Call-ID", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKi\nCSeq: 1 OPTIONS\n"},
	{"no Via", 0, "OPTIONS sip:x SIP/2.0\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: novia.1\nCSeq: 1 OPTIONS\n"},
	{"two of each", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKj\nFrom: <sip:a@x>;tag=1\nFrom: <sip:b@x>;tag=2\nTo: <sip:x>\nTo: <sip:y>\nCall-ID: two.1\nCall-ID: two.2\nCSeq: 1 OPTIONS\nCSeq: 2 OPTIONS\nMax-Forwards: 5\nMax-Forwards: 50\nContent-Length: 0\nContent-Length: 100\n"},
	{"URI in angle brackets", 400, "OPTIONS <sip:x> SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKk\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: angle.1\nCSeq: 1 OPTIONS\n"},
	{"space within the URI", 400, "OPTIONS sip:x; lr SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKl\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: space.1\nCSeq: 1 OPTIONS\n"},
	{"spaces in the request line", 400, "OPTIONS  sip:x  SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKm\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: spaces.1\nCSeq: 1 OPTIONS\n"},
	{"unknown scheme", 416, "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKn\nFrom: <sip:a@x>;tag=1\nTo: <nobodyKnowsThisScheme:totallyopaquecontent>\nCall-ID: scheme.1\nCSeq: 1 OPTIONS\n"},
	{"quote without an end", 400, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKo\nFrom: <sip:a@x>;tag=1\nTo: \"Mr. J. User <sip:x>\nCall-ID: quote.1\nCSeq: 1 OPTIONS\n"},
	{"bad address of IPv6", 400, "OPTIONS sip:2001:db8::10 SIP/2.0\nVia: SIP/2.0/UDP [2001:db8:::9]:5060;branch=z9hG4bKp\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: badsix.1\nCSeq: 1 OPTIONS\n"},
	{"branch of the cookie alone", 200, "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: cookie.1\nCSeq: 1 OPTIONS\n"},
	{"Max-Forwards used up", 200, "OPTIONS sip:other@elsewhere.example SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKq\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: hops.1\nCSeq: 1 OPTIONS\nMax-Forwards: 0\n"},
	{"REGISTER with headers in Contact", 401, "REGISTER sip:site.test SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKr\nFrom: <sip:alice@site.test>;tag=1\nTo: <sip:alice@site.test>\nCall-ID: headers.1\nCSeq: 1 REGISTER\nContact: <sip:alice@x?Route=%3Csip:sip.example.com%3E>\n"},
	{"REGISTER with Contact outside its brackets", 401, "REGISTER sip:site.test SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKs\nFrom: <sip:alice@site.test>;tag=1\nTo: <sip:alice@site.test>\nCall-ID: outside.1\nCSeq: 1 REGISTER\nContact: sip:alice@x?Route=%3Csip:sip.example.com%3E\n"},
	{"credentials of an unknown scheme", 401, "REGISTER sip:site.test SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKt\nFrom: <sip:alice@site.test>;tag=1\nTo: <sip:alice@site.test>\nCall-ID: scheme.2\nCSeq: 1 REGISTER\nAuthorization: NoOneKnowsThisScheme opaque-data=here\nContact: <sip:alice@x>\n"},
	{"status beyond all", 0, "SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKu\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>;tag=2\nCall-ID: code.1\nCSeq: 1 OPTIONS\n"},
	{"answer without a reason", 0, "SIP/2.0 200 \nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKv\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>;tag=2\nCall-ID: reason.1\nCSeq: 1 OPTIONS\n"},
	{"answer to be sent on to all", 0, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bKw\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>;tag=2\nCall-ID: bcast.1\nCSeq: 1 INVITE\n"},
	{"INVITE without a CSeq", 400, "INVITE sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKy\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: nocseq.1\n"},
	{"INVITE as before RFC 3261", 401, "INVITE sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66\nFrom: <sip:a@x>\nTo: <sip:x>\nCall-ID: old.1\nCSeq: 1 INVITE\nContact: <sip:a@10.0.0.66>\n"},
	{"nothing but a start line", 0, "INVITE sip:x SIP/2.0\n"},
	{"no SIP at all", 0, "GET / HTTP/1.1\nHost: x\n"},
}

// wireOf is a hostile message with the line ends of SIP.
func wireOf(lines string) string { return strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n" }

// TestHostileMessages takes each through the whole read path, by UDP and by TCP: it has the answer that it should, and the server
// serves the next one.
func TestHostileMessages(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			for _, transport := range []string{"UDP", "TCP"} {
				synctest.Test(t, func(t *testing.T) {
					w, _ := site(t, ServerConfig{}, answering)
					p := siptest.NewPeer(t, w.Network, "10.0.0.66:5060", serverAddr)
					raw := wireOf(tt.lines)
					if transport == "TCP" {
						p = siptest.Dial(t, w.Network, "10.0.0.66:0", serverAddr)
						if tt.answer == 200 && !strings.Contains(raw, "\r\nl:") { // a stream needs to know where a message ends (RFC 3261 §18.3)
							raw = strings.TrimSuffix(raw, "\r\n") + "Content-Length: 0\r\n\r\n"
						}
					}
					p.SendRaw(raw)
					synctest.Wait()
					if m, answered := p.Read(time.Second); transport == "UDP" && (answered != (tt.answer != 0) || answered && m.Code() != tt.answer) {
						t.Errorf("answered %v %q, want %d", answered, m.StartLine(), tt.answer)
					}
					probe := siptest.NewPeer(t, w.Network, "10.0.0.67:5060", serverAddr)
					probe.Send("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.67;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: probe\nCSeq: 1 OPTIONS\n")
					probe.Want(200, "OPTIONS")
					for _, who := range []owner{ownerReader, ownerConnection, ownerMailbox, ownerLeg} {
						if n := counterValue(t, w.srv.metrics.panics.WithLabelValues(string(who))); n != 0 {
							t.Errorf("%v panics of %s", n, who)
						}
					}
				})
			}
		})
	}
}
