package guesses

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Unix(1e9, 0)

func TestTriesCountWithinTheWindow(t *testing.T) {
	c := New(Config[string]{Window: time.Minute, MaxKeys: 10, MaxTries: 3})
	for i := range 5 {
		c.Add("k", start.Add(time.Duration(i)*time.Second))
	}
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{4 * time.Second, 3}, {62 * time.Second, 2}, {64 * time.Second, 0}, {time.Hour, 0}} {
		if got := len(c.Recent("k", start.Add(tt.after))); got != tt.want {
			t.Errorf("after %v: %d tries, want %d", tt.after, got, tt.want)
		}
	}
	if c.Len() != 0 {
		t.Error("a key without tries is remembered")
	}
}

func TestTriesAreTakenBack(t *testing.T) {
	c := New(Config[string]{Window: time.Minute, MaxKeys: 10})
	c.Add("k", start)
	c.Add("k", start.Add(time.Second))
	c.Undo("k")
	if got := c.Recent("k", start); !slices.Equal(got, []time.Time{start}) {
		t.Error("left are", got)
	}
	c.Undo("k")
	c.Undo("k")
	c.Add("l", start)
	c.Forget("l")
	if keys := c.Keys(start); len(keys) != 0 {
		t.Error("left are", keys)
	}
}

func TestTheStalestAreForgotten(t *testing.T) {
	c := New(Config[string]{Window: time.Hour, MaxKeys: 8, Keep: func(k string) bool { return strings.HasPrefix(k, "site") }})
	c.Add("site", start)
	for i, k := range strings.Split("abcdefgh", "") {
		c.Add(k, start.Add(time.Duration(i+1)*time.Second))
	}
	keys := c.Keys(start.Add(time.Minute))
	slices.Sort(keys)
	if want := []string{"d", "e", "f", "g", "h", "site"}; !slices.Equal(keys, want) {
		t.Errorf("remembered are %v, want %v", keys, want)
	}
}
