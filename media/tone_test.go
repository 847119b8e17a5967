package media

import (
	"math"
	"slices"
	"testing"
)

// soundLevel is the RMS of samples in dBFS.
func soundLevel(pcm []int16) float64 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(sum/float64(max(len(pcm), 1))/32768/32768+1e-12)
}

// powerAt is the power at one frequency in dBFS, a full-scale sine being -3.
func powerAt(pcm []int16, rate int, freq float64) float64 {
	var re, im float64
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * freq * float64(i) / float64(rate))
		re += float64(x) * c
		im += float64(x) * s
	}
	amplitude := 2 * math.Hypot(re, im) / float64(len(pcm)) / 32768
	return 20*math.Log10(amplitude+1e-12) - 3.01
}

func TestTones(t *testing.T) {
	in, out := EntryTone(), ExitTone()
	if slices.Equal(in, out) {
		t.Fatal("coming in sounds like leaving")
	}
	const note = toneRate / 10
	tests := []struct {
		name          string
		pcm           []int16
		first, second float64
	}{{"entry", in, toneLow, toneHigh}, {"exit", out, toneHigh, toneLow}}
	for _, tt := range tests {
		if l := len(tt.pcm) * 1000 / toneRate; l < 200 || l > 500 {
			t.Errorf("%s: %d ms", tt.name, l)
		}
		a, b := tt.pcm[:note], tt.pcm[2*note:3*note]
		if powerAt(a, toneRate, tt.first) < powerAt(a, toneRate, tt.second)+20 {
			t.Errorf("%s: first note is not %.0f Hz", tt.name, tt.first)
		}
		if powerAt(b, toneRate, tt.second) < powerAt(b, toneRate, tt.first)+6 {
			t.Errorf("%s: second note is not %.0f Hz", tt.name, tt.second)
		}
		if level := soundLevel(tt.pcm); level < -32 || level > -20 {
			t.Errorf("%s: %.1f dBFS", tt.name, level)
		}
		if step := largestStep(tt.pcm); step > 3000 {
			t.Errorf("%s: clicks, a step of %d", tt.name, step)
		}
		if tt.pcm[0] != 0 || max(tt.pcm[len(tt.pcm)-1], -tt.pcm[len(tt.pcm)-1]) > 20 {
			t.Errorf("%s: does not start and end in silence", tt.name)
		}
	}
}

func largestStep(pcm []int16) int {
	step := 0
	for i := 1; i < len(pcm); i++ {
		step = max(step, int(pcm[i])-int(pcm[i-1]), int(pcm[i-1])-int(pcm[i]))
	}
	return step
}

func TestWaitingMusic(t *testing.T) {
	m := WaitingMusic()
	if s := len(m) / toneRate; s != 24 {
		t.Errorf("%d s long", s)
	}
	if level := soundLevel(m); level < -34 || level > -24 {
		t.Errorf("%.1f dBFS: not soft music", level)
	}
	for i := 0; i < len(m); i += toneRate {
		if level := soundLevel(m[i : i+toneRate]); level < -45 {
			t.Errorf("silent at %d s: %.1f dBFS", i/toneRate, level)
		}
	}
	seam := int(m[0]) - int(m[len(m)-1])
	if inside := largestStep(m); max(seam, -seam) > inside {
		t.Errorf("the loop clicks: a step of %d, elsewhere %d at most", seam, inside)
	}
	high := slices.Clone(m[:4*toneRate])
	for i := len(high) - 1; i > 0; i-- { // first difference: what is bright stands out
		high[i] = (high[i] - high[i-1]) / 2
	}
	if bright := soundLevel(high) - soundLevel(m[:4*toneRate]); bright > -10 {
		t.Errorf("not mellow: difference at %.1f dB", bright)
	}
}
