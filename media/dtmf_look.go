package media

import "math"

// What counts as a key (after ITU-T Q.24, a little wider than the worst phone).
const (
	// minTonePower is the mean square of a tone at -37 dBm0; 0 dBm0 is 3.14 dB below a full-scale sine (ITU-T G.711).
	minTonePower float64 = 5.2e4
	// maxTwist and maxReverseTwist limit the upper tone over the lower one, and the lower over the upper, as power ratios:
	// 6 dB and 10 dB.
	maxTwist        float64 = 4
	maxReverseTwist float64 = 10
	// minOverOthers is the least ratio of a tone to any other of its group: 8 dB.
	minOverOthers float64 = 6.3
	// minPurity is the least share of the two tones in the whole power: what else there is lies 10 dB below.
	minPurity float64 = 0.9
	// minStrong is the share at which a single look is worth two: 15 dB.
	minStrong float64 = 0.97
	// minOverHarmonic is the least ratio of a tone to its second harmonic, which voices have and keys have not: 13 dB.
	minOverHarmonic float64 = 20
	// maxDetune is how far off a tone may be: 2 %, where Q.24 demands 1.5 % and forbids 3.5 %.
	maxDetune float64 = 0.02
	// maxSway is how much a tone's power may change from one look to the next: 2 dB.
	maxSway float64 = 1.6
)

// dtmfHopSums are the sums of one hop.
type dtmfHopSums struct {
	row, col [4]complex128
	energy   float64
	void     bool // the sound is made up
}

// dtmfView is the last 15 ms, hop by hop, with what the look one hop earlier saw.
type dtmfView struct {
	sound [dtmfLook]float64 // oldest first
	hops  [dtmfHops]dtmfHopSums
	row   [4]complex128 // of the whole view
	col   [4]complex128
	whole bool // nothing in it is made up
}

// look is the judgement of one view.
type look struct {
	key       byte // 0 for none
	r, c      int
	low, high float64 // mean squares of the two tones
	strong    bool
}

// push moves the view on by one hop.
func (v *dtmfView) push(hop *[dtmfHop]float64, void bool) *dtmfHopSums {
	copy(v.sound[:], v.sound[dtmfHop:])
	copy(v.sound[dtmfLook-dtmfHop:], hop[:])
	copy(v.hops[:], v.hops[1:])
	h := &v.hops[dtmfHops-1]
	*h = dtmfHopSums{void: void}
	if void {
		return h
	}
	for _, x := range hop {
		h.energy += x * x
	}
	if h.energy > minTonePower*float64(dtmfHop)/4 { // quieter than any key: nothing to look for
		h.row, h.col = rowTones.correlate(hop), colTones.correlate(hop)
	}
	return h
}

// judge looks at the view. A key that is down already, known, needs only to be seen, not to be proven again.
func (v *dtmfView) judge(known byte) look {
	beforeRow, beforeCol, compare := v.row, v.col, v.whole
	v.whole = true
	energy := 0.0
	for i := range v.hops {
		v.whole = v.whole && !v.hops[i].void
		energy += v.hops[i].energy
	}
	if !v.whole || energy < minTonePower*float64(dtmfLook) {
		v.row, v.col = [4]complex128{}, [4]complex128{}
		return look{}
	}
	var rows, cols [4]float64
	for f := range rows {
		v.row[f], v.col[f] = 0, 0
		for i := range v.hops {
			v.row[f] = v.row[f]*rowTones[f].turn + v.hops[i].row[f]
			v.col[f] = v.col[f]*colTones[f].turn + v.hops[i].col[f]
		}
		rows[f], cols[f] = norm(v.row[f]), norm(v.col[f])
	}
	r, clearRow := strongest(&rows)
	c, clearCol := strongest(&cols)
	// A tone of mean square p has the norm p*n²/2 and the energy p*n; half of a detuned one may fall beside its frequency.
	if !clearRow || !clearCol || 2*(rows[r]+cols[c]) < energy*float64(dtmfLook)*minPurity/2 {
		return look{}
	}
	l := look{key: dtmfKeys[4*r+c], r: r, c: c}
	if l.key == known {
		return l
	}
	low, high := dtmfRows[r], dtmfCols[c]
	if compare {
		a, b := untangle(v.row[r], v.col[c], dtmfLeaks[r][c])
		a0, b0 := untangle(beforeRow[r], beforeCol[c], dtmfLeaks[r][c])
		lowOff, highOff := rowTones[r].detune(a0, a), colTones[c].detune(b0, b)
		if math.Abs(lowOff) > maxDetune || math.Abs(highOff) > maxDetune {
			return look{}
		}
		low, high = low*(1+lowOff), high*(1+highOff)
	}
	if !v.prove(&l, low, high, energy) {
		return look{}
	}
	return l
}

// prove measures the two tones at their true frequencies and what is left without them.
func (v *dtmfView) prove(l *look, low, high, energy float64) bool {
	rest := v.sound
	a, b := untangle(correlateOne(rest[:], low), correlateOne(rest[:], high), leak(low, high))
	l.low, l.high = 2*norm(a), 2*norm(b)
	if l.low < minTonePower || l.high < minTonePower || l.high > l.low*maxTwist || l.low > l.high*maxReverseTwist {
		return false
	}
	subtract(rest[:], low, a)
	subtract(rest[:], high, b)
	left := 0.0
	for _, x := range rest {
		left += x * x
	}
	if left > energy*(1-minPurity) {
		return false
	}
	l.strong = left < energy*(1-minStrong)
	const perPower = float64(dtmfLook*dtmfLook) / 2 // of a tone's mean square in the norm of its sum
	return l.low*perPower > minOverHarmonic*norm(correlateOne(rest[:], 2*low)) &&
		l.high*perPower > minOverHarmonic*norm(correlateOne(rest[:], 2*high))
}

// strongest finds the strongest of four, and whether it stands out from the others.
func strongest(p *[4]float64) (best int, clear bool) {
	for i := range p {
		if p[i] > p[best] {
			best = i
		}
	}
	for i := range p {
		if i != best && p[i]*minOverOthers > p[best] {
			return best, false
		}
	}
	return best, true
}

// detune is by how much of its frequency a tone is off, from its phasors one hop apart.
func (g *goertzel) detune(before, now complex128) float64 {
	d := now * conj(before*g.turn)
	return math.Atan2(imag(d), real(d)) / (2 * math.Pi * float64(dtmfHop) / float64(dtmfRate)) / g.freq
}

// steady says whether two looks may be of one press: the same key as loud as before.
func (l *look) steady(before *look) bool {
	near := func(a, b float64) bool { return a < b*maxSway && b < a*maxSway }
	return l.key == before.key && near(l.low, before.low) && near(l.high, before.high)
}
