package directory

import (
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	for text, ok := range map[string]bool{
		"+33170001000": true, "+1234567": true, "+123456789012345": true,
		"+123456": false, "+1234567890123456": false, "33170001000": false, "+03317000100": false,
		"": false, "+": false, "+3317000100o": false, "+33 170001000": false, "+٣٣١٧٠٠٠١٠": false,
	} {
		if n, err := ParseNumber(text); (err == nil) != ok || ok && string(n) != text {
			t.Errorf("%q: %q, %v", text, n, err)
		}
	}
}

func TestMACForms(t *testing.T) {
	for text, want := range map[string]MAC{
		"00:A0:c9:11:22:01": "00:a0:c9:11:22:01", "00-a0-c9-11-22-01": "00:a0:c9:11:22:01",
		"00a0.c911.2201": "00:a0:c9:11:22:01", "00A0C9112201": "00:a0:c9:11:22:01",
		"00:a0:c9:11:22": "", "00:a0:c9:11:22:0g": "", "00:a0:c9:11:22:01:02": "",
	} {
		var m MAC
		if err := m.UnmarshalText([]byte(text)); (err == nil) != (want != "") || m != want {
			t.Errorf("%q: %q, %v", text, m, err)
		}
	}
}

func TestIsNumberOrURI(t *testing.T) {
	for text, want := range map[string]bool{
		"+33170009999": true, "sip:vm@example.test": true, "sips:vm@example.test:5061;transport=tls": true,
		"sip:example.test": true, "sip:vm@[2001:db8::1]:5060": true, "sip:vm@192.0.2.1": true, "tel:+33170009999": true,
		"": false, "0170009999": false, "vm@example.test": false, "http://example.test": false, "sip:": false,
		"sip:vm@": false, "sip:vm@bad host": false, "sip:vm@example.test\r\nX: y": false, "sip:<x>@example.test": false,
	} {
		if got := isNumberOrURI(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestIsDomain(t *testing.T) {
	for text, want := range map[string]bool{
		"paris.acme.test": true, "localhost": true, "xn--ble-ula.test": true, "1.test": true,
		"": false, ".": false, "a..b": false, "-a.test": false, "a-.test": false, "a_b.test": false, "é.test": false,
		strings.Repeat("a", 64) + ".test": false, strings.Repeat("a.", 127) + "abc": false,
	} {
		if got := isDomain(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestIsArgon2id(t *testing.T) {
	const sound = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	for text, want := range map[string]bool{
		sound: true,
		strings.Replace(sound, "argon2id", "argon2i", 1):   false,
		strings.Replace(sound, "v=19", "v=16", 1):          false,
		strings.Replace(sound, "m=19456", "m=99999999", 1): false, // a hash nobody can afford to check
		strings.Replace(sound, "t=2", "t=0", 1):            false,
		strings.Replace(sound, "p=1", "p=99", 1):           false,
		strings.Replace(sound, "c2Fsd", "!", 1):            false,
		strings.Replace(sound, "p=1", "p=1x", 1):           false,
		sound + "$":                                        false,
		"":                                                 false,
		"$2y$10$abcdefghijklmnopqrstuv":                    false,
	} {
		if got := isArgon2id(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
