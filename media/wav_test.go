package media

import (
	"encoding/binary"
	"math"
	"testing"
)

// wavFile writes a tone of 440 Hz, the same in each channel.
func wavFile(rate, channels, seconds int) []byte {
	le := binary.LittleEndian
	n := rate * seconds
	b := append([]byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00fmt "), 16, 0, 0, 0, 1, 0, byte(channels), 0)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*channels*rate))
	b = le.AppendUint16(b, uint16(2*channels))
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*channels*n))
	for i := range n {
		v := uint16(int16(10000 * math.Sin(2*math.Pi*440*float64(i)/float64(rate))))
		for range channels {
			b = le.AppendUint16(b, v)
		}
	}
	return b
}

// TestReadWAV brings recordings of the usual rates to ours: the tone keeps its pitch and its level.
func TestReadWAV(t *testing.T) {
	for _, rate := range []int{8000, 11025, 16000, 22050, 32000, 44100, 48000} {
		for _, channels := range []int{1, 2} {
			pcm, err := ReadWAV(wavFile(rate, channels, 2))
			if err != nil {
				t.Fatalf("%d Hz, %d channels: %v", rate, channels, err)
			}
			if n := len(pcm); n < 2*soundRate-2 || n > 2*soundRate+2 {
				t.Errorf("%d Hz: %d samples, want %d", rate, n, 2*soundRate)
			}
			worst := 0.0
			for i := 200; i < len(pcm)-200; i++ {
				want := 10000 * math.Sin(2*math.Pi*440*float64(i)/float64(soundRate))
				worst = max(worst, math.Abs(want-float64(pcm[i])))
			}
			if worst > 150 { // -36 dB of the tone
				t.Errorf("%d Hz, %d channels: off by %.0f", rate, channels, worst)
			}
		}
	}
}

func TestReadWAVRefuses(t *testing.T) {
	good := wavFile(8000, 1, 1)
	for name, b := range map[string][]byte{
		"nothing": nil, "a cut header": good[:30], "no sound": good[:len(good)-16000-8], "another format": []byte("ID3\x04 and the rest of it"),
		"8 bit": func() []byte { b := append([]byte{}, good...); b[12+12+8+14] = 8; return b }(),
	} {
		if pcm, err := ReadWAV(b); err == nil {
			t.Errorf("%s: %d samples", name, len(pcm))
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(wavFile(8000, 2, 1)[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		if pcm, err := ReadWAV(b); err == nil && len(pcm) > maxWAVSeconds*soundRate {
			t.Errorf("%d samples", len(pcm))
		}
	})
}
