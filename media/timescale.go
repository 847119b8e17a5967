package media

// Changes of the time scale in the manner of waveform similarity overlap-add: one period of the sound is taken out where
// the sound resembles itself, or anything where there is silence. The pitch stays.

const (
	scaleMinLagMS = 2.5
	scaleMaxLagMS = 12.5
	// quietLevel is the mean magnitude below which nobody hears a cut: -56 dB below full scale.
	quietLevel = 50
)

// scaleGround is how many samples shrink looks at.
func scaleGround(rate int) int { return int(2 * scaleMaxLagMS * float64(rate) / 1000) }

// similarLag finds the distance at which the start of x repeats itself; ok is false when nothing is alike enough.
func similarLag(x []int16, rate, most int, enough float64) (lag int, ok bool) {
	least := int(scaleMinLagMS * float64(rate) / 1000)
	most = min(most, int(scaleMaxLagMS*float64(rate)/1000), len(x)/2)
	if most < least {
		return 0, false
	}
	if meanLevel(x[:2*most]) < quietLevel {
		return most, true
	}
	window := min(int(scaleMaxLagMS*float64(rate)/1000), len(x)-most)
	best := -1.0
	for l := least; l <= most; l++ {
		if s := likeness(x[:window], x[l:l+window], 2); s > best {
			lag, best = l, s
		}
	}
	return lag, best >= enough
}

// shrink takes a period of at most most samples out of the start of x and returns how many are gone; they are gone from
// the front, so that x[n:] is what remains.
func shrink(x []int16, rate, most int, enough float64) (n int) {
	lag, ok := similarLag(x, rate, most, enough)
	if !ok {
		return 0
	}
	// The first period fades into the second, which it replaces.
	for i := range lag {
		x[lag+i] = int16((int(x[i])*(lag-i) + int(x[lag+i])*(i+1)) / (lag + 1))
	}
	return lag
}

func meanLevel(x []int16) int {
	if len(x) == 0 {
		return 0
	}
	sum := 0
	for _, v := range x {
		sum += max(int(v), -int(v))
	}
	return sum / len(x)
}
