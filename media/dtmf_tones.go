package media

import "math"

// dtmfKeys are the keys at the crossings of dtmfRows and dtmfCols, row by row.
const dtmfKeys string = "123A456B789C*0#D"

// The eight frequencies of DTMF in Hz (ITU-T Q.23).
var (
	dtmfRows = [4]float64{697, 770, 852, 941}
	dtmfCols = [4]float64{1209, 1336, 1477, 1633}
)

const (
	// dtmfRate is the sample rate of the sound that is searched.
	dtmfRate int = 8000
	// dtmfHop is how far the search moves at a time: 5 ms.
	dtmfHop int = 40
	// dtmfHops is how many hops one look takes in: 15 ms, wide enough to tell 697 from 770 Hz.
	dtmfHops int = 3
	// dtmfLook is the same in samples.
	dtmfLook int = dtmfHop * dtmfHops
)

// goertzel holds the constants of one frequency.
type goertzel struct {
	freq  float64
	coeff float64    // 2 cos w
	end   complex128 // e^(-jw), which makes a complex sum of the last two states
	turn  complex128 // e^(jw*hop), how far a tone turns in one hop
}

func newGoertzel(freq float64) goertzel {
	w := angular(freq)
	return goertzel{freq: freq, coeff: 2 * math.Cos(w), end: unit(-w), turn: unit(w * float64(dtmfHop))}
}

// goertzels are the constants of one group of four frequencies.
type goertzels [4]goertzel

func newGoertzels(freqs [4]float64) (g goertzels) {
	for i, f := range freqs {
		g[i] = newGoertzel(f)
	}
	return g
}

var (
	rowTones, colTones = newGoertzels(dtmfRows), newGoertzels(dtmfCols)
	// dtmfLeaks is how much of a column leaks into the sum of a row over a look; the other way it is the conjugate.
	dtmfLeaks = func() (l [4][4]complex128) {
		for r, row := range dtmfRows {
			for c, col := range dtmfCols {
				l[r][c] = leak(row, col)
			}
		}
		return l
	}()
)

// angular is a frequency in radians per sample.
func angular(freq float64) float64 { return 2 * math.Pi * freq / float64(dtmfRate) }

// unit is e^(ja).
func unit(a float64) complex128 {
	sin, cos := math.Sincos(a)
	return complex(cos, sin)
}

// correlate returns the complex sums of the four frequencies over a hop, turned to its end. The four recursions run side
// by side, since each waits for its own result.
func (g *goertzels) correlate(hop *[dtmfHop]float64) [4]complex128 {
	c0, c1, c2, c3 := g[0].coeff, g[1].coeff, g[2].coeff, g[3].coeff
	var a0, a1, a2, a3, b0, b1, b2, b3 float64
	for _, x := range hop {
		a0, b0 = x+c0*a0-b0, a0
		a1, b1 = x+c1*a1-b1, a1
		a2, b2 = x+c2*a2-b2, a2
		a3, b3 = x+c3*a3-b3, a3
	}
	return [4]complex128{
		complex(a0, 0) - g[0].end*complex(b0, 0),
		complex(a1, 0) - g[1].end*complex(b1, 0),
		complex(a2, 0) - g[2].end*complex(b2, 0),
		complex(a3, 0) - g[3].end*complex(b3, 0),
	}
}

// correlateOne returns the complex sum of any frequency over sound, turned to its end.
func correlateOne(sound []float64, freq float64) complex128 {
	w := angular(freq)
	c := 2 * math.Cos(w)
	var a, b float64
	for _, x := range sound {
		a, b = x+c*a-b, a
	}
	return complex(a, 0) - unit(-w)*complex(b, 0)
}

// leak is the sum over a look that a unit phasor of one frequency leaves at another.
func leak(at, of float64) complex128 {
	d := angular(at - of)
	return (1 - unit(d*float64(dtmfLook))) / (1 - unit(d))
}

// untangle solves the sums of two frequencies over a look for their phasors at its end, taking out what each leaks into
// the other.
func untangle(low, high, leak complex128) (a, b complex128) {
	n := complex(float64(dtmfLook), 0)
	det := n*n - complex(norm(leak), 0)
	return (n*low - leak*high) / det, (n*high - conj(leak)*low) / det
}

func conj(c complex128) complex128 { return complex(real(c), -imag(c)) }

func norm(c complex128) float64 { return real(c)*real(c) + imag(c)*imag(c) }

// subtract takes the tone of a phasor out of sound.
func subtract(sound []float64, freq float64, phasor complex128) {
	back := unit(-angular(freq))
	p := 2 * phasor
	for i := len(sound) - 1; i >= 0; i-- {
		sound[i] -= real(p)
		p *= back
	}
}
