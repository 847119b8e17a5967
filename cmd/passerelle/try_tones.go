package main

import (
	"fmt"
	"math"
)

// The band of the parties' voices, in Hz.
const (
	bandLow  = 400
	bandHigh = 2600
)

// tonePlan gives every party of a space a tone of its own, and neighbouring spaces disjoint sets of them.
type tonePlan struct {
	seats, sets, step int
	level             float64 // of each tone, in dB below full scale
}

// newTonePlan spreads the tones over the band on a grid of 10 Hz, or 5 Hz when it gets crowded.
func newTonePlan(seats, spaces int) (tonePlan, error) {
	t := tonePlan{seats: seats}
	for _, grid := range []int{10, 5} {
		slots := (bandHigh - bandLow) / grid
		if t.sets = min(spaces, slots/seats); t.sets >= min(spaces, 2) {
			t.step = slots / (seats * t.sets) * grid
			break
		}
	}
	if t.step == 0 {
		return t, fmt.Errorf("%d parties in a space are too many for tones that can be told apart", seats)
	}
	// All tones in phase must not clip; with many of them that is left to their crest factor.
	n := float64(max(seats-1, 1))
	t.level = 20 * math.Log10(min(2000, max(28000/n, 28000/(3.2*math.Sqrt(n))))/32767)
	return t, nil
}

func (t tonePlan) hertz(space, seat int) float64 {
	return float64(bandLow + t.step*(seat*t.sets+space%t.sets))
}

// foreign are the tones that nobody of the space sends but somebody of another does.
func (t tonePlan) foreign(space int) []float64 {
	var out []float64
	for set := range t.sets {
		for seat := range t.seats {
			if set != space%t.sets {
				out = append(out, t.hertz(set, seat))
			}
		}
	}
	return out
}
