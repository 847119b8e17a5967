package media

import (
	"math"
	"sync"
)

// WaitingMusic returns eight bars of soft music for whoever waits alone, composed for this server and free of anybody's
// rights. 16 kHz mono, shared, not to be written to. Its end runs into its start without a seam.
func WaitingMusic() []int16 { return waitingMusic() }

var waitingMusic = sync.OnceValue(func() []int16 { return quantise(playScore(), 0.16) })

const (
	musicBeat  int = toneRate * 3 / 4 // 80 beats a minute
	musicBars  int = 8
	beatsInBar int = 4
)

// musicChords are the chords of the bars, as MIDI notes from the bass up.
var musicChords = [musicBars][4]int{
	{48, 60, 64, 71}, // C major 7
	{45, 60, 64, 67}, // A minor 7
	{41, 60, 65, 69}, // F
	{43, 59, 62, 69}, // G 9
	{40, 59, 62, 67}, // E minor 7
	{45, 60, 64, 67}, // A minor 7
	{38, 60, 65, 69}, // D minor 7
	{43, 60, 62, 67}, // G suspended
}

// musicNote is a note of the tune: when in beats, which, and how loud.
type musicNote struct {
	beat   float64
	pitch  int
	volume float64
}

var musicTune = []musicNote{
	{0, 76, 1}, {1.5, 79, 0.8}, {2.5, 76, 0.7}, {4, 72, 0.9}, {6, 74, 0.7}, {7, 76, 0.7},
	{8, 77, 0.9}, {9.5, 76, 0.7}, {10.5, 72, 0.7}, {12, 74, 0.9}, {14.5, 71, 0.6},
	{16, 74, 0.9}, {17.5, 71, 0.7}, {18.5, 67, 0.7}, {20, 72, 0.9}, {22, 76, 0.7},
	{24, 77, 0.9}, {25.5, 74, 0.7}, {26.5, 72, 0.7}, {28, 74, 0.8}, {30, 71, 0.6},
}

// playScore renders the bars; what rings beyond the end is added at the start, so the loop has no seam.
func playScore() []float64 {
	mix := make([]float64, musicBars*beatsInBar*musicBeat)
	for bar, chord := range musicChords {
		start := bar * beatsInBar * musicBeat
		for _, pitch := range chord {
			pad(mix, start, pitch, 0.10)
		}
		for i := range 8 { // broken chord in quavers
			pluck(mix, start+i*musicBeat/2, chord[1+[8]int{0, 1, 2, 1, 0, 2, 1, 2}[i]], 0.12)
		}
	}
	for _, n := range musicTune {
		pluck(mix, int(n.beat*float64(musicBeat)), n.pitch, 0.30*n.volume)
	}
	return mix
}

func pitchHz(midi int) float64 { return 440 * math.Pow(2, float64(midi-69)/12) }

// pluck strikes a mellow bar: a sine whose bright overtone dies first.
func pluck(mix []float64, at, pitch int, volume float64) {
	const length = toneRate * 2
	w := 2 * math.Pi * pitchHz(pitch) / float64(toneRate)
	for i := range length {
		s := float64(i) / float64(toneRate)
		env := min(1, s/0.008) * math.Exp(-3*s) * (1 - float64(i)/float64(length))
		bright := 0.6 * math.Exp(-9*s)
		mix[(at+i)%len(mix)] += volume * env * math.Sin(w*float64(i)+bright*math.Sin(2*w*float64(i)))
	}
}

// pad holds a note for a bar, swelling in and fading into the next one.
func pad(mix []float64, at, pitch int, volume float64) {
	length := beatsInBar*musicBeat + musicBeat
	w := 2 * math.Pi * pitchHz(pitch) / float64(toneRate)
	for i := range length {
		env := min(1, float64(i)/float64(musicBeat), float64(length-i)/float64(musicBeat))
		sway := 1 + 0.2*math.Sin(2*math.Pi*0.3*float64(at+i)/float64(toneRate))
		mix[(at+i)%len(mix)] += volume * env * sway * (math.Sin(w*float64(i)) + 0.3*math.Sin(2*w*float64(i)))
	}
}
