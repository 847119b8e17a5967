package media

import "math"

// pitchLag finds the distance in [least, most] at which the end of x repeats itself best. A coarse search on every
// second lag and sample is refined around its best.
func pitchLag(x []int16, least, most int) int {
	window := most // of the end of x
	tail := x[len(x)-window:]
	best, bestScore := least, math.Inf(-1)
	try := func(lag, stride int) {
		before := x[len(x)-window-lag : len(x)-lag]
		if s := likeness(tail, before, stride); s > bestScore {
			best, bestScore = lag, s
		}
	}
	for lag := least; lag <= most; lag += 2 {
		try(lag, 2)
	}
	around := best
	bestScore = math.Inf(-1)
	for lag := max(around-1, least); lag <= min(around+1, most); lag++ {
		try(lag, 1)
	}
	return best
}

// likeness is the normalised correlation of two stretches of sound: 1 for the same shape, 0 for none in common.
func likeness(a, b []int16, stride int) float64 {
	b = b[:len(a)]
	var ab, aa, bb int64
	for i := 0; i < len(a); i += stride {
		x, y := int64(a[i]), int64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}
