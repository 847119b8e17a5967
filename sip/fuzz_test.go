package sip

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
)

// deaf is a flow that takes everything.
type deaf struct{ sent int }

func (d *deaf) id() FlowID                          { return 1 }
func (d *deaf) transport() string                   { return "UDP" }
func (d *deaf) local(netip.AddrPort) netip.AddrPort { return netip.MustParseAddrPort(serverAddr) }
func (d *deaf) send([]byte, netip.AddrPort, netip.Addr) error {
	d.sent++
	return nil
}

// FuzzRead takes raw bytes through scan, parser and dispatch: nothing panics, and a source we do not know draws at most one
// datagram for one.
func FuzzRead(f *testing.F) {
	for _, m := range hostile {
		f.Add([]byte(wireOf(m.lines)))
	}
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("CANCEL sip:x SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <sip:a@x>;tag=1\r\nt: <sip:x>\r\ni: c\r\nCSeq: 1 CANCEL\r\n\r\n"))
	lines := newSiteLines(Line{Username: "alice", Password: "p", Realm: "site.test", AOR: "alice@site.test", AORs: []AOR{"alice@site.test"}})
	s := NewServer(ServerConfig{}, NewAuthenticator(AuthConfig{}, lines), NewRegistrar(RegistrarConfig{}, nil), lines, answering)
	src := Source{Transport: "UDP", Remote: netip.MustParseAddrPort("192.0.2.9:5060"), Local: netip.MustParseAddrPort(serverAddr), Flow: 1}
	f.Fuzz(func(t *testing.T, b []byte) {
		flow := &deaf{}
		raw := bytes.Clone(b)
		h, flaw := scanHead(raw)
		if flaw == nil {
			var m sipmsg.Message
			if m, flaw = parse(raw, h); flaw == nil {
				if again, _, err := sipmsg.NewParser().Parse([]byte(m.String()), false); err != nil && again == nil {
					_ = m.String() // what we would send of it is at least printable
				}
				if req, ok := m.(*sipmsg.Request); ok {
					req.SetSource(src.Remote.String())
					req.SetTransport(src.Transport)
					s.takeRequest(&inbound{Request: req, s: s, src: src, flow: flow})
				} else {
					s.txs.receive(m.(*sipmsg.Response))
				}
			}
		}
		if flaw != nil {
			s.answerRaw(flow, src, raw, flaw)
		}
		if flow.sent > 1 {
			t.Errorf("%d datagrams for one", flow.sent)
		}
		if s.Legs() != 0 {
			t.Errorf("a stranger has a leg")
		}
	})
}

// FuzzFramer feeds a stream in two cuts; both ways of cutting it give the same messages.
func FuzzFramer(f *testing.F) {
	msg := "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nab"
	f.Add([]byte("\r\n\r\n"+msg+"\r\n"+msg), 7)
	f.Add([]byte(msg[:40]), 3)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		if at < 0 || at > len(b) {
			return
		}
		frames := func(parts ...[]byte) (out [][]byte) {
			var fr framer
			for _, p := range parts {
				fr.feed(p)
				for {
					kind, m, _, _ := fr.next()
					if kind == frameBroken {
						return out
					}
					if kind == frameNone {
						break
					}
					if kind == frameMessage {
						out = append(out, bytes.Clone(m))
					}
				}
			}
			return out
		}
		whole, cut := frames(b), frames(b[:at], b[at:])
		if len(whole) != len(cut) {
			t.Fatalf("%d messages whole, %d cut at %d", len(whole), len(cut), at)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], cut[i]) {
				t.Errorf("message %d differs", i)
			}
		}
	})
}

// FuzzHeaders reads the headers of REFER, Replaces, PRACK and identities: nothing panics, and what is read is whole.
func FuzzHeaders(f *testing.F) {
	for _, v := range []string{
		"71 1 INVITE", "0 0 INVITE", "4294967296 1 INVITE", "1 2 BYE", "a@b;to-tag=x;from-tag=y;early-only",
		"a@b;local-tag=x;remote-tag=y", `"Zoé, \"Z\"" <sip:+331@x;user=phone>;party=called, <tel:+331>`, "<sip:8002@x;method=BYE?Replaces=a%3Bto-tag%3Dx%3Bfrom-tag%3Dy>",
		"<urn:service:sos>", "sip:", "<>", "\"", ";;;",
	} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if rseq, cseq, ok := parseRAck(v); ok {
			if again := fmt.Sprintf("%d %d INVITE", rseq, cseq); len(again) > len(v) {
				t.Errorf("RAck %q read as %q", v, again)
			}
		}
		for _, parse := range []func(string) (Replaces, bool){parseReplaces, parseTargetDialog} {
			if r, ok := parse(v); ok && (r.CallID == "" || r.ToTag == "" || r.FromTag == "") {
				t.Errorf("%q read as %+v", v, r)
			}
		}
		if a, _, ok := firstAddress([]string{v}); ok && a.URI.String() == "" {
			t.Errorf("%q names nobody: %+v", v, a)
		}
		req := sipmsg.NewRequest(sipmsg.REFER, sipmsg.Uri{Scheme: "sip", Host: "x"})
		req.AppendHeader(sipmsg.NewHeader("Refer-To", v))
		req.AppendHeader(sipmsg.NewHeader("P-Asserted-Identity", v))
		req.AppendHeader(sipmsg.NewHeader("Privacy", v))
		if _, method, ok := readRefer(req); ok && method != "INVITE" && method != "BYE" {
			t.Errorf("%q asks for %s", v, method)
		}
		identityOf(req)
	})
}
