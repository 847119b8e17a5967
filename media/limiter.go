package media

// limiter keeps a mix of many talkers within 16 bits by turning it down for as long as it is too loud, instead of
// cutting its peaks off. The zero value is ready.
type limiter struct {
	cut int // how far it is turned down, in 1/32768; 0 is not at all
}

const (
	// ceiling is the loudest the limiter lets through, 0.8 dB below full scale.
	ceiling = 30000
	unity   = 1 << 15
	// limiterBlocks are the steps of a frame in which the gain is set, 5 ms each.
	limiterBlocks = 4
	// releaseStep is how much of the cut is undone per block: half of it in 70 ms.
	releaseStep = 20
)

// idle reports whether a mix whose peaks stay below the ceiling passes unchanged.
func (l *limiter) idle() bool { return l.cut == 0 }

// apply writes the mix into out. Within the frame it looks ahead: the gain is down before the peak comes.
func (l *limiter) apply(out []int16, mix []int32) {
	block := len(mix) / limiterBlocks
	var need [limiterBlocks]int
	for k := range need {
		need[k] = gainFor(mix[k*block : (k+1)*block])
	}
	gain := unity - l.cut
	for k := range need {
		target := need[k]
		if k+1 < limiterBlocks {
			target = min(target, need[k+1])
		}
		if target > gain {
			target = min(target, gain+max((unity-gain)/releaseStep, 1))
		}
		part := mix[k*block : (k+1)*block]
		for i, v := range part {
			g := gain + (target-gain)*(i+1)/block
			out[k*block+i] = soften(int(v) * g >> 15)
		}
		gain = target
	}
	l.cut = unity - gain
}

// gainFor is the gain at which a stretch of the mix stays below the ceiling.
func gainFor(mix []int32) int {
	var peak int32
	for _, v := range mix {
		peak = max(peak, v, -v)
	}
	if peak <= ceiling {
		return unity
	}
	return ceiling * unity / int(peak)
}

// soften bends what the gain was too late for, at the onset of a frame, instead of cutting it.
func soften(v int) int16 {
	const knee, span = ceiling, 32767 - ceiling
	switch {
	case v > knee:
		v = knee + span*(v-knee)/(v-knee+span)
	case v < -knee:
		v = -knee - span*(-v-knee)/(-v-knee+span)
	}
	return int16(v)
}
