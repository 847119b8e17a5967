package sip

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

const annAOR = AOR("line81@site.test")

// register builds a REGISTER of Ann in the text of the protocol; lines are further headers.
func register(t testing.TB, callID string, cseq int, branch string, lines ...string) *sipmsg.Request {
	t.Helper()
	return parsed(t, fmt.Sprintf("REGISTER sip:site.test SIP/2.0\n"+
		"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-%s\n"+
		"From: \"Ann\" <sip:line81@site.test>;tag=8b31c2d4a0f1e5b7o0\n"+
		"To: \"Ann\" <sip:line81@site.test>\n"+
		"Call-ID: %s\nCSeq: %d REGISTER\nMax-Forwards: 70\n%s\nContent-Length: 0\n\n", branch, callID, cseq, strings.Join(lines, "\n")))
}

// apply sends a REGISTER with a branch of its own.
func apply(t testing.TB, r *Registrar, callID string, cseq int, lines ...string) *sipmsg.Response {
	t.Helper()
	return r.Apply(register(t, callID, cseq, fmt.Sprintf("%s-%d", callID, cseq), lines...), phoneAt("198.51.100.7:5060"), annAOR, ann.Username)
}

func wantStatus(t testing.TB, res *sipmsg.Response, code int) {
	t.Helper()
	if res.StatusCode != code {
		t.Fatalf("answered %d %s, want %d", res.StatusCode, res.Reason, code)
	}
}

func values(res *sipmsg.Response, name string) string {
	var list []string
	for _, h := range res.GetHeaders(name) {
		list = append(list, h.Value())
	}
	slices.Sort(list)
	return strings.Join(list, " | ")
}

// Each case is a script of REGISTERs of one AOR: what is sent, and the status and Contact values of the answer.
func TestRegister(t *testing.T) {
	type step struct {
		callID  string
		cseq    int
		headers string
		code    int
		want    string // Contact values, sorted; Min-Expires for 423
	}
	a, b := "a@198.51.100.7", "b@198.51.100.8"
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"fetch, nothing bound", []step{{a, 1, "", 200, ""}}},
		{"bind and fetch", []step{
			{a, 1, "Contact: <sip:line81@198.51.100.7:5060>;expires=600", 200, "<sip:line81@198.51.100.7:5060>;expires=600"},
			{b, 1, "", 200, "<sip:line81@198.51.100.7:5060>;expires=600"},
		}},
		{"Expires header for contacts without parameter", []step{
			{a, 1, "Expires: 300\nContact: <sip:u@h1>, <sip:u@h2>;expires=400", 200, "<sip:u@h1>;expires=300 | <sip:u@h2>;expires=400"},
		}},
		{"no interval named", []step{{a, 1, "Contact: <sip:u@h>", 200, "<sip:u@h>;expires=3600"}}},
		{"interval above the most", []step{{a, 1, "Contact: <sip:u@h>;expires=999999", 200, "<sip:u@h>;expires=7200"}}},
		{"interval beyond 32 bits", []step{{a, 1, "Contact: <sip:u@h>;expires=99999999999999", 200, "<sip:u@h>;expires=7200"}}},
		{"malformed interval counts an hour", []step{{a, 1, "Contact: <sip:u@h>;expires=soon", 200, "<sip:u@h>;expires=3600"}}},
		{"interval too brief binds nothing, not even the other contact", []step{
			{a, 1, "Contact: <sip:u@h1>;expires=600, <sip:u@h2>;expires=59", 423, "60"},
			{a, 2, "", 200, ""},
		}},
		{"compact names", []step{{a, 1, "m: <sip:u@h>;expires=60\nk: path", 200, "<sip:u@h>;expires=60"}}},
		{"parameters are echoed", []step{{a, 1, `Contact: "Ann" <sip:u@h;transport=tcp;ob>;q=0.5;Expires=60;+sip.instance="<urn:uuid:1;=,2>";audio`, 200,
			`<sip:u@h;transport=tcp;ob>;expires=60;q=0.5;+sip.instance="<urn:uuid:1;=,2>";audio`}}},
		{"contact without brackets, unknown parameter", []step{{a, 1, "Contact: sip:+19725552222@gw1.example.net;unknownparam", 200,
			"<sip:+19725552222@gw1.example.net>;expires=3600;unknownparam"}}},
		{"unknown parameter in the URI", []step{{a, 1, "Contact: <sip:+19725552222@gw1.example.net;unknownparam>", 200,
			"<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600"}}},
		{"escaped header in the URI", []step{{a, 1, "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>", 200,
			"<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600"}}},
		{"question mark without brackets", []step{{a, 1, "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E", 400, ""}}},
		{"contact of another scheme", []step{{a, 1, "Contact: <mailto:ann@site.test>", 400, ""}}},
		{"IPv6", []step{{a, 1, "Contact: <sip:u@[2001:db8::1]:5070>;expires=60", 200, "<sip:u@[2001:db8::1]:5070>;expires=60"}}},
		{"refresh", []step{
			{a, 1, "Contact: <sip:u@h:5060>;expires=600", 200, "<sip:u@h:5060>;expires=600"},
			{a, 2, "Contact: <sip:u@H:5060>;expires=700", 200, "<sip:u@H:5060>;expires=700"},
		}},
		{"user part has case, default port is not the same URI", []step{
			{a, 1, "Contact: <sip:u@h>;expires=600, <sip:U@h>;expires=600, <sip:u@h:5060>;expires=600", 200,
				"<sip:U@h>;expires=600 | <sip:u@h:5060>;expires=600 | <sip:u@h>;expires=600"},
		}},
		{"several phones, one leaves", []step{
			{a, 1, "Contact: <sip:u@h1>;expires=600", 200, "<sip:u@h1>;expires=600"},
			{b, 1, "Contact: <sip:u@h2>;expires=500", 200, "<sip:u@h1>;expires=600 | <sip:u@h2>;expires=500"},
			{a, 2, "Contact: <sip:u@h1>;expires=0", 200, "<sip:u@h2>;expires=500"},
		}},
		{"unregister by Expires header", []step{
			{a, 1, "Contact: <sip:u@h1>", 200, "<sip:u@h1>;expires=3600"},
			{a, 2, "Contact: <sip:u@h1>\nExpires: 0", 200, ""},
			{a, 3, "Contact: <sip:u@h1>\nExpires: 0", 200, ""},
		}},
		{"all leave", []step{
			{a, 1, "Contact: <sip:u@h1>", 200, "<sip:u@h1>;expires=3600"},
			{b, 1, "Contact: <sip:u@h2>", 200, "<sip:u@h1>;expires=3600 | <sip:u@h2>;expires=3600"},
			{b, 2, "Contact: *\nExpires: 0", 200, ""},
		}},
		{"star without Expires 0", []step{
			{a, 1, "Contact: <sip:u@h1>", 200, "<sip:u@h1>;expires=3600"},
			{a, 2, "Contact: *", 400, ""},
			{a, 3, "Contact: *\nExpires: 60", 400, ""},
			{a, 4, "Contact: *\nContact: <sip:u@h1>\nExpires: 0", 400, ""},
			{a, 5, "Contact: <sip:u@h1>, *\nExpires: 0", 400, ""},
			{a, 6, "", 200, "<sip:u@h1>;expires=3600"},
		}},
		{"older one of the same Call-ID comes late", []step{
			{a, 5, "Contact: <sip:u@h1>;expires=600", 200, "<sip:u@h1>;expires=600"},
			{a, 4, "Contact: <sip:u@h1>;expires=0", 500, ""},
			{a, 4, "", 200, "<sip:u@h1>;expires=600"},
			{b, 4, "Contact: <sip:u@h1>;expires=700", 200, "<sip:u@h1>;expires=700"},
		}},
		{"late older one after unregistration does not bind", []step{
			{a, 5, "Contact: <sip:u@h1>;expires=600", 200, "<sip:u@h1>;expires=600"},
			{a, 6, "Contact: *\nExpires: 0", 200, ""},
			{a, 4, "Contact: <sip:u@h1>;expires=600", 500, ""},
			{a, 7, "", 200, ""},
		}},
		{"phone that moved: same instance, new contact", []step{
			{a, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`, 200, `<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`},
			{b, 1, `Contact: <sip:u@h2>;expires=600;+sip.instance="<urn:uuid:1>"`, 200, `<sip:u@h2>;expires=600;+sip.instance="<urn:uuid:1>"`},
			{a, 2, `Contact: <sip:u@h1>;expires=0;+sip.instance="<urn:uuid:1>"`, 200, `<sip:u@h2>;expires=600;+sip.instance="<urn:uuid:1>"`},
		}},
		{"phone that moved: same MAC in the User-Agent", []step{
			{a, 1, "User-Agent: Cisco-CP-8865-3PCC/12.0.3_0057d2a1b2c3_cc01_dd02\nContact: <sip:u@h1>;expires=600", 200, "<sip:u@h1>;expires=600"},
			{b, 1, "User-Agent: Cisco-CP-8865-3PCC/12.0.4_0057D2A1B2C3_cc03_dd04\nContact: <sip:u@h2>;expires=600", 200, "<sip:u@h2>;expires=600"},
		}},
		{"old and new contact in one request", []step{
			{a, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`, 200, `<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`},
			{a, 2, `Contact: <sip:u@h2>;expires=600;+sip.instance="<urn:uuid:1>", <sip:u@h1>;expires=0;+sip.instance="<urn:uuid:1>"`, 200,
				`<sip:u@h2>;expires=600;+sip.instance="<urn:uuid:1>"`},
		}},
		{"another phone at the same contact", []step{
			{a, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`, 200, `<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>"`},
			{b, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:2>"`, 200, `<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:2>"`},
		}},
		{"two flows of one phone", []step{
			{a, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1`, 200, `<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1`},
			{b, 1, `Contact: <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=2`, 200,
				`<sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1 | <sip:u@h1>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=2`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := NewRegistrar(RegistrarConfig{}, nil)
				for i, s := range tc.steps {
					res := apply(t, r, s.callID, s.cseq, strings.Split(s.headers, "\n")...)
					wantStatus(t, res, s.code)
					got := values(res, "Contact")
					if s.code == 423 {
						got = values(res, "Min-Expires")
					}
					if got != s.want {
						t.Errorf("step %d: %s\n got %s\nwant %s", i+1, s.headers, got, s.want)
					}
				}
			})
		})
	}
}

func TestRegisterAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // midnight of 2000-01-01
		r := NewRegistrar(RegistrarConfig{AllowEvents: []string{"dialog", "message-summary"}}, nil)
		req := register(t, "a@h", 1, "b1", "Contact: <sip:u@h>;expires=60", "Supported: path", "Path: <sip:edge.test;lr>, <sip:far.test;lr>")
		res := r.Apply(req, phoneAt("198.51.100.7:5060"), annAOR, ann.Username)
		tag, _ := res.To().Params.Get("tag")
		want := "SIP/2.0 200 OK\r\n" +
			"Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-b1\r\n" +
			"From: \"Ann\" <sip:line81@site.test>;tag=8b31c2d4a0f1e5b7o0\r\n" +
			"To: \"Ann\" <sip:line81@site.test>;tag=" + tag + "\r\n" +
			"Call-ID: a@h\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n" +
			"Contact: <sip:u@h>;expires=60\r\nPath: <sip:edge.test;lr>\r\nPath: <sip:far.test;lr>\r\n" +
			"Supported: path, outbound\r\nAllow-Events: dialog, message-summary\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n"
		if got := res.String(); got != want || tag == "" {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		b := r.Bindings(annAOR)
		if len(b) != 1 || strings.Join(b[0].Path, " ") != "<sip:edge.test;lr> <sip:far.test;lr>" {
			t.Errorf("bindings %+v", b)
		}
	})
}

func TestRegisterOutboundOverStreams(t *testing.T) {
	for _, tc := range []struct {
		name, transport, line string
		want                  string
	}{
		{"TCP", "TCP", "Supported: path, outbound", "outbound"},
		{"UDP would need STUN", "UDP", "Supported: path, outbound", ""},
		{"not supported by the phone", "TLS", "Supported: path", ""},
		{"a proxy owns the flow", "TCP", "Supported: outbound\nPath: <sip:edge.test;lr>", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewRegistrar(RegistrarConfig{}, nil)
			src := phoneAt("198.51.100.7:5060")
			src.Transport = tc.transport
			res := r.Apply(register(t, "a@h", 1, "b1", tc.line, `Contact: <sip:u@h>;reg-id=1;+sip.instance="<urn:uuid:1>"`), src, annAOR, "u")
			wantStatus(t, res, 200)
			if got := values(res, "Require"); got != tc.want {
				t.Errorf("Require: %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRegisterRetransmissionGetsTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		src := phoneAt("198.51.100.7:5060")
		send := func(cseq int, branch string, lines ...string) string {
			return r.Apply(register(t, "a@h", cseq, branch, lines...), src, annAOR, ann.Username).String()
		}
		bind := send(1, "x1", "Contact: <sip:u@h>;expires=600")
		for range 6 {
			time.Sleep(5 * time.Second)
			if again := send(1, "x1", "Contact: <sip:u@h>;expires=600"); again != bind {
				t.Fatalf("after %v\n%s\nwant\n%s", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), again, bind)
			}
		}
		if left := time.Until(r.Bindings(annAOR)[0].Expires); left != 570*time.Second {
			t.Errorf("retransmissions prolonged the binding: %v left, want 9m30s", left)
		}

		gone := send(2, "x2", "Contact: *", "Expires: 0")
		time.Sleep(20 * time.Second)
		if again := send(2, "x2", "Contact: *", "Expires: 0"); again != gone {
			t.Errorf("after unregistration\n%s\nwant\n%s", again, gone)
		}
		if res := r.Apply(register(t, "a@h", 1, "x1", "Contact: <sip:u@h>;expires=600"), src, annAOR, ann.Username); res.StatusCode != 500 || values(res, "Retry-After") != "12" {
			t.Errorf("the REGISTER before it, late: %s", res)
		}
		if r.Count() != 0 {
			t.Errorf("%d bindings after unregistration", r.Count())
		}
	})
}

// A phone that rebooted counts its CSeq anew under its old Call-ID.
func TestRegisterAfterReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		wantStatus(t, apply(t, r, "a@h", 40117, "Contact: <sip:u@h>;expires=3600"), 200)
		time.Sleep(31 * time.Second)
		wantStatus(t, apply(t, r, "a@h", 102, "Contact: <sip:u@h>;expires=3600"), 500)
		time.Sleep(time.Second)
		wantStatus(t, apply(t, r, "a@h", 102, "Contact: <sip:u@h>;expires=3600"), 200)
		if b := r.Bindings(annAOR); len(b) != 1 || b[0].CSeq != 102 || time.Until(b[0].Expires) != time.Hour {
			t.Errorf("bindings %+v", b)
		}
	})
}

func TestRegisterForAnotherLine(t *testing.T) {
	bob := Line{Username: "bob", Password: "p", Realm: "site.test", AOR: "bob@site.test", AORs: []AOR{"bob@site.test", "shared@site.test"}}
	carol := Line{Username: "carol", Password: "p", Realm: "site.test", AOR: "carol@site.test", AORs: []AOR{"carol@site.test"}}
	lines := newSiteLines(bob, carol)
	for _, tc := range []struct {
		to   string
		code int
		aor  AOR
	}{
		{"sip:bob@site.test", 200, "bob@site.test"},
		{"sip:bob@SITE.test:5060;transport=tcp", 200, "bob@site.test"},
		{"sip:%62ob@192.0.2.1", 200, "bob@site.test"},
		{"sip:shared@site.test", 200, "shared@site.test"},
		{"sip:carol@site.test", 403, ""},
		{"sip:nobody@site.test", 404, ""},
		{"sip:bob@elsewhere.test", 404, ""},
		{"tel:+12105550101", 404, ""},
	} {
		t.Run(tc.to, func(t *testing.T) {
			r := NewRegistrar(RegistrarConfig{}, nil)
			req := parsed(t, "REGISTER sip:site.test SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:bob@site.test>;tag=1\nTo: <"+tc.to+">\nCall-ID: 1\nCSeq: 1 REGISTER\nContact: <sip:bob@h>\n\n")
			wantStatus(t, r.Register(req, phoneAt("198.51.100.7:5060"), &bob, lines), tc.code)
			if tc.aor != "" && len(r.Bindings(tc.aor)) != 1 {
				t.Errorf("nothing bound to %s", tc.aor)
			}
			if tc.aor == "" && r.Count() != 0 {
				t.Errorf("%d bindings", r.Count())
			}
		})
	}
}
