package softphone

import "math"

// SampleRate is the rate of everything the phone plays and hears, in samples per second.
const SampleRate = 8000

// Source makes sound: Read fills pcm with the next samples. It is called by the goroutine that sends, and must not wait.
type Source interface{ Read(pcm []int16) }

// Silence is a source of digital silence.
type Silence struct{}

// Read fills pcm with zeroes.
func (Silence) Read(pcm []int16) { clear(pcm) }

// tone is a sum of sines, each a two-pole resonator that swings by itself.
type tone struct {
	osc []oscillator
	at  int // samples since the phase was last set exactly
	f   []float64
	amp float64
}

type oscillator struct{ c, y1, y2 float64 }

// resync is how often the resonators are set anew, before rounding can move their amplitude.
const resync = 10 * SampleRate

// Tone is a source of steady sines of equal level; level is the peak of each in dB below full scale, such as -20.
func Tone(level float64, hertz ...float64) Source {
	t := &tone{f: hertz, amp: 32767 * math.Pow(10, level/20), osc: make([]oscillator, len(hertz))}
	t.set(0)
	return t
}

// set puts the oscillators where they are n samples after the start.
func (t *tone) set(n int) {
	for i, f := range t.f {
		w := 2 * math.Pi * f / SampleRate
		t.osc[i] = oscillator{
			c: 2 * math.Cos(w), y1: t.amp * math.Sin(w*float64(n-1)), y2: t.amp * math.Sin(w*float64(n-2)),
		}
	}
	t.at = n
}

// Read continues the tone.
func (t *tone) Read(pcm []int16) {
	for i := range pcm {
		if t.at%resync == 0 && t.at > 0 {
			t.set(t.at)
		}
		sum := 0.0
		for j := range t.osc {
			o := &t.osc[j]
			y := o.c*o.y1 - o.y2
			o.y1, o.y2 = y, o.y1
			sum += y
		}
		pcm[i] = int16(max(-32768, min(32767, math.Round(sum))))
		t.at++
	}
}

// Bursts of a delay measurement: 10 ms of 3 kHz once a second in silence.
const (
	burstHertz   = 3000
	burstSamples = SampleRate / 100
	burstPeak    = 10000
)

// burstSource plays a burst at the start of every period and tells when.
type burstSource struct {
	at, period int
	played     func(offset int) // the burst begins this many samples into the block being read
}

// Read continues silence and bursts.
func (s *burstSource) Read(pcm []int16) {
	for i := range pcm {
		switch n := s.at % s.period; {
		case n < burstSamples:
			if n == 0 {
				s.played(i)
			}
			pcm[i] = int16(burstPeak * math.Sin(2*math.Pi*burstHertz*float64(n)/SampleRate))
		default:
			pcm[i] = 0
		}
		s.at++
	}
}
