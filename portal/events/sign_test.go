package events

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
)

// TestSignature is the example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	key, err := keyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestSecrets(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if _, err := keyOf(a); err != nil || a == b {
		t.Errorf("a new secret: %v", err)
	}
	for _, text := range []string{"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all, is it?", "whsec_" + strings.Repeat("QUFB", 30)} {
		err := (&Webhook{URL: "https://crm.acme.test", Secret: directory.Secret(text)}).check(nil)
		if f, ok := errors.AsType[*FieldError](err); !ok || f.Field != "secret" || len(text) > len(secretPrefix) && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReachable(t *testing.T) {
	office := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for text, want := range map[string]bool{
		"203.0.113.7": true, "2001:db8::7": true, "93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false, "fe80::1": false,
		"fd00:2::1": false, "0.0.0.0": false, "::": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::5": true, "10.2.0.1": false,
	} {
		if got := reachable(netip.MustParseAddr(text), office); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
