package party

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// press is one arrival of a key by one road, ms after the start.
type press struct {
	ms  int
	src source
	key byte
}

func TestKeyMerger(t *testing.T) {
	tests := []struct {
		name string
		in   []press
		want string
	}{
		{"events alone, repeated key", []press{{0, event, '1'}, {100, event, '1'}, {200, event, '0'}, {300, event, '0'}}, "1100"},
		{"INFO alone, repeated key", []press{{0, info, '1'}, {100, info, '1'}}, "11"},
		{"in-band alone", []press{{0, inBand, '4'}, {100, inBand, '8'}, {200, inBand, '8'}}, "488"},
		{"AVT+INFO, the copy a key late", []press{{0, event, '1'}, {100, event, '1'}, {130, info, '1'}, {200, event, '2'}, {230, info, '1'}, {330, info, '2'}}, "112"},
		{"AVT+INFO, INFO first", []press{{0, info, '7'}, {10, event, '7'}, {100, info, '7'}, {110, event, '7'}}, "77"},
		{"InBand+INFO, in-band first", []press{{0, inBand, '3'}, {20, info, '3'}, {100, inBand, '3'}, {120, info, '3'}}, "33"},
		{"InBand+INFO, a tone missed", []press{{0, info, '1'}, {100, info, '2'}, {120, inBand, '2'}, {200, info, '3'}, {220, inBand, '3'}}, "123"},
		{"all three at once", []press{{0, inBand, '9'}, {5, event, '9'}, {9, info, '9'}, {100, event, '9'}, {105, info, '9'}, {107, inBand, '9'}}, "99"},
		{"speech taken for a tone after an event", []press{{0, event, '5'}, {500, inBand, '8'}, {600, event, '6'}}, "56"},
		{"INFO lost four seconds, then retransmitted", []press{{0, event, '5'}, {100, event, '6'}, {4000, info, '5'}, {4010, info, '6'}}, "56"},
		{"a tone long ago does not swallow a later event", []press{{0, inBand, '5'}, {6000, event, '5'}}, "55"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := merge(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestKeyMergerCountsEachPressOnce presses random keys that arrive by a random set of roads, each with its own delay and
// in its own order, the best of them complete: every press counts exactly once.
func TestKeyMergerCountsEachPressOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]byte("0123456789*#")), 1, 20).Draw(t, "keys")
		best := source(rapid.IntRange(int(inBand), int(event)).Draw(t, "best"))
		var in []press
		for s := range sources {
			if s > best || s < best && !rapid.Bool().Draw(t, "also") {
				continue
			}
			// The best road leads: a road that only copies is never ahead of it here (INFO first is a case of the table).
			delay := 0
			if s < best {
				delay = rapid.IntRange(1, 900).Draw(t, "delay")
			}
			for i, k := range keys {
				if s < best && rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
					continue
				}
				in = append(in, press{i*100 + delay, s, k})
			}
		}
		if got := merge(in); got != string(keys) {
			t.Fatalf("got %q, want %q", got, keys)
		}
	})
}

func merge(in []press) string {
	for i := range in { // by time, stable: insertion sort
		for j := i; j > 0 && in[j].ms < in[j-1].ms; j-- {
			in[j], in[j-1] = in[j-1], in[j]
		}
	}
	var m keyMerger
	var got []byte
	start := time.Unix(0, 0)
	for _, p := range in {
		if m.add(p.src, p.key, start.Add(time.Duration(p.ms)*time.Millisecond)) {
			got = append(got, p.key)
		}
	}
	return string(got)
}
