package gateway

import (
	"fmt"
	"testing"
	"time"
)

func TestGuessGuard(t *testing.T) {
	now := time.Unix(1e9, 0)
	g := newGuessGuard()
	for i := range 19 { // ten at one site, nine at another
		g.wrong([]string{"paris", "lyon"}[i%2], "+331", "192.0.2.1", now.Add(time.Duration(i)*time.Second))
	}
	if g.slowed("paris", "+331", "192.0.2.1", 20, now) {
		t.Error("slowed after 19 of 20")
	}
	g.wrong("lyon", "+331", "192.0.2.1", now.Add(19*time.Second))
	at := now.Add(20 * time.Second)
	for _, tt := range []struct {
		name, site, caller, source string
		want                       bool
	}{
		{"the caller itself", "paris", "+331", "192.0.2.9", true},
		{"its address", "paris", "+339", "192.0.2.1", true},
		{"somebody else", "paris", "+339", "192.0.2.9", false},
		{"the caller at a third site", "nice", "+331", "192.0.2.9", true},
		{"withheld number, other address", "paris", "", "192.0.2.9", false},
	} {
		if got := g.slowed(tt.site, tt.caller, tt.source, 20, at); got != tt.want {
			t.Errorf("%s: slowed = %v, want %v", tt.name, got, tt.want)
		}
	}
	for i := range 10 {
		g.wrong("paris", fmt.Sprint("+34", i), fmt.Sprint("198.51.100.", i), at)
	}
	if !g.slowed("paris", "+339", "192.0.2.9", 20, at) || g.slowed("lyon", "+339", "192.0.2.9", 20, at) {
		t.Error("the limit is one site's")
	}
	if n := g.sitesOver(func(string) int { return 20 }, at); n != 1 {
		t.Errorf("%d sites over their limit, want 1", n)
	}
	later := at.Add(guessWindow)
	if g.slowed("paris", "+331", "192.0.2.1", 20, later) {
		t.Error("still slowed an hour later")
	}
}

func TestGuessGuardIsBounded(t *testing.T) {
	g := newGuessGuard()
	now := time.Unix(1e9, 0)
	for i := range 3 * maxGuessers {
		g.wrong("paris", fmt.Sprint(i), "", now)
	}
	if n := g.wrongs.Len(); n > maxGuessers {
		t.Errorf("%d counters, want at most %d", n, maxGuessers)
	}
	if !g.slowed("paris", "x", "", 20, now) {
		t.Error("the site's own counter was forgotten")
	}
}
