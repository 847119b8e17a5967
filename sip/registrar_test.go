package sip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
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

func contactsOf(list []Binding) string {
	var s []string
	for _, b := range list {
		s = append(s, b.Contact)
	}
	return strings.Join(s, " | ")
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

func TestBindingsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{MaxBindings: 3}, nil)
		for i := 1; i <= 5; i++ {
			wantStatus(t, apply(t, r, fmt.Sprintf("%d@h", i), 1, fmt.Sprintf("Contact: <sip:u@h%d>", i)), 200)
			if i == 4 { // h2 did not answer lately, so it goes before h3
				b := Binding{AOR: annAOR, Contact: "sip:u@h3"}
				r.Demote(b.Key())
			}
			time.Sleep(time.Second)
		}
		if got := contactsOf(r.Bindings(annAOR)); got != "sip:u@h5 | sip:u@h4 | sip:u@h2" {
			t.Errorf("bindings %s", got)
		}
		wantStatus(t, apply(t, r, "many@h", 1, "Contact: <sip:u@i1>, <sip:u@i2>, <sip:u@i3>, <sip:u@i4>"), 403)
	})
}

func TestBindingsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		for i, q := range []string{"", ";q=0.2", "", ";q=0.9"} {
			apply(t, r, fmt.Sprintf("%d@h", i), 1, fmt.Sprintf("Contact: <sip:u@h%d>%s", i, q))
			time.Sleep(time.Second)
		}
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h2 | sip:u@h0 | sip:u@h3 | sip:u@h1"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		b := Binding{AOR: annAOR, Contact: "sip:u@h2"}
		r.Demote(b.Key())
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h0 | sip:u@h3 | sip:u@h1 | sip:u@h2"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
		apply(t, r, "2@h", 2, "Contact: <sip:u@h2>")
		if got, want := contactsOf(r.Bindings(annAOR)), "sip:u@h2 | sip:u@h0 | sip:u@h3 | sip:u@h1"; got != want {
			t.Errorf("order %s, want %s", got, want)
		}
	})
}

func TestFlowClosed(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{}, nil)
	tcp := phoneAt("198.51.100.7:40001")
	tcp.Transport, tcp.Flow = "TCP", 7
	bind := func(cseq int, src Source) {
		t.Helper()
		wantStatus(t, r.Apply(register(t, "a@h", cseq, fmt.Sprint("x", cseq), "Contact: <sip:u@h;transport=tcp>"), src, annAOR, "u"), 200)
	}
	bind(1, tcp)
	if b := r.Bindings(annAOR); len(b) != 1 || b[0].Source != tcp {
		t.Fatalf("bindings %+v", b)
	}
	r.FlowClosed(7)
	if b := r.Bindings(annAOR); len(b) != 0 {
		t.Errorf("a phone without connection is dialled: %+v", b)
	}
	all := slices.Collect(r.All())
	if len(all) != 1 || all[0].Reachable() || r.Count() != 1 {
		t.Errorf("all %+v, count %d", all, r.Count())
	}
	bind(2, tcp) // still on its way when the connection closed
	if b := r.Bindings(annAOR); len(b) != 0 {
		t.Errorf("bound to a dead connection: %+v", b)
	}
	tcp.Flow = 8
	bind(3, tcp)
	r.FlowClosed(7) // again, and of no consequence
	if b := r.Bindings(annAOR); len(b) != 1 || b[0].Source.Flow != 8 {
		t.Errorf("bindings %+v", b)
	}
}

// memLocations is a store in memory that can fail.
type memLocations struct {
	mu    sync.Mutex // guards all below
	kept  map[BindingKey]Binding
	fail  error
	saves []string // "put N del M"
}

func newMemLocations() *memLocations { return &memLocations{kept: make(map[BindingKey]Binding)} }

func (m *memLocations) LoadBindings(context.Context) ([]Binding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Binding
	for _, b := range m.kept {
		list = append(list, b)
	}
	return list, m.fail
}

func (m *memLocations) SaveBindings(_ context.Context, put []Binding, del []BindingKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, b := range put {
		m.kept[b.Key()] = b
	}
	for _, k := range del {
		delete(m.kept, k)
	}
	m.saves = append(m.saves, fmt.Sprintf("put %d del %d", len(put), len(del)))
	return nil
}

func (m *memLocations) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// written returns what was saved since it was last asked.
func (m *memLocations) written() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.saves
	m.saves = nil
	return list
}

// stored returns a copy of what is kept.
func (m *memLocations) stored() map[BindingKey]Binding {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kept)
}

// running starts a registrar; the returned func stops it and waits.
func running(t *testing.T, r *Registrar) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestWriteBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		saves := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := store.written(); !slices.Equal(got, want) {
				t.Errorf("at %v saved %q, want %q", time.Now().Format("04:05.0"), got, want)
			}
		}
		time.Sleep(500 * time.Millisecond)
		apply(t, r, "a@h", 1, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(time.Second)
		saves("put 1 del 0")
		for i := range 30 { // refreshes wait for the minute, all in one write
			apply(t, r, "a@h", 2+i, "Contact: <sip:u@h>;expires=3600")
			time.Sleep(time.Second)
		}
		saves()
		time.Sleep(30 * time.Second)
		saves("put 1 del 0")
		time.Sleep(5 * time.Minute)
		saves()
		apply(t, r, "a@h", 50, "Contact: <sip:u@h>;expires=0")
		time.Sleep(time.Second)
		saves("put 0 del 1")
		if len(store.stored()) != 0 {
			t.Errorf("kept %v", store.stored())
		}
		// What changed a moment before the end is written at the end.
		apply(t, r, "a@h", 51, "Contact: <sip:u@h>;expires=3600")
		stop()
		saves("put 1 del 0")
	})
}

func TestWriteFaultIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		defer running(t, r)()
		store.failWith(errors.New("disk full"))
		apply(t, r, "a@h", 1, "Contact: <sip:u@h1>, <sip:u@h2>")
		time.Sleep(5 * time.Second)
		apply(t, r, "a@h", 2, "Contact: <sip:u@h2>;expires=0")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		store.failWith(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(store.stored()) != 1 {
			t.Errorf("kept %v, want one", store.stored())
		}
	})
}

func TestServesWithoutTheStoredBindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		store.fail = errors.New("damaged")
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		wantStatus(t, apply(t, r, "a@h", 1, "Contact: <sip:u@h>"), 200)
		store.failWith(nil)
		stop()
		if len(store.stored()) != 1 {
			t.Errorf("kept %v, want the new binding", store.stored())
		}
		store.failWith(errors.New("damaged"))
		if err := NewRegistrar(RegistrarConfig{}, store).Load(t.Context()); err == nil {
			t.Error("Load hides the fault")
		}
	})
}

func TestBindingsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		apply(t, r, "udp@h", 1, "Contact: <sip:u@udp>;expires=600")
		apply(t, r, "brief@h", 1, "Contact: <sip:u@brief>;expires=60")
		tcp := phoneAt("198.51.100.9:40000")
		tcp.Transport, tcp.Flow = "TCP", 9
		r.Apply(register(t, "tcp@h", 1, "x", "Contact: <sip:u@tcp>;expires=600"), tcp, annAOR, "u")
		stop()

		r = NewRegistrar(RegistrarConfig{}, store)
		if err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer running(t, r)()
		if got := contactsOf(r.Bindings(annAOR)); r.Count() != 3 || strings.Contains(got, "tcp") || !strings.Contains(got, "udp") {
			t.Errorf("%d restored, of which reachable: %s", r.Count(), got)
		}
		for _, b := range r.Bindings(annAOR) {
			if b.Source.Flow != 0 || b.Source.Local.String() != "192.0.2.1:5060" {
				t.Errorf("source %+v", b.Source)
			}
		}
		wantStatus(t, apply(t, r, "tcp@h", 2, "Contact: <sip:u@tcp>;expires=600"), 200)

		time.Sleep(2 * time.Minute) // the brief one lived to its stored expiry and a minute
		if got := contactsOf(r.Bindings(annAOR)); strings.Contains(got, "brief") {
			t.Errorf("bindings %s", got)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if r.Count() != 0 || len(store.stored()) != 0 {
			t.Errorf("after all expired: %d bindings, kept %v", r.Count(), store.stored())
		}
	})
}

// A refresh that is not yet written must not cost a phone its binding when the server dies.
func TestRefreshNearTheStoredExpiryIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		defer running(t, r)()
		apply(t, r, "a@h", 1, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(3595 * time.Second)
		apply(t, r, "a@h", 2, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(time.Second)
		synctest.Wait()
		for _, b := range store.stored() {
			if time.Until(b.Expires) < 3500*time.Second {
				t.Errorf("the store would let it expire in %v", time.Until(b.Expires))
			}
		}
	})
}

func TestObserversHearOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		var heard []string
		r.OnChange(func(c Change) { heard = append(heard, c.Kind.String()+" "+c.Binding.Contact) })
		stop := running(t, r)
		tcp := phoneAt("198.51.100.9:40000")
		tcp.Transport, tcp.Flow = "TCP", 9
		apply(t, r, "a@h", 1, "Contact: <sip:u@a>;expires=60")
		apply(t, r, "a@h", 2, "Contact: <sip:u@a>;expires=60")
		r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@t>"), tcp, annAOR, "u")
		r.FlowClosed(9)
		apply(t, r, "b@h", 1, "Contact: <sip:u@b>;expires=600;+sip.instance=\"<urn:uuid:1>\"")
		apply(t, r, "c@h", 1, "Contact: <sip:u@c>;expires=600;+sip.instance=\"<urn:uuid:1>\"")
		apply(t, r, "c@h", 2, "Contact: <sip:u@c>;expires=0")
		time.Sleep(70 * time.Second)
		stop()
		want := []string{"registered sip:u@a", "refreshed sip:u@a", "registered sip:u@t", "flow lost sip:u@t",
			"registered sip:u@b", "refreshed sip:u@c", "unregistered sip:u@c", "expired sip:u@a"}
		if !slices.Equal(heard, want) {
			t.Errorf("heard\n%q\nwant\n%q", heard, want)
		}
	})
}

func TestRegisteredFlowsAndRecordsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		defer running(t, r)()
		for i := range 100 {
			src := phoneAt("198.51.100.9:40000")
			src.Transport, src.Flow = "TCP", FlowID(i+1)
			aor := AOR(fmt.Sprintf("u%d@site.test", i))
			r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@t>;expires=60"), src, aor, "u")
			r.FlowClosed(src.Flow)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		records := 0
		for i := range r.shards {
			records += len(r.shards[i].byAOR) + len(r.shards[i].urgent)
		}
		if records != 0 || len(r.flows.byFlow) != 0 || len(r.flows.gone) != 0 || r.Count() != 0 {
			t.Errorf("left: %d records, %d flows, %d gone, %d bindings", records, len(r.flows.byFlow), len(r.flows.gone), r.Count())
		}
	})
}

func TestPrune(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{}, nil)
	for i := range 10 {
		r.Apply(register(t, "t@h", 1, "x", "Contact: <sip:u@a>, <sip:u@b>"), phoneAt("198.51.100.9:40000"), AOR(fmt.Sprintf("u%d@site.test", i)), fmt.Sprint(i))
	}
	if n := r.Prune(func(b *Binding) bool { return b.Username == "3" }); n != 18 || r.Count() != 2 || len(r.Bindings("u3@site.test")) != 2 {
		t.Errorf("%d ended, %d left", n, r.Count())
	}
}

func TestJitter(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{Jitter: 0.2}, nil)
	seen := map[string]bool{}
	for i := range 50 {
		res := apply(t, r, "a@h", i+1, "Contact: <sip:u@h>;expires=1000")
		c := values(res, "Contact")
		seen[c] = true
		var n int
		if _, err := fmt.Sscanf(c, "<sip:u@h>;expires=%d", &n); err != nil || n < 800 || n > 1000 {
			t.Fatalf("granted %q, want 800 to 1000", c)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d different intervals", len(seen))
	}
	if res := apply(t, r, "a@h", 100, "Contact: <sip:u@h>;expires=60"); values(res, "Contact") != "<sip:u@h>;expires=60" {
		t.Errorf("the shortest interval was shortened: %s", values(res, "Contact"))
	}
}

func TestRegistrarConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		cfg  RegistrarConfig
		want string
	}{
		{RegistrarConfig{}, ""},
		{RegistrarConfig{MinExpires: 10 * time.Minute, MaxExpires: 20 * time.Minute}, ""},
		{RegistrarConfig{MinExpires: 2 * time.Hour}, "min_expires: 2h0m0s is not between 1s and 1h"},
		{RegistrarConfig{MinExpires: 10 * time.Minute, MaxExpires: time.Minute}, "min_expires: 10m0s is above max_expires 1m0s"},
		{RegistrarConfig{DefaultExpires: time.Second}, "default_expires: 1s"},
		{RegistrarConfig{Jitter: 0.9}, "jitter: 0.9"},
		{RegistrarConfig{MaxBindings: -1}, "max_bindings: -1"},
	} {
		err := tc.cfg.Validate()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.want)
		}
	}
}
