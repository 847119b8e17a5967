package sip

import "testing"

func TestParseReplaces(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Replaces
		ok   bool
	}{
		{"12345@192.168.118.3;to-tag=12345;from-tag=5FFE-3994", Replaces{CallID: "12345@192.168.118.3", ToTag: "12345", FromTag: "5FFE-3994"}, true}, // RFC 3891 §6.1
		{"a@b ; From-Tag = x ;TO-TAG= y;early-only", Replaces{CallID: "a@b", ToTag: "y", FromTag: "x", EarlyOnly: true}, true},
		{"a@b;to-tag=y", Replaces{CallID: "a@b", ToTag: "y"}, false},
		{";to-tag=y;from-tag=x", Replaces{ToTag: "y", FromTag: "x"}, false},
		{"", Replaces{}, false},
	} {
		if got, ok := parseReplaces(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("parseReplaces(%q) = %+v, %v; want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
