package softphone

import (
	"math"
	"slices"
	"time"
)

// Quantiles sum up a sample of durations.
type Quantiles struct {
	N                  int
	P50, P95, P99, Max time.Duration
}

// QuantilesOf sums up durations, in any order.
func QuantilesOf(sample []time.Duration) Quantiles {
	if len(sample) == 0 {
		return Quantiles{}
	}
	s := slices.Sorted(slices.Values(sample))
	at := func(q float64) time.Duration { return s[max(int(math.Ceil(q*float64(len(s))))-1, 0)] }
	return Quantiles{N: len(s), P50: at(.5), P95: at(.95), P99: at(.99), Max: s[len(s)-1]}
}
