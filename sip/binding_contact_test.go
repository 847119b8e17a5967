package sip

import (
	"strings"
	"testing"
)

func TestParseContacts(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []contact // nil: refused
	}{
		{"bracketed", `<sip:u@h>`, []contact{{uri: "sip:u@h", q: 1000, expires: -1}}},
		{"display name in words", `Ann of the North <sip:u@h;ob>;q=0.35`, []contact{{uri: "sip:u@h;ob", params: ";q=0.35", q: 350, expires: -1}}},
		{"quoted display name with everything", `"A, \"<sip:x@y>;\" B" <sip:u@h>;expires=5`, []contact{{uri: "sip:u@h", q: 1000, expires: 5}}},
		{"no space before the bracket", `"Ann"<sip:u@h>`, []contact{{uri: "sip:u@h", q: 1000, expires: -1}}},
		{"several, spaces anywhere", `<sip:a@h> ; expires = 1 , sip:b@h;expires=2;x,<sip:c@h>`, []contact{
			{uri: "sip:a@h", q: 1000, expires: 1}, {uri: "sip:b@h", params: ";x", q: 1000, expires: 2}, {uri: "sip:c@h", q: 1000, expires: -1}}},
		{"quoted parameters", `<sip:u@h>;a="x;y,z=1\"";+SIP.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=2;expires="9"`, []contact{
			{uri: "sip:u@h", params: `;a="x;y,z=1\"";+SIP.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=2`,
				instance: "urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF", regID: 2, q: 1000, expires: 9}}},
		{"comma inside brackets", `<sip:a,b@h>`, []contact{{uri: "sip:a,b@h", q: 1000, expires: -1}}},
		{"user part with semicolon", `<sip:a;b@h>`, []contact{{uri: "sip:a;b@h", q: 1000, expires: -1}}},
		{"star", `*`, []contact{{star: true, q: 1000, expires: -1}}},
		{"IPv6 and sips", `<sips:u@[2001:db8::1]:5061;transport=tls>`, []contact{{uri: "sips:u@[2001:db8::1]:5061;transport=tls", q: 1000, expires: -1}}},
		{"no user", `<sip:192.0.2.7:5066>`, []contact{{uri: "sip:192.0.2.7:5066", q: 1000, expires: -1}}},
		{"nonsense in q", `<sip:u@h>;q=high`, []contact{{uri: "sip:u@h", params: ";q=high", q: 1000, expires: -1}}},
		{"empty parameter", `<sip:u@h>;;expires=1`, []contact{{uri: "sip:u@h", q: 1000, expires: 1}}},
		{"no URI", `<>`, nil},
		{"no host", `<sip:u@>`, nil},
		{"no closing bracket", `<sip:u@h`, nil},
		{"no closing quote", `"Ann <sip:u@h>`, nil},
		{"no closing quote of a parameter", `<sip:u@h>;a="b`, nil},
		{"text behind the bracket", `<sip:u@h> x`, nil},
		{"space in the URI", `<sip:u @h>`, nil},
		{"other scheme", `<tel:+12105550101>`, nil},
		{"port out of range", `<sip:u@h:70000>`, nil},
		{"port zero", `<sip:u@h:0>`, nil},
		{"broken IPv6", `<sip:u@[2001:db8:::1]>`, nil},
		{"headers without brackets", `sip:u@h?Subject=x`, nil},
		{"star with company", `*, <sip:u@h>`, nil},
		{"too long", `<sip:` + strings.Repeat("u", 2000) + `@h>`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseContacts(nil, tc.in)
			if tc.want == nil {
				if err == nil {
					t.Fatalf("accepted %q as %+v", tc.in, got)
				}
				return
			}
			if err != nil || len(got) != len(tc.want) {
				t.Fatalf("%q: %+v, %v", tc.in, got, err)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("%q\n got %+v\nwant %+v", tc.in, got[i], tc.want[i])
				}
			}
		})
	}
}

// The pairs of RFC 3261 §19.1.4 that concern contacts.
func TestSameContact(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:bob@biloxi.com", "sips:bob@biloxi.com", false},
		{"sip:bob@h;rinstance=1", "sip:bob@h;rinstance=2", false},
		{"sip:bob@[2001:DB8::1]", "sip:bob@[2001:db8::1]", true},
	} {
		if got := sameContact(tc.a, tc.b); got != tc.want {
			t.Errorf("%s and %s: %v, want %v", tc.a, tc.b, got, tc.want)
		}
		if got := sameContact(tc.b, tc.a); got != tc.want {
			t.Errorf("%s and %s: %v, want %v", tc.b, tc.a, got, tc.want)
		}
	}
}

func TestDeviceOf(t *testing.T) {
	for agent, want := range map[string]string{
		"Cisco-CP-8865-3PCC/12.0.3_0057d2a1b2c3_11111111-2222-3333-4444-555555555555_66666666-7777-8888-9999-000000000000": "mac:0057d2a1b2c3",
		"Cisco-CP-8851-3PCC/11.3.7":                     "",
		"Cisco/SPA525G2-7.6.2c(0057D2A1B2C3)":           "mac:0057d2a1b2c3",
		"Yealink SIP-T46S 66.84.0.15 00:15:65:74:b1:50": "mac:00156574b150",
		"Yealink SIP-T46S 66.84.0.15 00-15-65-74-b1-50": "mac:00156574b150",
		"PolycomVVX-VVX_411-UA/5.9.0.9373_64167f2c1a2b": "mac:64167f2c1a2b",
		"Grandstream GXP2170 1.0.9.69 C074AD0A0B0C":     "mac:c074ad0a0b0c",
		"phone 550e8400-e29b-41d4-a716-446655440000":    "",
		"softphone build 202601011200":                  "",
		"softphone ffffffffffff":                        "",
		"x0057d2a1b2c3":                                 "",
		"0057d2a1b2c3d4":                                "",
		"00:15:6574:b1:50":                              "",
		"baresip v3.1.0 (x86_64/Linux)":                 "",
		"LinphoneAndroid/5.0.1 LinphoneSDK/5.2.0":       "",
		"": "",
	} {
		if got := deviceOf(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
