package media

// voiceMeter measures the frames of one talker.
type voiceMeter struct {
	peak    int // of the frame
	quiet   int // frames without anything worth mixing
	loud    int // frames of speech, decaying
	hang    int // frames until the talker counts as silent
	talking bool
	told    bool // what was published
}

const (
	// hushPeak is the peak of the noise of an idle line, -54 dB below full scale; after hushFrames of it a line is left
	// out of the mix, so that fourteen silent lines do not hiss.
	hushPeak   = 64
	hushFrames = 25
	// speechLevel is the mean magnitude of speech: -38 dB below full scale.
	speechLevel = 400
	speechOnset = 3  // frames of speech make a talker
	speechHang  = 20 // frames without end one
)

// measure reports whether the frame is worth mixing.
func (v *voiceMeter) measure(frame []int16) bool {
	var peak, sum int32
	for _, s := range frame {
		a := int32(s)
		if a < 0 {
			a = -a
		}
		sum += a
		peak = max(peak, a)
	}
	v.peak = int(peak)
	if peak >= hushPeak {
		v.quiet = 0
	} else {
		v.quiet++
	}
	if int(sum) > speechLevel*len(frame) {
		v.speech()
	} else {
		v.pause()
	}
	return v.quiet < hushFrames
}

// silence counts a frame without sound.
func (v *voiceMeter) silence() {
	v.peak, v.quiet = 0, hushFrames
	v.pause()
}

func (v *voiceMeter) speech() {
	if v.loud++; v.loud >= speechOnset {
		v.loud = speechOnset
		v.talking, v.hang = true, speechHang
	}
}

func (v *voiceMeter) pause() {
	v.loud = max(v.loud-1, 0)
	if v.hang > 0 {
		if v.hang--; v.hang == 0 {
			v.talking = false
		}
	}
}
