package softphone

import "math/bits"

// Codec is an audio codec the phone speaks.
type Codec int

// The two laws of ITU-T G.711, with their static payload types (RFC 3551 §6). PCMU is the zero value, as it is the default
// of desk phones.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

// String is the encoding name of RFC 3551.
func (c Codec) String() string {
	if c == PCMA {
		return "PCMA"
	}
	return "PCMU"
}

// Tables of both laws: decoding by code, encoding by the upper 13 (A-law) or 14 bits (µ-law) of a sample.
var (
	decodeULaw, decodeALaw [256]int16
	encodeULaw             = func() (t [1 << 14]byte) {
		for i := range t {
			t[i] = ulaw(int16(i<<2 - 1<<15))
		}
		return t
	}()
	encodeALaw = func() (t [1 << 13]byte) {
		for i := range t {
			t[i] = alaw(int16(i<<3 - 1<<15))
		}
		return t
	}()
	_ = func() bool {
		for i := range 256 {
			decodeULaw[i], decodeALaw[i] = ulawValue(byte(i)), alawValue(byte(i))
		}
		return true
	}()
)

// ulaw compresses a sample: sign, three bits of segment, four bits within it, all inverted (G.711 §3, table 2).
func ulaw(s int16) byte {
	sign, x := byte(0), int(s)
	if x < 0 {
		sign, x = 0x80, -x
	}
	x = min(x, 32635) + 132 // the bias makes every segment start at a power of two
	seg := bits.Len(uint(x)) - 8
	return ^(sign | byte(seg)<<4 | byte(x>>(seg+3))&15)
}

func ulawValue(c byte) int16 {
	c = ^c
	x := (int(c&15)<<3+132)<<(c>>4&7) - 132
	if c&0x80 != 0 {
		return int16(-x)
	}
	return int16(x)
}

// alaw compresses a sample; even bits are inverted (G.711 §3, table 1). The sign bit is set for positive samples.
func alaw(s int16) byte {
	sign, x := byte(0x80), int(s)
	if x < 0 {
		sign, x = 0, ^x
	}
	x >>= 4
	if x > 31 {
		seg := bits.Len(uint(x)) - 4
		x = seg<<4 | x>>(seg-1)&15
	}
	return (sign | byte(x)) ^ 0x55
}

func alawValue(c byte) int16 {
	c ^= 0x55
	x := int(c&15)<<4 + 8
	if seg := c >> 4 & 7; seg > 0 {
		x = (x + 256) << (seg - 1)
	}
	if c&0x80 == 0 {
		return int16(-x)
	}
	return int16(x)
}

// encode appends the samples in the codec's octets.
func (c Codec) encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		if c == PCMA {
			dst = append(dst, encodeALaw[(int(s)+1<<15)>>3])
		} else {
			dst = append(dst, encodeULaw[(int(s)+1<<15)>>2])
		}
	}
	return dst
}

// decode appends the samples of the octets.
func (c Codec) decode(dst []int16, payload []byte) []int16 {
	table := &decodeULaw
	if c == PCMA {
		table = &decodeALaw
	}
	for _, b := range payload {
		dst = append(dst, table[b])
	}
	return dst
}
