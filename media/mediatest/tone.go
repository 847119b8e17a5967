// Package mediatest judges sound by measurement: each talker sends a tone of its own, and the tones in what a listener
// receives say whom it heard.
package mediatest

import "math"

// Tone writes n samples of a sine wave that starts at sample offset, so that frames of one tone join without a seam.
func Tone(freq, amplitude float64, rate, offset, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*freq*float64(offset+i)/float64(rate))))
	}
	return out
}

// Amplitude measures how strong a frequency is in the samples (Goertzel under a Hann window).
func Amplitude(pcm []int16, freq float64, rate int) float64 {
	w := 2 * math.Pi * freq / float64(rate)
	c := 2 * math.Cos(w)
	var s1, s2 float64
	for i, v := range pcm {
		x := float64(v) * (1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm))))
		s1, s2 = x+c*s1-s2, s1
	}
	return 2 * math.Sqrt(max(s1*s1+s2*s2-c*s1*s2, 0)) / float64(len(pcm))
}

// DB is a ratio of amplitudes in decibels.
func DB(ratio float64) float64 { return 20 * math.Log10(max(ratio, 1e-9)) }

// Limits of hearing, relative to the amplitude that was sent.
const (
	HeardDB  = -12.0 // a talker below this was not heard
	SilentDB = -20.0 // a voice above this was heard
)

// Levels measures each tone in the samples, in decibels of the amplitude that was sent.
func Levels(pcm []int16, tones []float64, amplitude float64, rate int) []float64 {
	out := make([]float64, len(tones))
	for i, f := range tones {
		out[i] = DB(Amplitude(pcm, f, rate) / amplitude)
	}
	return out
}

// Spread gives n frequencies between 400 and 2600 Hz, multiples of 10 and none a harmonic of another's neighbour.
func Spread(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(400 + (2200/max(n, 1)/10*10)*i)
	}
	return out
}

// Heard says for each tone whether it is in the samples as somebody's voice would be. Tones between the two limits are
// neither heard nor silent: they count as heard, and the outcome as unclear.
func Heard(pcm []int16, tones []float64, amplitude float64, rate int) (heard []bool, unclear bool) {
	heard = make([]bool, len(tones))
	for i, db := range Levels(pcm, tones, amplitude, rate) {
		heard[i] = db > SilentDB
		unclear = unclear || db > SilentDB && db < HeardDB
	}
	return heard, unclear
}
