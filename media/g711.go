package media

// G.711 by tables (ITU-T G.711): decoding looks 256 values up, encoding the upper 14 (µ-law) or 13 bits (A-law) of a
// sample.
var (
	ulawDecode, alawDecode = makeG711Decode()
	ulawEncode             = makeULawEncode()
	alawEncode             = makeALawEncode()
)

// Bytes of silence.
const (
	ulawSilence byte = 0xff
	alawSilence byte = 0xd5
)

func makeG711Decode() (u, a [256]int16) {
	for i := range 256 {
		v := ^byte(i)
		mag := (int(v&0x0f)<<3 + 0x84) << (v >> 4 & 7)
		if v&0x80 != 0 {
			u[i] = int16(0x84 - mag)
		} else {
			u[i] = int16(mag - 0x84)
		}
		v = byte(i) ^ 0x55
		mag = int(v&0x0f)<<4 + 8
		if seg := v >> 4 & 7; seg > 0 {
			mag = (mag + 0x100) << (seg - 1)
		}
		if v&0x80 != 0 {
			a[i] = int16(mag)
		} else {
			a[i] = int16(-mag)
		}
	}
	return u, a
}

// makeULawEncode is indexed by the upper 14 bits of a sample.
func makeULawEncode() *[1 << 14]byte {
	var t [1 << 14]byte
	for i := range t {
		s := int(int16(i<<2)) >> 2
		mask := byte(0xff)
		if s < 0 {
			s, mask = -s, 0x7f
		}
		s = min(s, 8158) + 33
		seg := 0
		for s>>(seg+6) > 0 {
			seg++
		}
		t[i] = (byte(seg<<4) | byte(s>>(seg+1)&0x0f)) ^ mask
	}
	return &t
}

// makeALawEncode is indexed by the upper 13 bits of a sample.
func makeALawEncode() *[1 << 13]byte {
	var t [1 << 13]byte
	for i := range t {
		s := int(int16(i<<3)) >> 3
		mask := byte(0xd5)
		if s < 0 {
			s, mask = -s-1, 0x55
		}
		seg := 0
		for s>>(seg+5) > 0 {
			seg++
		}
		v := byte(seg << 4)
		if seg < 2 {
			v |= byte(s >> 1 & 0x0f)
		} else {
			v |= byte(s >> seg & 0x0f)
		}
		t[i] = v ^ mask
	}
	return &t
}

// decodeG711 decodes as many samples as there are bytes; dst must have room.
func decodeG711(c Codec, dst []int16, src []byte) {
	table := &ulawDecode
	if c == PCMA {
		table = &alawDecode
	}
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = table[b]
	}
}

// encodeG711 encodes as many bytes as there are samples; dst must have room.
func encodeG711(c Codec, dst []byte, src []int16) {
	dst = dst[:len(src)]
	if c == PCMA {
		for i, s := range src {
			dst[i] = alawEncode[uint16(s)>>3]
		}
		return
	}
	for i, s := range src {
		dst[i] = ulawEncode[uint16(s)>>2]
	}
}

// From one law to the other (ITU-T G.711 table 3 by way of the linear values).
var ulawToAlaw, alawToUlaw = makeTranscode()

func makeTranscode() (ua, au [256]byte) {
	for i := range 256 {
		ua[i] = alawEncode[uint16(ulawDecode[i])>>3]
		au[i] = ulawEncode[uint16(alawDecode[i])>>2]
	}
	return ua, au
}

// transcode changes a payload in place.
func transcode(table *[256]byte, payload []byte) {
	for i, b := range payload {
		payload[i] = table[b]
	}
}
