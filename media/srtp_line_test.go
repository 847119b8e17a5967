package media

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const (
	// Of RFC 4568 §6.1.
	rfcKey = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
	gcmKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
)

func TestParseCrypto(t *testing.T) {
	tests := []struct {
		name, value string
		suite       srtpSuite // plainRTP: refused
		mki         string
	}{
		{"RFC 4568 §6.1", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|2^20|1:4", aesCM80, "\x00\x00\x00\x01"},
		{"key alone", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey, aesCM80, ""},
		{"lifetime in figures", "1 AES_CM_128_HMAC_SHA1_32 inline:" + rfcKey + "|1048576", aesCM32, ""},
		{"MKI without a lifetime", "1 AES_CM_128_HMAC_SHA1_32 inline:" + rfcKey + "|66051:3", aesCM32, "\x01\x02\x03"},
		{"names in lower case", "2 aes_cm_128_hmac_sha1_80 INLINE:" + rfcKey, aesCM80, ""},
		{"AES-256 GCM, RFC 7714", "3 AEAD_AES_256_GCM inline:" + gcmKey, aeadAES256, ""},
		{"GCM without padding", "3 AEAD_AES_256_GCM inline:" + strings.TrimRight(gcmKey, "="), aeadAES256, ""},
		{"the peer's window", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + " WSH=128", aesCM80, ""},
		{"may be passed over", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + " -flag", aesCM80, ""},
		{"unknown suite", "1 F8_128_HMAC_SHA1_80 inline:" + rfcKey, plainRTP, ""},
		{"key of another suite's length", "1 AEAD_AES_256_GCM inline:" + rfcKey, plainRTP, ""},
		{"two keys", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|2^20|1:4;inline:" + rfcKey + "|2^20|2:4", plainRTP, ""},
		{"key derivation rate", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + " KDR=24", plainRTP, ""},
		{"unencrypted", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + " UNENCRYPTED_SRTP", plainRTP, ""},
		{"unauthenticated", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + " UNAUTHENTICATED_SRTP", plainRTP, ""},
		{"MKI too long for its length", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|2^20|256:1", plainRTP, ""},
		{"MKI of no bytes", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|2^20|0:0", plainRTP, ""},
		{"lifetime after the MKI", "1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|1:4|2^20", plainRTP, ""},
		{"not base64", "1 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Repeat("*", 40), plainRTP, ""},
		{"another method", "1 AES_CM_128_HMAC_SHA1_80 uri:" + rfcKey, plainRTP, ""},
		{"no tag", "AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey, plainRTP, ""},
		{"tag beyond nine digits", "1000000000 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey, plainRTP, ""},
		{"nothing", "", plainRTP, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, ok := parseCrypto(tt.value)
			if ok != (tt.suite != plainRTP) {
				t.Fatalf("taken: %v", ok)
			}
			if ok && (k.suite != tt.suite || string(k.mki) != tt.mki) {
				t.Errorf("suite %v, MKI %x", k.suite, k.mki)
			}
		})
	}
}

// TestKeysAreNotPrinted: no way to print a key shows it.
func TestKeysAreNotPrinted(t *testing.T) {
	k := newSRTPKey(1, aesCM80)
	l := sideLine{in: &k, remote: relayMedia{keys: []srtpKey{k}}}
	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, format, k)
		fmt.Fprintf(&out, format, &k)
		fmt.Fprintf(&out, format, l.remote)
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("key", "key", k, "pointer", &k, "in", []srtpKey{k})
	text := out.String()
	for _, secret := range []string{
		base64.StdEncoding.EncodeToString(k.master()), fmt.Sprintf("%x", k.master()), fmt.Sprintf("%v", k.master()[:8]), string(k.master()),
	} {
		if strings.Contains(text, strings.Trim(secret, "[]")) {
			t.Errorf("%q stands in %s", secret, text)
		}
	}
}

// FuzzParseCrypto: what is taken means the same when it is written again.
func FuzzParseCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:" + rfcKey + "|2^20|1:4")
	f.Add("3 AEAD_AES_256_GCM inline:" + gcmKey + " WSH=64 -x")
	f.Add("2 AES_CM_128_HMAC_SHA1_32 inline:" + rfcKey + "|" + strings.Repeat("9", 309) + ":128")
	f.Fuzz(func(t *testing.T, value string) {
		k, ok := parseCrypto(value)
		if !ok {
			return
		}
		again, ok := parseCrypto(k.cryptoLine())
		if !ok || !again.same(k) || again.tag != k.tag {
			t.Fatalf("%q became %q", value, k.cryptoLine())
		}
		b := make([]byte, rtpHeaderLen+20, 2*maxDatagram)
		putRTPHeader(b, false, 0, 1, 2, 3)
		if secure, ok := newSRTPOut(k).packet(b); !ok {
			t.Fatal("a key that was taken does not encrypt")
		} else if _, ok := newSRTPIn(k, nil, 0).packet(secure); !ok {
			t.Fatal("a key that was taken does not decrypt")
		}
	})
}
