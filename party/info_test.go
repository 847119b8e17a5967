package party

import (
	"strings"
	"testing"
)

func TestParseInfo(t *testing.T) {
	tests := []struct {
		name, kind, body string
		want             byte
	}{
		{"relay", "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'},
		{"relay, blanks", "application/dtmf-relay", "Signal= 5\nDuration= 160\n", '5'},
		{"relay, duration first", "application/DTMF-Relay; charset=utf-8", "Duration=250\r\nsignal=#\r\n", '#'},
		{"relay, star as event number", "application/dtmf-relay", "Signal=10", '*'},
		{"relay, hash as event number", "application/dtmf-relay", "Signal=11", '#'},
		{"relay, A to D", "application/dtmf-relay", "Signal=15", 'D'},
		{"relay, lower case", "application/dtmf-relay", "Signal=a", 'A'},
		{"plain", "application/dtmf", "7", '7'},
		{"plain, line end", "application/dtmf", "*\r\n", '*'},
		{"plain, named", "application/dtmf", "Signal=9\r\nDuration=100", '9'},
		{"relay, no signal", "application/dtmf-relay", "Duration=160", 0},
		{"relay, no such key", "application/dtmf-relay", "Signal=16", 0},
		{"relay, empty", "application/dtmf-relay", "", 0},
		{"plain, two keys", "application/dtmf", "77", 0},
		{"other type", "application/media_control+xml", "Signal=5", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseInfo(tt.kind, []byte(tt.body))
			if got != tt.want || ok != (tt.want != 0) {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add("application/dtmf-relay", []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf", []byte("*"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		key, ok := parseInfo(kind, body)
		if ok != strings.ContainsRune("0123456789*#ABCD", rune(key)) {
			t.Errorf("key %q, ok %v", key, ok)
		}
	})
}
