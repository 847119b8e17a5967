package media

import (
	"encoding/base64"
	"math/big"
	"strconv"
	"strings"
)

// maxMKI is how many bytes an MKI may have (RFC 4568 §6.1).
const maxMKI = 128

// parseCrypto reads the value of an a=crypto line (RFC 4568 §9.2). ok is false for one that is malformed and for one that
// asks for what is not done here: another suite, several keys, a key derivation rate, unencrypted or unauthenticated media.
func parseCrypto(value string) (k srtpKey, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 {
		return k, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 31)
	if err != nil {
		return k, false
	}
	k.tag = int(tag)
	for s := range srtpSuites {
		if s != int(plainRTP) && strings.EqualFold(f[1], srtpSuites[s].name) {
			k.suite = srtpSuite(s)
		}
	}
	if k.suite == plainRTP || !k.parseInline(f[2]) {
		return k, false
	}
	for _, p := range f[3:] {
		// What begins with "-" may be passed over (RFC 4568 §6.3.7); the window of the peer is its own affair.
		if !strings.HasPrefix(p, "-") && !strings.HasPrefix(strings.ToUpper(p), "WSH=") {
			return k, false
		}
	}
	return k, true
}

// parseInline reads "inline:" key-and-salt ["|" lifetime] ["|" MKI ":" length] (RFC 4568 §6.1). Lifetimes are not kept:
// they are the peer's promise to change its key.
func (k *srtpKey) parseInline(s string) bool {
	const method = "inline:"
	if len(s) < len(method) || !strings.EqualFold(s[:len(method)], method) {
		return false
	}
	f := strings.Split(s[len(method):], "|")
	master, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(f[0], "="))
	if err != nil || len(master) != srtpSuites[k.suite].key+srtpSuites[k.suite].salt || len(f) > 3 {
		return false
	}
	k.master = func() []byte { return master }
	for i, x := range f[1:] {
		id, length, isMKI := strings.Cut(x, ":")
		switch {
		case !isMKI:
			if i > 0 || !isLifetime(x) {
				return false
			}
		case i < len(f)-2 || !k.parseMKI(id, length):
			return false
		}
	}
	return true
}

// parseMKI reads the number and its length in bytes.
func (k *srtpKey) parseMKI(id, length string) bool {
	n, err := strconv.ParseUint(length, 10, 8)
	if err != nil || n == 0 || n > maxMKI || !isDigits(id) || len(id) > 309 { // 2^1024 has as many digits
		return false
	}
	v, ok := new(big.Int).SetString(id, 10)
	if !ok || v.BitLen() > 8*int(n) {
		return false
	}
	k.mki = v.FillBytes(make([]byte, n))
	return true
}

// isLifetime says whether s is a number of packets, as such or as a power of two.
func isLifetime(s string) bool { return isDigits(strings.TrimPrefix(s, "2^")) }

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// cryptoLine writes the value of the key's a=crypto line. It is for descriptions alone: it reveals the key.
func (k srtpKey) cryptoLine() string {
	line := strconv.Itoa(k.tag) + " " + k.suite.String() + " inline:" + base64.StdEncoding.EncodeToString(k.master())
	if len(k.mki) > 0 {
		line += "|" + new(big.Int).SetBytes(k.mki).String() + ":" + strconv.Itoa(len(k.mki))
	}
	return line
}
