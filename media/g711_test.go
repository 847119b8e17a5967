package media

import (
	"math"
	"testing"
)

// Decoder output values of the tables of ITU-T G.711: the first of each segment, the last and the least.
func TestG711DecodeTables(t *testing.T) {
	for _, c := range []struct {
		law  Codec
		in   byte
		want int16
	}{
		{PCMU, 0xff, 0}, {PCMU, 0x7f, 0}, {PCMU, 0x80, 32124}, {PCMU, 0x00, -32124}, {PCMU, 0xfe, 8}, {PCMU, 0x7e, -8},
		{PCMU, 0xef, 132}, {PCMU, 0x9f, 8316}, {PCMU, 0x8f, 16764},
		{PCMA, 0xd5, 8}, {PCMA, 0x55, -8}, {PCMA, 0xaa, 32256}, {PCMA, 0x2a, -32256}, {PCMA, 0xd4, 24}, {PCMA, 0x80, 5504},
	} {
		var out [1]int16
		decodeG711(c.law, out[:], []byte{c.in})
		if out[0] != c.want {
			t.Errorf("%v %#02x decodes to %d, want %d", c.law, c.in, out[0], c.want)
		}
	}
}

// A byte that was decoded encodes to itself, so that a call of two carries the talker's very bytes. µ-law has two
// zeros, of which the positive one is sent.
func TestG711Transparent(t *testing.T) {
	for _, law := range []Codec{PCMU, PCMA} {
		for i := range 256 {
			var pcm [1]int16
			var back [1]byte
			decodeG711(law, pcm[:], []byte{byte(i)})
			encodeG711(law, back[:], pcm[:])
			want := byte(i)
			if law == PCMU && want == 0x7f {
				want = 0xff
			}
			if back[0] != want {
				t.Errorf("%v: %#02x became %d and then %#02x", law, i, pcm[0], back[0])
			}
		}
	}
}

// Every sample is encoded to the nearest value but for the decision values of the standard.
func TestG711Nearest(t *testing.T) {
	for _, law := range []Codec{PCMU, PCMA} {
		var values [256]int16
		for i := range 256 {
			decodeG711(law, values[i:i+1], []byte{byte(i)})
		}
		for s := math.MinInt16; s <= math.MaxInt16; s += 7 {
			var b [1]byte
			encodeG711(law, b[:], []int16{int16(s)})
			got := math.Abs(float64(int(values[b[0]]) - s))
			best := math.Inf(1)
			for _, v := range values {
				best = min(best, math.Abs(float64(int(v)-s)))
			}
			// The standard decides a little low where the steps double, and its encoder sees 14 or 13 bits.
			if got > best+math.Abs(float64(s))/64+8 {
				t.Fatalf("%v: %d became %d, %v away; the nearest is %v away", law, s, values[b[0]], got, best)
			}
		}
	}
}

func BenchmarkG711Decode(b *testing.B) {
	var pcm [160]int16
	var frame [160]byte
	for b.Loop() {
		decodeG711(PCMA, pcm[:], frame[:])
	}
}

func BenchmarkG711Encode(b *testing.B) {
	var pcm [160]int16
	var frame [160]byte
	for b.Loop() {
		encodeG711(PCMA, frame[:], pcm[:])
	}
}
