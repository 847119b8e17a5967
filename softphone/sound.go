package softphone

import "math"

// Sound is a stretch of received audio at SampleRate; what did not arrive is zero.
type Sound []int16

// silent is the level of nothing at all, in dB below full scale.
const silent = -120.0

// Level is the peak level of the sine of this frequency in the sound, in dB below full scale (Goertzel under a Hann window:
// over one second it tells tones 3 Hz apart).
func (s Sound) Level(hertz float64) float64 { return s.Levels(hertz)[0] }

// Levels measures several frequencies.
func (s Sound) Levels(hertz ...float64) []float64 {
	windowed := make([]float64, len(s))
	step := 2 * math.Pi / float64(len(s))
	for i, v := range s {
		windowed[i] = float64(v) * (1 - math.Cos(step*float64(i)))
	}
	out := make([]float64, len(hertz))
	for i, f := range hertz {
		out[i] = goertzel(windowed, f)
	}
	return out
}

// goertzel is the level of one frequency in samples under a window of mean 1.
func goertzel(windowed []float64, hertz float64) float64 {
	if len(windowed) == 0 {
		return silent
	}
	c := 2 * math.Cos(2*math.Pi*hertz/SampleRate)
	var s1, s2 float64
	for _, v := range windowed {
		s1, s2 = v+c*s1-s2, s1
	}
	amplitude := 2 * math.Sqrt(max(s1*s1+s2*s2-c*s1*s2, 0)) / float64(len(windowed))
	return decibels(amplitude / 32767)
}

// Loudness is the root mean square of the sound in dB below full scale.
func (s Sound) Loudness() float64 {
	if len(s) == 0 {
		return silent
	}
	sum := 0.0
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return decibels(math.Sqrt(sum/float64(len(s))) / 32767)
}

func decibels(ratio float64) float64 {
	return max(silent, 20*math.Log10(max(ratio, 1e-6)))
}
