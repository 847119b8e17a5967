package sip

import "strings"

// deviceOf reads the MAC address that desk phones put into their User-Agent, as "mac:" and twelve digits in lower case;
// empty if there is none. Cisco MPP phones write Cisco-CP-8865-3PCC/12.0.3_<mac>_<uuid>, Yealink and Grandstream phones
// set it apart by spaces, Polycom phones by an underscore; some write it with colons.
func deviceOf(userAgent string) string {
	for i := 0; i < len(userAgent); {
		if !isHexDigit(userAgent[i]) {
			i++
			continue
		}
		if i > 0 && !isBoundary(userAgent[i-1]) {
			for i < len(userAgent) && !isBoundary(userAgent[i]) {
				i++
			}
			continue
		}
		mac, n := cutMAC(userAgent[i:])
		if mac != "" && (i+n == len(userAgent) || isBoundary(userAgent[i+n])) {
			return "mac:" + mac
		}
		i += max(n, 1)
	}
	return ""
}

// cutMAC takes twelve hex digits from the front of s, alone or as six pairs with colons or hyphens, and says how many
// bytes it looked at.
func cutMAC(s string) (mac string, n int) {
	var b [12]byte
	digits := 0
	for n < len(s) && digits < 12 {
		c := s[n]
		if isHexDigit(c) {
			b[digits] = c
			digits++
			n++
			continue
		}
		if (c == ':' || c == '-') && digits > 0 && digits%2 == 0 {
			n++
			continue
		}
		return "", n
	}
	mac = strings.ToLower(string(b[:]))
	if digits < 12 || n != 12 && n != 17 || mac == "ffffffffffff" || !strings.ContainsAny(mac, "abcdef") {
		return "", n // without a letter it is more likely a date or a build number
	}
	return mac, n
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isBoundary(c byte) bool {
	switch c {
	case ' ', '_', '/', ';', ',', '(', ')', '[', ']', '<', '>', '"', '\'', '=', '|':
		return true
	}
	return false
}
