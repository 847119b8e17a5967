package media

// g722Encoder encodes one stream. It keeps its state from frame to frame and allocates nothing; one goroutine owns it.
type g722Encoder struct {
	low, high g722Band
	// even and odd hold the samples of either phase behind the history that the filter reaches back to.
	even, odd [g722Taps - 1 + g722Block]int32
}

// newG722Encoder returns an encoder in the state that both ends start from.
func newG722Encoder() *g722Encoder {
	e := &g722Encoder{}
	e.reset()
	return e
}

// reset forgets the stream.
func (e *g722Encoder) reset() { *e = g722Encoder{low: g722Band{det: 32}, high: g722Band{det: 8}} }

// encode writes one byte to dst for each pair of 16 kHz samples in src and returns how many.
func (e *g722Encoder) encode(dst []byte, src []int16) int {
	n := 0
	for len(src) >= 2 {
		block := src[:min(2*g722Block, len(src)&^1)]
		src = src[len(block):]
		n += e.block(dst[n:], block)
	}
	return n
}

func (e *g722Encoder) block(dst []byte, src []int16) int {
	const history = g722Taps - 1
	n := len(src) / 2
	even, odd := e.even[history:][:n], e.odd[history:][:n]
	for i := range even {
		even[i], odd[i] = int32(src[2*i]), int32(src[2*i+1])
	}
	for i := range n {
		// Transmit filter: the taps sum to 4096, two halves are added, and the bands have 15 bits, hence 14.
		a, b := g722Filter(&g722QMF, e.even[i:]), g722Filter(&g722Mirror, e.odd[i:])
		dst[i] = e.pair((b+a)>>14, (b-a)>>14)
	}
	copy(e.even[:history], e.even[n:])
	copy(e.odd[:history], e.odd[n:])
	return n
}

// g722Filter weighs the first samples of x with the taps.
func g722Filter(taps *[g722Taps]int32, x []int32) int32 {
	w := (*[g722Taps]int32)(x)
	return taps[0]*w[0] + taps[1]*w[1] + taps[2]*w[2] + taps[3]*w[3] + taps[4]*w[4] + taps[5]*w[5] +
		taps[6]*w[6] + taps[7]*w[7] + taps[8]*w[8] + taps[9]*w[9] + taps[10]*w[10] + taps[11]*w[11]
}

// pair encodes one sample of each band.
func (e *g722Encoder) pair(low, high int32) byte {
	// SUBTRA and QUANTL: the highest decision level that the magnitude of the difference reaches, searched without branches.
	d := sat16(low - e.low.s)
	sign := d >> 31
	d ^= sign
	det, at := e.low.det, int32(0)
	if d >= g722Q6[16]*det>>12 {
		at = 16
	}
	for step := int32(8); step > 0; step >>= 1 {
		up := at + step
		if d >= g722Q6[up&31]*det>>12 {
			at = up
		}
	}
	code := g722Codes[sign&32+at]
	e.low.take6(code)

	// SUBTRA and QUANTH: 2 and 3 for the greater and the lesser magnitude, 0 and 1 when negative.
	d = sat16(high - e.high.s)
	sign = d >> 31
	upper := byte(3 + sign&^1)
	if d^sign >= 564*e.high.det>>12 {
		upper--
	}
	e.high.take2(upper)
	return upper<<6 | code
}

// take6 adapts the lower band to a code of 6 bits, of which the first four count (INVQAL, LOGSCL, SCALEL, block 4).
func (b *g722Band) take6(code byte) {
	four := code >> 2 & 15
	d := b.det * g722QM4[four] >> 15
	b.scale(g722WL[four], 18432, 8)
	b.adapt(d)
}

// take2 adapts the upper band to a code of 2 bits (INVQAH, LOGSCH, SCALEH, block 4).
func (b *g722Band) take2(code byte) {
	d := b.det * g722QM2[code&3] >> 15
	b.scale(g722WH[code&3], 22528, 10)
	b.adapt(d)
}
