package sip

import (
	"slices"
	"testing"

	sipmsg "github.com/emiago/sipgo/sip"
)

// TestRedirects reads the Contacts of a 3xx in the order in which they are wanted.
func TestRedirects(t *testing.T) {
	const (
		a = "sip:a@h.test"
		b = "sip:b@h.test"
		c = "sip:c@h.test"
	)
	for _, tt := range []struct {
		name    string
		code    string
		headers string
		want    []string
	}{
		{"one", "302", "Contact: <" + a + ">\r\n", []string{a}},
		{"by q, in one line", "302", "Contact: <" + a + ">;q=0.2, <" + b + ">;q=0.9, <" + c + ">;q=0.25\r\n", []string{b, c, a}},
		{"by q, in several lines", "300", "Contact: <" + a + ">;q=0.5\r\nContact: <" + b + ">\r\nm: <" + c + ">;q=0.50\r\n", []string{b, a, c}},
		{"of equal worth", "300", "Contact: <" + a + ">, <" + b + ">, <" + c + ">\r\n", []string{a, b, c}},
		{"the same twice", "302", "Contact: <" + a + ">, <" + a + ">;q=0.1, <" + b + ">\r\n", []string{a, b}},
		{"q that is none", "302", "Contact: <" + a + ">;q=0.7, <" + b + ">;q=NaN, <" + c + ">;q=7\r\n", []string{b, c, a}},
		{"headers in the URI", "302", "Contact: <" + a + "?Replaces=x>\r\n", []string{a}},
		{"none", "302", "", nil},
		{"no redirection", "486", "Contact: <" + a + ">\r\n", nil},
	} {
		msg, err := sipmsg.ParseMessage([]byte("SIP/2.0 " + tt.code + " x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:f@h>;tag=1\r\n" +
			"To: <sip:t@h>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n" + tt.headers + "Content-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := redirects(msg.(*sipmsg.Response)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
