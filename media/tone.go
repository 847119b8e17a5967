package media

import (
	"math"
	"sync"
)

// toneRate is the sample rate in Hz of what this package plays: tones and music here, and the prompts.
const toneRate int = 16000

// EntryTone returns the sound of somebody coming in, two rising notes: 16 kHz mono, shared, not to be written to.
func EntryTone() []int16 { return entryTone() }

// ExitTone returns the sound of somebody leaving, two falling notes: 16 kHz mono, shared, not to be written to.
func ExitTone() []int16 { return exitTone() }

// Notes of the tones in Hz; neither is near a DTMF frequency (697, 770, 852, 941, 1209, 1336, 1477, 1633).
const (
	toneLow  float64 = 587.33 // D5
	toneHigh float64 = 880.00 // A5
)

var (
	entryTone = sync.OnceValue(func() []int16 { return chime(toneLow, toneHigh) })
	exitTone  = sync.OnceValue(func() []int16 { return chime(toneHigh, toneLow) })
)

// chime plays two notes of 120 ms, the second dying away over 150 ms more, peaking at -16 dBFS: heard, not startling.
func chime(first, second float64) []int16 {
	const (
		length  = toneRate * 12 / 100
		ring    = toneRate * 15 / 100
		attack  = toneRate / 100
		release = toneRate / 50
	)
	mix := make([]float64, 2*length+ring)
	strike := func(at, n int, freq float64) {
		for i := range n {
			env := min(1, float64(i)/float64(attack)) * min(1, float64(n-i)/float64(release)) * math.Exp(-2.5*float64(i)/float64(n))
			phase := 2 * math.Pi * freq * float64(i) / float64(toneRate)
			mix[at+i] += env * (math.Sin(phase) + 0.15*math.Sin(2*phase))
		}
	}
	strike(0, length+release, first)
	strike(length, length+ring, second)
	return quantise(mix, 0.16)
}

// quantise scales sound so that its loudest sample is at peak of full scale.
func quantise(mix []float64, peak float64) []int16 {
	loudest := 1e-9
	for _, x := range mix {
		loudest = max(loudest, math.Abs(x))
	}
	pcm := make([]int16, len(mix))
	for i, x := range mix {
		pcm[i] = int16(math.Round(x / loudest * peak * 32767))
	}
	return pcm
}
