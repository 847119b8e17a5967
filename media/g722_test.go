package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"passerelle/media/prompts"
)

// reference reads what testdata/g722/reference.c wrote.
func reference(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "g722", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func referencePCM(t testing.TB, name string) []int16 {
	t.Helper()
	b := reference(t, name)
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// TestG722EncodeExact: silence, noise, clipping squares, a sweep and speech encode to the bits of another implementation.
func TestG722EncodeExact(t *testing.T) {
	in, want := referencePCM(t, "in.pcm"), reference(t, "in.g722")
	for _, frame := range []int{320, 640, 2, 1000, len(in)} {
		e := newG722Encoder()
		got := make([]byte, 0, len(want))
		buf := make([]byte, len(in)/2)
		for rest := in; len(rest) > 0; rest = rest[min(frame, len(rest)):] {
			got = append(got, buf[:e.encode(buf, rest[:min(frame, len(rest))])]...)
		}
		if i := firstDifference(got, want); i >= 0 {
			t.Fatalf("frames of %d: byte %d of %d differs", frame, i, len(want))
		}
	}
}

// TestG722DecodeExact: encoded sound and random bytes decode to the samples of another implementation, except where that one
// wraps around at overload and ours limits.
func TestG722DecodeExact(t *testing.T) {
	for code, pcm := range map[string]string{"in.g722": "in.out.pcm", "noise.g722": "noise.out.pcm"} {
		in, want := reference(t, code), referencePCM(t, pcm)
		for _, frame := range []int{160, 80, 1, 1000, len(in)} {
			d := newG722Decoder()
			got := make([]int16, 0, len(want))
			buf := make([]int16, 2*len(in))
			for rest := in; len(rest) > 0; rest = rest[min(frame, len(rest)):] {
				got = append(got, buf[:d.decode(buf, rest[:min(frame, len(rest))])]...)
			}
			for i, x := range got {
				if x == math.MaxInt16 && want[i] < 0 || x == math.MinInt16 && want[i] > 0 {
					want[i] = x
				}
			}
			if i := firstDifference(got, want); i >= 0 {
				t.Fatalf("%s, frames of %d: sample %d of %d differs", code, frame, i, len(want))
			}
		}
	}
}

// firstDifference is where two slices part, -1 when they are equal.
func firstDifference[E comparable](a, b []E) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// TestG722Wide: 5 kHz, which no narrow codec carries, comes through at its level.
func TestG722Wide(t *testing.T) {
	for _, freq := range []float64{300, 1000, 3000, 5000, 6500} {
		in := sine(16000, freq, 0.3, 16000)
		code, out := make([]byte, len(in)/2), make([]int16, len(in))
		newG722Encoder().encode(code, in)
		newG722Decoder().decode(out, code)
		in, out = in[3200:], out[3200:]
		if d := powerAt(out, 16000, freq) - powerAt(in, 16000, freq); math.Abs(d) > 1 {
			t.Errorf("%.0f Hz: %.2f dB off", freq, d)
		}
		if noise := residue(out, 16000, freq) - soundLevel(out); noise > -15 {
			t.Errorf("%.0f Hz: noise %.1f dB below", freq, -noise)
		}
	}
}

// TestG722Speech: speech comes out of the codec 18 dB or more above what the codec adds.
func TestG722Speech(t *testing.T) {
	in := prompts.Get("fr", prompts.Welcome)
	code, out := make([]byte, len(in)/2), make([]int16, len(in))
	newG722Encoder().encode(code, in)
	newG722Decoder().decode(out, code)
	const delay = 2*g722Taps - 2 // samples through both filters
	noise := make([]int16, len(in)-delay)
	for i := range noise {
		noise[i] = out[i+delay] - in[i]
	}
	if snr := soundLevel(in) - soundLevel(noise); snr < 18 {
		t.Errorf("%.1f dB over its noise", snr)
	}
}

// TestG722Reset: after a reset both ends are as new.
func TestG722Reset(t *testing.T) {
	in := referencePCM(t, "in.pcm")[:3200]
	e, d := newG722Encoder(), newG722Decoder()
	first, second := make([]byte, 1600), make([]byte, 1600)
	one, two := make([]int16, 3200), make([]int16, 3200)
	e.encode(first, in)
	d.decode(one, first)
	e.reset()
	d.reset()
	e.encode(second, in)
	d.decode(two, second)
	if !bytes.Equal(first, second) || !slices.Equal(one, two) {
		t.Error("the stream before is remembered")
	}
}

func FuzzG722Decode(f *testing.F) {
	f.Add([]byte{0, 255, 1, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		out := make([]int16, 2*len(b))
		if n := newG722Decoder().decode(out, b); n != len(out) {
			t.Fatalf("%d samples of %d bytes", n, len(b))
		}
		code := make([]byte, len(b))
		if n := newG722Encoder().encode(code, out); n != len(b) {
			t.Fatalf("%d bytes of %d samples", n, len(out))
		}
	})
}

func BenchmarkG722(b *testing.B) {
	in := prompts.Get("en", prompts.Welcome)[8000:]
	code := make([]byte, len(in)/2)
	newG722Encoder().encode(code, in)
	b.Run("encode", func(b *testing.B) {
		e, dst := newG722Encoder(), make([]byte, 160)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			at := i % (len(in)/320 - 1) * 320
			e.encode(dst, in[at:at+320])
		}
	})
	b.Run("decode", func(b *testing.B) {
		d, dst := newG722Decoder(), make([]int16, 320)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			at := i % (len(code)/160 - 1) * 160
			d.decode(dst, code[at:at+160])
		}
	})
}
