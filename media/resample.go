package media

import (
	"fmt"
	"math"
)

// Shape of the anti-alias filter, relative to the lower of the two rates: it passes up to 0.425 of it (3400 Hz at 8 kHz),
// is at half amplitude at 0.5, and stops from 0.575 on. At 16 and 8 kHz it is a half-band filter.
const (
	filterSpan  int     = 30  // length in samples of the lower rate
	filterBeta  float64 = 6.8 // Kaiser window: about 70 dB of rejection
	filterScale int     = 1 << 15
	// resampleBlock is the most samples of the lower rate that one pass takes: 60 ms of 16 kHz.
	resampleBlock int = 960
)

// resampler changes the sample rate of one stream by a whole factor (8, 16 and 48 kHz in any pairing) by a polyphase FIR
// filter. It keeps its history, so blocks of any size join without a seam, and allocates nothing after its creation.
// Sound is delayed by half the filter: 15 samples of the lower rate, 1.9 ms at 8 kHz. One goroutine owns it.
type resampler struct {
	ratio  int
	up     bool
	phases []firPhase
	// lines hold the newest input behind filterSpan-1 or more samples of history: one line when going up, one per phase
	// when going down, where phase p filters every ratio-th sample.
	lines [][]int16
	sums  []int // of one pass
}

// firPhase is every ratio-th tap of the filter, oldest sample first, zeros at both ends cut off.
type firPhase struct {
	at   int // first sample of the window that the taps touch
	taps []int32
}

// newResampler returns a resampler between two rates in Hz of which one divides the other.
func newResampler(from, to int) (*resampler, error) {
	high, low := max(from, to), min(from, to)
	if low <= 0 || high%low != 0 || high == low {
		return nil, fmt.Errorf("resample %d Hz to %d Hz: not a whole factor", from, to)
	}
	r := &resampler{ratio: high / low, up: to > from, sums: make([]int, resampleBlock)}
	taps := designFilter(r.ratio)
	for p := range r.ratio {
		r.phases = append(r.phases, newPhase(taps, p, r.ratio, r.up))
	}
	lines := 1
	if !r.up {
		lines = r.ratio
	}
	for range lines {
		r.lines = append(r.lines, make([]int16, filterSpan+resampleBlock))
	}
	return r, nil
}

// designFilter returns a windowed sinc of filterSpan*ratio-1 taps, symmetric, with a gain of 1 at 0 Hz.
func designFilter(ratio int) []float64 {
	taps := make([]float64, filterSpan*ratio-1)
	middle := float64(len(taps)-1) / 2
	var sum float64
	for i := range taps {
		x := float64(i) - middle
		taps[i] = 1 / float64(ratio)
		if x != 0 {
			taps[i] = math.Sin(math.Pi*x/float64(ratio)) / (math.Pi * x)
		}
		edge := x / (middle + 1)
		taps[i] *= bessel0(filterBeta*math.Sqrt(1-edge*edge)) / bessel0(filterBeta)
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

// bessel0 is the modified Bessel function of order zero, of the Kaiser window.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / (2 * k) * x / (2 * k)
		sum += term
	}
	return sum
}

// newPhase takes phase p out of the filter. Going up, each phase alone makes an output sample and gets a gain of exactly 1,
// so that silence between phases leaves no tone; going down all phases together make one.
func newPhase(taps []float64, p, ratio int, up bool) firPhase {
	all := make([]float64, filterSpan)
	var sum float64
	for k := range all {
		// Tap j multiplies the sample j places before the newest; the window is filled from the oldest on.
		if j := p + k*ratio; j < len(taps) {
			all[filterSpan-1-k] = taps[j]
			sum += taps[j]
		}
	}
	gain := float64(filterScale)
	if up {
		gain /= sum
	}
	ph := firPhase{}
	for _, tap := range all {
		ph.taps = append(ph.taps, int32(math.Round(tap*gain)))
	}
	for len(ph.taps) > 1 && ph.taps[0] == 0 {
		ph.taps = ph.taps[1:]
		ph.at++
	}
	for len(ph.taps) > 1 && ph.taps[len(ph.taps)-1] == 0 {
		ph.taps = ph.taps[:len(ph.taps)-1]
	}
	return ph
}

// process converts src into dst and returns how many samples it wrote: len(src)*ratio going up, len(src)/ratio going
// down, where src comes in whole multiples of the ratio. dst must have room and must not overlap src.
func (r *resampler) process(dst, src []int16) int {
	step := resampleBlock
	if !r.up {
		step *= r.ratio
	}
	n := 0
	for len(src) > 0 {
		block := src[:min(step, len(src))]
		src = src[len(block):]
		if r.up {
			n += r.interpolate(dst[n:], block)
		} else {
			n += r.decimate(dst[n:], block)
		}
	}
	return n
}

func (r *resampler) interpolate(dst, src []int16) int {
	line, n := r.lines[0], len(src)
	copy(line[filterSpan-1:], src)
	for p := range r.phases {
		sums := r.sums[:n]
		clear(sums)
		r.phases[p].add(sums, line)
		for i, at := 0, p; i < n; i, at = i+1, at+r.ratio {
			dst[at] = saturate(sums[i])
		}
	}
	copy(line, line[n:n+filterSpan-1])
	return n * r.ratio
}

func (r *resampler) decimate(dst, src []int16) int {
	n := len(src) / r.ratio
	sums := r.sums[:n]
	clear(sums)
	for p, line := range r.lines {
		// The newest sample of a group meets tap 0, the one before it tap 1, and so on.
		for i, at := 0, r.ratio-1-p; i < n; i, at = i+1, at+r.ratio {
			line[filterSpan-1+i] = src[at]
		}
		r.phases[p].add(sums, line)
		copy(line, line[n:n+filterSpan-1])
	}
	for i, sum := range sums {
		dst[i] = saturate(sum)
	}
	return n
}

// add filters line into sums, four neighbours at a time, so that each sample and each tap is loaded once for them.
func (ph *firPhase) add(sums []int, line []int16) {
	taps := ph.taps
	line = line[ph.at:]
	i := 0
	for ; i+4 <= len(sums); i += 4 {
		x0, x1, x2 := int(line[i]), int(line[i+1]), int(line[i+2])
		window := line[i+3:][:len(taps)]
		var s0, s1, s2, s3 int
		for k, tap := range taps {
			t, x3 := int(tap), int(window[k])
			s0 += t * x0
			s1 += t * x1
			s2 += t * x2
			s3 += t * x3
			x0, x1, x2 = x1, x2, x3
		}
		sums[i] += s0
		sums[i+1] += s1
		sums[i+2] += s2
		sums[i+3] += s3
	}
	for ; i < len(sums); i++ {
		window := line[i:][:len(taps)]
		for k, tap := range taps {
			sums[i] += int(tap) * int(window[k])
		}
	}
}

// saturate rounds a filter sum to a sample.
func saturate(sum int) int16 {
	return int16(min(max((sum+filterScale/2)/filterScale, math.MinInt16), math.MaxInt16))
}

// reset forgets the history, as at a break of the stream.
func (r *resampler) reset() {
	for _, line := range r.lines {
		clear(line)
	}
}

// resample converts a whole recording. The delay of the filter is taken out, so the sound stays where it was.
func resample(pcm []int16, from, to int) ([]int16, error) {
	if from == to {
		return pcm, nil
	}
	r, err := newResampler(from, to)
	if err != nil {
		return nil, err
	}
	whole, skip := len(pcm)*r.ratio, filterSpan*r.ratio/2-1
	if !r.up {
		whole, skip = len(pcm)/r.ratio, filterSpan/2-1
	}
	in := make([]int16, (len(pcm)/r.ratio+filterSpan)*r.ratio) // silence behind pushes the end out
	copy(in, pcm)
	out := make([]int16, len(in)*r.ratio)
	r.process(out, in)
	return out[skip : skip+whole : skip+whole], nil
}
