package mediatest

import (
	"math"
	"slices"
	"testing"
)

func TestLevels(t *testing.T) {
	tones := Spread(15)
	for i, f := range tones {
		if f < 400 || f > 2600 || slices.Contains(tones[:i], f) {
			t.Fatalf("tones %v", tones)
		}
	}
	// A loud one, one at half, one far below, over the seams of frames.
	var pcm []int16
	for at := 0; at < 8000; at += 160 {
		a, b, c := Tone(tones[0], 4000, 8000, at, 160), Tone(tones[7], 2000, 8000, at, 160), Tone(tones[9], 40, 8000, at, 160)
		for i := range a {
			pcm = append(pcm, a[i]+b[i]+c[i])
		}
	}
	for i, db := range Levels(pcm, tones, 4000, 8000) {
		want := map[int]float64{0: 0, 7: -6.02, 9: -40}[i]
		_, sent := map[int]bool{0: true, 7: true, 9: true}[i]
		if sent && math.Abs(db-want) > .5 || !sent && db > -45 {
			t.Errorf("tone %d at %.1f dB, want %.1f", i, db, want)
		}
	}
	heard, unclear := Heard(pcm, tones, 4000, 8000)
	for i, h := range heard {
		if h != (i == 0 || i == 7) {
			t.Errorf("tone %d heard: %v", i, h)
		}
	}
	if unclear {
		t.Error("unclear")
	}
	if _, unclear := Heard(pcm, tones[7:8], 12000, 8000); !unclear {
		t.Error("a tone at -15.6 dB is neither heard nor silent")
	}
}
