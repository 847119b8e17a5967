package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The bounds on a recording that is read.
const (
	maxWAVSeconds = 600
	minWAVRate    = 8000
	maxWAVRate    = 192000
)

// errWAV is a recording that cannot be read.
var errWAV = errors.New("not a WAV file of 16-bit PCM")

// ReadWAV reads a recording: RIFF, 16-bit PCM, 8 to 192 kHz, one or two channels, ten minutes at most. It returns 16 kHz mono, as
// [NewSound] takes it.
func ReadWAV(b []byte) ([]int16, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, errWAV
	}
	le := binary.LittleEndian
	channels, rate := 0, 0
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(le.Uint32(b[4:]))
		b = b[8:]
		size = min(size, len(b)) // some programs write none when they record to a pipe
		switch id {
		case "fmt ":
			if size < 16 {
				return nil, errWAV
			}
			format, bits := le.Uint16(b), le.Uint16(b[14:])
			channels, rate = int(le.Uint16(b[2:])), int(le.Uint32(b[4:]))
			switch {
			case format != 1 && format != 0xfffe || bits != 16:
				return nil, fmt.Errorf("%w: format %d of %d bits", errWAV, format, bits)
			case channels != 1 && channels != 2:
				return nil, fmt.Errorf("%w: %d channels, one or two are taken", errWAV, channels)
			case rate < minWAVRate || rate > maxWAVRate:
				return nil, fmt.Errorf("%w: %d Hz, %d to %d are taken", errWAV, rate, minWAVRate, maxWAVRate)
			}
		case "data":
			if channels == 0 {
				return nil, fmt.Errorf("%w: sound before its format", errWAV)
			}
			n := size / (2 * channels)
			if n == 0 || n > maxWAVSeconds*rate {
				return nil, fmt.Errorf("%w: %d s of sound, up to %d are taken", errWAV, n/rate, maxWAVSeconds)
			}
			pcm := make([]int16, n)
			for i := range pcm {
				sum := 0
				for c := range channels {
					sum += int(int16(le.Uint16(b[2*(i*channels+c):])))
				}
				pcm[i] = int16(sum / channels)
			}
			return rerated(pcm, rate), nil
		}
		b = b[min(size+size&1, len(b)):]
	}
	return nil, fmt.Errorf("%w: no sound in the file", errWAV)
}

// rerated brings a recording of any rate to soundRate by a windowed sinc.
func rerated(pcm []int16, rate int) []int16 {
	if rate == soundRate {
		return pcm
	}
	const lobes = 16
	cut := min(1, float64(soundRate)/float64(rate)) // of the input's band
	reach := int(math.Ceil(lobes / cut))
	out := make([]int16, int(int64(len(pcm))*int64(soundRate)/int64(rate)))
	for i := range out {
		at := float64(i) * float64(rate) / float64(soundRate)
		mid := int(at)
		sum, weight := 0.0, 0.0
		for k := max(mid-reach+1, 0); k <= min(mid+reach, len(pcm)-1); k++ {
			x := (float64(k) - at) * cut
			w := 0.5 + 0.5*math.Cos(math.Pi*x/lobes)
			if x != 0 {
				w *= math.Sin(math.Pi*x) / (math.Pi * x)
			}
			sum, weight = sum+w*float64(pcm[k]), weight+w
		}
		if weight != 0 {
			out[i] = int16(max(-32768, min(32767, math.Round(sum/weight))))
		}
	}
	return out
}
