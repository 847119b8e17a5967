package admin

import (
	"testing"
	"time"

	"passerelle/gateway"
)

// TestQuality rates the way from a participant: by the share of packets lost since it came, and by what the jitter buffer holds.
func TestQuality(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name  string
		after time.Duration
		lost  uint64
		delay time.Duration
		want  int
	}{
		{"nothing lost", time.Minute, 0, 60 * time.Millisecond, 3},
		{"just come", 0, 0, 0, 3},
		{"one per cent", time.Minute, 30, 100 * time.Millisecond, 3},
		{"a little more", time.Minute, 31, 60 * time.Millisecond, 2},
		{"jitter", time.Minute, 0, 101 * time.Millisecond, 2},
		{"five per cent", time.Minute, 150, 250 * time.Millisecond, 2},
		{"more", time.Minute, 151, 60 * time.Millisecond, 1},
		{"much jitter", time.Minute, 0, 251 * time.Millisecond, 1},
		{"long ago", time.Hour, 151, 60 * time.Millisecond, 3},
	} {
		if got := quality(gateway.ParticipantInfo{Since: now.Add(-tt.after), Lost: tt.lost, Delay: tt.delay}, now); got != tt.want {
			t.Errorf("%s: %d bars, want %d", tt.name, got, tt.want)
		}
	}
}
