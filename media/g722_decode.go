package media

// g722Decoder decodes one stream. It keeps its state from frame to frame and allocates nothing; one goroutine owns it.
type g722Decoder struct {
	low, high g722Band
	// sum and diff hold the two sums of the bands behind the history that the filter reaches back to.
	sum, diff [g722Taps - 1 + g722Block]int32
}

// newG722Decoder returns a decoder in the state that both ends start from.
func newG722Decoder() *g722Decoder {
	d := &g722Decoder{}
	d.reset()
	return d
}

// reset forgets the stream.
func (d *g722Decoder) reset() { *d = g722Decoder{low: g722Band{det: 32}, high: g722Band{det: 8}} }

// decode writes two samples of 16 kHz to dst for each byte of src and returns how many.
func (d *g722Decoder) decode(dst []int16, src []byte) int {
	n := 0
	for len(src) > 0 {
		block := src[:min(g722Block, len(src))]
		src = src[len(block):]
		n += d.block(dst[n:], block)
	}
	return n
}

func (d *g722Decoder) block(dst []int16, src []byte) int {
	const history = g722Taps - 1
	n := len(src)
	sum, diff := d.sum[history:][:n], d.diff[history:][:n]
	for i, code := range src {
		low, high := d.pair(code)
		sum[i], diff[i] = low+high, low-high
	}
	dst = dst[:2*n]
	for i := range n { // receive filter
		dst[2*i] = int16(sat16(g722Filter(&g722Mirror, d.diff[i:]) >> 11))
		dst[2*i+1] = int16(sat16(g722Filter(&g722QMF, d.sum[i:]) >> 11))
	}
	copy(d.sum[:history], d.sum[n:])
	copy(d.diff[:history], d.diff[n:])
	return 2 * n
}

// pair decodes one sample of each band.
func (d *g722Decoder) pair(code byte) (low, high int32) {
	// INVQBL, RECONS and LIMIT
	low = limit15(d.low.s + d.low.det*g722QM6[code&63]>>15)
	d.low.take6(code & 63)
	high = limit15(d.high.s + d.high.det*g722QM2[code>>6]>>15)
	d.high.take2(code >> 6)
	return low, high
}

// limit15 limits to 15 bits (LIMIT).
func limit15(x int32) int32 { return min(max(x, -16384), 16383) }
