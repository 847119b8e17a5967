package sip

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
)

func TestStatelessResponse(t *testing.T) {
	req := parsed(t, "INVITE sip:8000@site.test SIP/2.0\n"+
		"Via: SIP/2.0/UDP edge.test;branch=z9hG4bK2\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\n"+
		"Record-Route: <sip:edge.test;lr>\nMax-Forwards: 70\n"+
		"From: <sip:ann@site.test>;tag=a1\nTo: <sip:8000@site.test>\nCall-ID: 1@h\nCSeq: 9 INVITE\nContent-Length: 0\n\n")
	got := statelessResponse(req, 404, "Not Found").String()
	tag, _ := statelessResponse(req, 500, "Server Internal Error").To().Params.Get("tag")
	want := "SIP/2.0 404 Not Found\r\nVia: SIP/2.0/UDP edge.test;branch=z9hG4bK2\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\n" +
		"From: <sip:ann@site.test>;tag=a1\r\nTo: <sip:8000@site.test>;tag=" + tag + "\r\nCall-ID: 1@h\r\nCSeq: 9 INVITE\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	req.To().Params = sipmsg.HeaderParams{{K: "tag", V: "mine"}}
	if got := statelessResponse(req, 481, "Gone").To().String(); got != "To: <sip:8000@site.test>;tag=mine" {
		t.Errorf("a tag that is there was changed: %s", got)
	}
}

func TestRawResponse(t *testing.T) {
	src := netip.MustParseAddrPort("198.51.100.7:49152")
	pad := "X-Padding: " + strings.Repeat("x", 200) + "\r\n"
	for _, tc := range []struct {
		name, in, want string // want empty: no answer
	}{
		{"broken CSeq, rport asked for",
			"OPTIONS sip:site.test SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5060;rport;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1@h\r\nCSeq: nonsense\r\n\r\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 10.0.0.7:5060;rport=49152;branch=z9hG4bK1;received=198.51.100.7\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1@h\r\nCSeq: nonsense\r\nContent-Length: 0\r\n\r\n"},
		{"compact names, LF only, folded Via, two hops",
			"INVITE sip:b@h SIP/2.0\nv:SIP/2.0/TCP a\n ;branch=z9hG4bK1\nv : SIP/2.0/UDP b;branch=z9hG4bK2\nf:<sip:a@h>\nt:<sip:b@h>;tag=2\ni:1\nCSeq: 1 INVITE\nl: -1\n\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TCP a ;branch=z9hG4bK1;received=198.51.100.7\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\nFrom: <sip:a@h>\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"},
		{"values of one Via stay together",
			"INFO sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a;rport , SIP/2.0/UDP b;rport\r\n" + pad + "\r\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;rport=49152;received=198.51.100.7, SIP/2.0/UDP b;rport\r\nContent-Length: 0\r\n\r\n"},
		{"received is there already",
			"INFO sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a;received=10.0.0.1\r\n" + pad + "\r\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;received=10.0.0.1\r\nContent-Length: 0\r\n\r\n"},
		{"the first of two From counts",
			"INFO sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:1@h>\r\nFrom: <sip:2@h>\r\n" + pad + "\r\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;received=198.51.100.7\r\nFrom: <sip:1@h>\r\nContent-Length: 0\r\n\r\n"},
		{"header line without colon, bare CR in a value",
			"INFO sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nnonsense\r\nFrom: <sip:\r1@h>\r\nCall-ID: 7\r\n" + pad + "\r\n",
			"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP a;received=198.51.100.7\r\nCall-ID: 7\r\nContent-Length: 0\r\n\r\n"},
		{"ACK", "ACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n" + pad + "\r\n", ""},
		{"response", "SIP/2.0 503 Overlarge\r\nVia: SIP/2.0/UDP a\r\n" + pad + "\r\n", ""},
		{"no Via", "INFO sip:b@h SIP/2.0\r\nFrom: <sip:1@h>\r\n" + pad + "\r\n", ""},
		{"Via of another protocol", "INFO sip:b@h SIP/2.0\r\nVia: HTTP/1.1/TCP a\r\n" + pad + "\r\n", ""},
		{"Via without host", "INFO sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP ;branch=1\r\n" + pad + "\r\n", ""},
		{"the answer would be too much for its question", "A b\nv:SIP/2.0/UDP a\n", ""},
		{"binary", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""},
		{"empty", "", ""},
		{"only line ends", "\r\n\r\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := rawResponse([]byte(tc.in), src, 400, "Bad Request")
			if ok != (tc.want != "") || ok && string(got) != tc.want {
				t.Errorf("%v\n%s\nwant\n%s", ok, got, tc.want)
			}
		})
	}
}

func TestRawResponseTagsTo(t *testing.T) {
	in := []byte("OPTIONS sip:site.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nTo: \"x;tag=no\" <sip:b@h;tag=no>\r\nX: " + strings.Repeat("x", 100) + "\r\n\r\n")
	first, ok := rawResponse(in, netip.AddrPort{}, 400, "Bad Request")
	if !ok || !bytes.Contains(first, []byte("<sip:b@h;tag=no>;tag=")) {
		t.Fatalf("%v %s", ok, first)
	}
	if again, _ := rawResponse(in, netip.AddrPort{}, 400, "Bad Request"); !bytes.Equal(again, first) {
		t.Errorf("the same datagram got another tag:\n%s\n%s", first, again)
	}
}

// FuzzRawResponse holds whatever comes in to the rules for strangers: at most 2.5 times the bytes, no line of the input
// in the answer that was none before, and an answer that SIP can read where its parts can be read.
func FuzzRawResponse(f *testing.F) {
	f.Add([]byte("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;rport;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: x\r\n\r\n"))
	f.Add([]byte("REGISTER sip:a SIP/2.0\nv:SIP/2.0/UDP a\n ,\tSIP/2.0/UDP b\nt:\"\n"))
	f.Add([]byte("INVITE  sip:a SIP/7.0\r\n"))
	for _, m := range hostile {
		f.Add([]byte(wireOf(m.lines)))
	}
	src := netip.MustParseAddrPort("[2001:db8::7]:49152")
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out, ok := rawResponse(in, src, 400, "Bad Request")
		if !bytes.Equal(in, before) {
			t.Fatal("the datagram was changed")
		}
		if !ok {
			return
		}
		if float64(len(out)) > 2.5*float64(len(in)) {
			t.Fatalf("%d bytes drew %d", len(in), len(out))
		}
		if !bytes.HasPrefix(out, []byte("SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/")) || !bytes.HasSuffix(out, []byte("\r\nContent-Length: 0\r\n\r\n")) {
			t.Fatalf("%q", out)
		}
		for _, line := range bytes.Split(bytes.TrimSuffix(out, []byte("\r\n\r\n")), []byte("\r\n"))[1:] {
			name, _, ok := bytes.Cut(line, []byte(": "))
			if !ok || bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("line %q in %q", line, out)
			}
			switch string(name) {
			case "Via", "From", "To", "Call-ID", "CSeq", "Content-Length":
			default:
				t.Fatalf("header %q in %q", name, out)
			}
		}
	})
}
