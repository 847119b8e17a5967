package media

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// sine is a tone of the given amplitude of full scale.
func sine(rate int, freq, amplitude float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * 32767 * math.Sin(2*math.Pi*freq*float64(i)/float64(rate))))
	}
	return pcm
}

// through resamples in 20 ms frames and cuts off the filter's start.
func through(t testing.TB, pcm []int16, from, to int) []int16 {
	t.Helper()
	r, err := newResampler(from, to)
	if err != nil {
		t.Fatal(err)
	}
	var out []int16
	frame := make([]int16, to/50)
	for ; len(pcm) >= from/50; pcm = pcm[from/50:] {
		if n := r.process(frame, pcm[:from/50]); n != len(frame) {
			t.Fatalf("%d samples out of a frame of %d", n, len(frame))
		}
		out = append(out, frame...)
	}
	return out[to/50:]
}

var ratePairs = [][2]int{{8000, 16000}, {16000, 8000}, {16000, 48000}, {48000, 16000}, {8000, 48000}, {48000, 8000}}

// TestResampleSweep: what both rates carry passes within 0.1 dB, anything else is 60 dB down.
func TestResampleSweep(t *testing.T) {
	for _, p := range ratePairs {
		from, to := p[0], p[1]
		low := min(from, to)
		t.Run(fmt.Sprintf("%d to %d", from, to), func(t *testing.T) {
			ripple, alias := 0.0, -200.0
			for freq := 50.0; freq < float64(from)/2; freq += float64(low) / 80 { // whole periods in what is measured
				edge := freq / float64(low)
				out := through(t, sine(from, freq, 0.5, from*22/100), from, to)
				in := 20*math.Log10(0.5) - 3.01
				switch {
				case edge <= 0.425:
					ripple = max(ripple, math.Abs(powerAt(out, to, freq)-in))
					if from < to { // what else is there are images
						alias = max(alias, residue(out, to, freq)-in)
					}
				case edge >= 0.575:
					alias = max(alias, soundLevel(out)-in)
				}
			}
			t.Logf("ripple %.3f dB, aliases %.1f dB", ripple, alias)
			if ripple > 0.1 {
				t.Errorf("passband ripple %.2f dB", ripple)
			}
			if alias > -60 {
				t.Errorf("aliases at %.1f dB", alias)
			}
		})
	}
}

// residue is the power of everything but a tone, in dBFS.
func residue(pcm []int16, rate int, freq float64) float64 {
	var re, im float64
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * freq * float64(i) / float64(rate))
		re += float64(x) * c * 2 / float64(len(pcm))
		im += float64(x) * s * 2 / float64(len(pcm))
	}
	var sum float64
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * freq * float64(i) / float64(rate))
		d := float64(x) - re*c - im*s
		sum += d * d
	}
	return 10 * math.Log10(sum/float64(len(pcm))/32768/32768+1e-12)
}

// TestResampleSeams: the sizes of the blocks do not matter.
func TestResampleSeams(t *testing.T) {
	for _, p := range ratePairs {
		from, to := p[0], p[1]
		pcm := sine(from, 440, 0.7, from)
		whole, _ := newResampler(from, to)
		want := make([]int16, len(pcm)*to/from)
		whole.process(want, pcm)
		pieces, _ := newResampler(from, to)
		var got []int16
		buf := make([]int16, 10000)
		for size := 6; len(pcm) > 0; size = size%1200 + 6 {
			n := pieces.process(buf, pcm[:min(size, len(pcm))])
			got = append(got, buf[:n]...)
			pcm = pcm[min(size, len(pcm)):]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d to %d: blocks change the sound", from, to)
		}
	}
}

// TestResampleSilence: a constant stays one, to the last bit, so silence has no whistle.
func TestResampleSilence(t *testing.T) {
	for _, p := range ratePairs {
		in := make([]int16, p[0]/2)
		for i := range in {
			in[i] = 1000
		}
		for i, x := range through(t, in, p[0], p[1]) {
			if x != 1000 {
				t.Fatalf("%d to %d: sample %d is %d", p[0], p[1], i, x)
			}
		}
	}
}

// TestResampleLoud: a square wave at full scale overshoots the filter; it is clipped, not wrapped.
func TestResampleLoud(t *testing.T) {
	in := make([]int16, 16000)
	for i := range in {
		in[i] = math.MaxInt16
		if i/20%2 == 1 {
			in[i] = math.MinInt16
		}
	}
	for _, to := range []int{8000, 48000} {
		out := through(t, in, 16000, to)
		if slices.Max(out) != math.MaxInt16 || slices.Min(out) != math.MinInt16 {
			t.Errorf("to %d: peaks %d and %d", to, slices.Min(out), slices.Max(out))
		}
		for i := 1; i < len(out); i++ {
			if d := int(out[i]) - int(out[i-1]); (d > 60000 || d < -60000) && to == 48000 {
				t.Fatalf("wrapped at %d", i)
			}
		}
	}
}

// TestResampleWhole: a recording keeps its length and its place.
func TestResampleWhole(t *testing.T) {
	for _, p := range ratePairs {
		from, to := p[0], p[1]
		in := make([]int16, from/10)
		at := from / 20
		for i := range from / 1000 { // a burst of 1 ms
			in[at+i] = 10000
		}
		out, err := resample(in, from, to)
		if err != nil || len(out) != to/10 {
			t.Fatalf("%d to %d: %d samples, %v", from, to, len(out), err)
		}
		var sum, weight float64
		for i, x := range out {
			sum += float64(x)
			weight += float64(x) * float64(i)
		}
		want := 50.5 - 0.5/float64(from)*1000
		if got := weight / sum / float64(to) * 1000; math.Abs(got-want) > 0.13 {
			t.Errorf("%d to %d: burst at %.3f ms, want %.3f", from, to, got, want)
		}
	}
	if _, err := newResampler(8000, 44100); err == nil {
		t.Error("44.1 kHz is no whole factor of 8 kHz")
	}
	same := []int16{1, 2}
	if out, err := resample(same, 8000, 8000); err != nil || &out[0] != &same[0] {
		t.Error("the same rate is a copy")
	}
}

func TestResampleReset(t *testing.T) {
	r, _ := newResampler(16000, 8000)
	out := make([]int16, 160)
	r.process(out, sine(16000, 1000, 0.5, 320))
	r.reset()
	r.process(out, make([]int16, 320))
	if slices.Max(out) != 0 {
		t.Error("sound from before the reset")
	}
}

func BenchmarkResample(b *testing.B) {
	for _, p := range ratePairs[:4] {
		b.Run(fmt.Sprintf("%d-%d", p[0], p[1]), func(b *testing.B) {
			r, _ := newResampler(p[0], p[1])
			in, out := sine(p[0], 440, 0.5, p[0]/50), make([]int16, p[1]/50)
			b.ReportAllocs()
			for b.Loop() {
				r.process(out, in)
			}
		})
	}
}
