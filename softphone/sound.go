package softphone

import "math"

// Sound is a stretch of received audio at SampleRate; what did not arrive is zero.
type Sound []int16

// silent is the level of nothing at all, in dB below full scale.
const silent = -120.0

// Level is the peak level of the sine of this frequency in the sound, in dB below full scale (Goertzel under a Hann window:
// over one second it tells tones 3 Hz apart).
func (s Sound) Level(hertz float64) float64 {
	if len(s) == 0 {
		return silent
	}
	w := 2 * math.Pi * hertz / SampleRate
	c := 2 * math.Cos(w)
	step := 2 * math.Pi / float64(len(s))
	var s1, s2 float64
	for i, v := range s {
		s1, s2 = float64(v)*(1-math.Cos(step*float64(i)))+c*s1-s2, s1
	}
	amplitude := 2 * math.Sqrt(max(s1*s1+s2*s2-c*s1*s2, 0)) / float64(len(s))
	return decibels(amplitude / 32767)
}

// Levels measures several frequencies.
func (s Sound) Levels(hertz ...float64) []float64 {
	out := make([]float64, len(hertz))
	for i, f := range hertz {
		out[i] = s.Level(f)
	}
	return out
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
