package media

// G.722 at 64 kbit/s (ITU-T G.722, mode 1): 16 kHz sound split by a quadrature mirror filter into two bands of 8 kHz, the
// lower one in 6 bits and the upper one in 2 by adaptive differential PCM. Names of steps are those of the recommendation,
// clause 6; all arithmetic is on 16-bit values, so the output is the same to the bit everywhere.

// g722Block is the most sample pairs that one pass takes: 60 ms.
const g722Block int = 480

// g722Taps are the taps of one half of the quadrature mirror filter; the other half has them in reverse.
const g722Taps int = 12

var g722QMF = [g722Taps]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// g722Mirror is g722QMF in reverse.
var g722Mirror = [g722Taps]int32{-11, 53, -156, 362, -805, 3876, 951, -210, 32, 12, -11, 3}

// Tables of the quantisers and their adaptation.
var (
	// g722Q6 are the decision levels of the lower band. The last one stands three times to make 32 of them.
	g722Q6 = [32]int32{
		0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650,
		714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
		2919, 2919,
	}
	// g722Codes are the codes of the lower band by the highest level reached, for positive differences (ILP), then for
	// negative ones (ILN).
	g722Codes = [64]uint8{
		61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46,
		45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 32, 32,
		63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
		17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 4, 4,
	}
	g722QM6 = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	g722QM4 = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	g722QM2 = [4]int32{-7408, -1616, 7408, 1616}
	// g722WL and g722WH are the steps of the logarithmic scale factor by code: WL[RL42] and WH[RH2].
	g722WL = [16]int32{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	g722WH = [4]int32{798, -214, 798, -214}
	g722IL = [32]int32{
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
)

// sat16 limits to 16 bits.
func sat16(x int32) int32 { return min(max(x, -32768), 32767) }

// signed is x with the sign of the product of a and b, where 0 counts as positive. Signs in a stream are random, so a branch
// on them would be mispredicted half of the time.
func signed(x, a, b int32) int32 {
	m := (a ^ b) >> 31
	return (x ^ m) - m
}

// g722Band is the adaptive predictor of one band, with its scale factor.
type g722Band struct {
	nb, det int32 // scale factor, logarithmic and linear
	s, sz   int32 // prediction: whole, and its zero section
	r1      int32 // reconstructed signal, the last one
	p1, p2  int32 // partially reconstructed signal, the last two
	a1, a2  int32 // pole coefficients
	b, d    [6]int32
}

// scale adapts the scale factor (LOGSCL, SCALEL, LOGSCH, SCALEH).
func (b *g722Band) scale(step, most, shift int32) {
	b.nb = min(max(b.nb*127>>7+step, 0), most)
	// The table holds one octave times 2048; shift says how many to go down, one less than none at the loudest.
	b.det = g722IL[b.nb>>6&31] << 1 >> uint32(shift+1-b.nb>>11) << 2
}

// adapt takes the quantised difference into the predictor (block 4).
func (b *g722Band) adapt(d int32) {
	r := sat16(b.s + d)  // RECONS
	p := sat16(b.sz + d) // PARREC

	// UPPOL2
	w := min(signed(-sat16(b.a1<<2), p, b.p1), 32767)
	a2 := w>>7 + signed(128, p, b.p2) + b.a2*32512>>15
	a2 = min(max(a2, -12288), 12288)

	// UPPOL1
	limit := 15360 - a2
	a1 := signed(192, p, b.p1) + b.a1*32640>>15
	a1 = min(max(a1, -limit), limit)

	// UPZERO, DELAYA and FILTEZ in one go, from the oldest on.
	step := int32(128)
	if d == 0 {
		step = 0
	}
	var sz int32
	for i := len(b.b) - 1; i >= 0; i-- {
		next := d
		if i > 0 {
			next = b.d[i-1]
		}
		b.b[i] = sat16(signed(step, d, b.d[i]) + b.b[i]*32640>>15)
		b.d[i] = next
		sz += b.b[i] * sat16(next<<1) >> 15
	}
	b.sz = sat16(sz)

	// FILTEP and PREDIC
	sp := sat16(a1*sat16(r<<1)>>15 + a2*sat16(b.r1<<1)>>15)
	b.s = sat16(sp + b.sz)
	b.p2, b.p1 = b.p1, p
	b.r1, b.a1, b.a2 = r, a1, a2
}
