package media

import "time"

const (
	// inbandNeed is how many looks must agree on a key, 5 ms apart: about 27 ms of it.
	inbandNeed int = 3
	// inbandMisses is how many looks in between may see nothing: those that a lost packet filled with silence touches.
	inbandMisses int = 6
	// inbandGap is how many hops of silence part two presses: 25 ms, more than a lost packet filled with silence, less
	// than the 40 ms of the fastest dialler.
	inbandGap int = 5
	// inbandGapHeard is how many of them must have been heard when packets are known to be missing there.
	inbandGapHeard int = 3
	// inbandDeaf is how many hops without a look at the key end a press even if there is sound on its frequencies: 80 ms.
	inbandDeaf int = 16
	// inbandFade is by how much a tone that ends has fallen at least, as a power ratio: 9 dB.
	inbandFade float64 = 8
	// inbandNear is how many hops after made-up sound count as beside it: 30 ms.
	inbandNear int = 6
)

// inbandDetector hears DTMF keys in 8 kHz sound, each told once, while it is still down. It takes keys from 40 ms on and
// 40 ms off, from -3 to -30 dBm0 per tone. Voices and music make no keys: both tones must be pure, steady, on their
// frequencies to 2 % and without a second harmonic. One lost packet in a press neither ends nor doubles it, whether filled
// with silence or by repetition; when the caller says which frames are made up, longer holes do neither. It allocates
// nothing. The zero value is ready; the owner of the session owns it.
type inbandDetector struct {
	view dtmfView
	next [dtmfHop]float64 // the hop that is coming in
	fill int              // how much of it is there

	last   look // what the latest look with a key saw
	agreed int  // looks that agree with it; a strong one beside made-up sound counts twice
	misses int  // looks since

	down      byte    // key that has been told and not ended, 0 for none
	r, c      int     // its tones
	low, high float64 // their mean squares
	gap       int     // hops of silence since it was heard
	hole      int     // hops of made-up sound since it was heard
	deaf      int     // hops since a look saw it
	near      int     // hops for which made-up sound still counts as beside
}

// detect takes sound, at most 40 ms, and tells whether it brings a new key. madeUp says that the sound was not received
// but filled in for a lost packet: it neither makes nor ends a key.
func (d *inbandDetector) detect(pcm []int16, madeUp bool, now time.Time) (Digit, bool) {
	var key byte
	for _, x := range pcm {
		d.next[d.fill] = float64(x)
		d.fill++
		if d.fill == dtmfHop {
			d.fill = 0
			if k := d.hop(madeUp); k != 0 {
				key = k
			}
		}
	}
	return Digit{Key: key, Source: InBand, Time: now}, key != 0
}

// pressed says whether a key is down, so that its sound can be kept from others.
func (d *inbandDetector) pressed() bool { return d.down != 0 }

// hop takes in the next 5 ms and returns a key when it is now certain.
func (d *inbandDetector) hop(madeUp bool) byte {
	h := d.view.push(&d.next, madeUp)
	l := d.view.judge(d.down)
	if madeUp {
		d.hole++
		d.near = inbandNear
		d.release()
	} else {
		d.near = max(d.near-1, 0)
		d.follow(h)
	}
	switch {
	case l.key != 0 && l.key == d.down:
		d.deaf = 0
	case l.key != 0:
		if !l.steady(&d.last) {
			d.agreed = 0
		}
		d.agreed++
		d.misses = 0
		d.last = l
	case d.view.whole:
		d.misses++
		if d.misses > inbandMisses {
			d.last, d.agreed = look{}, 0
		}
	}
	return d.press()
}

// press tells the key that enough looks agree on. Beside made-up sound part of the press may be missing, so one look less
// will do, and one alone that is strong.
func (d *inbandDetector) press() byte {
	need := inbandNeed
	if d.near > 0 {
		need--
		if d.last.strong {
			need--
		}
	}
	if d.agreed < need {
		return 0
	}
	l := d.last
	d.last, d.agreed, d.misses = look{}, 0, 0
	d.down, d.r, d.c, d.low, d.high = l.key, l.r, l.c, l.low, l.high
	d.gap, d.hole, d.deaf = 0, 0, 0
	return l.key
}

// follow watches the tones of the key that is down, hop by hop.
func (d *inbandDetector) follow(h *dtmfHopSums) {
	if d.down == 0 {
		return
	}
	const perPower = float64(dtmfHop*dtmfHop) / 2 / inbandFade
	if norm(h.row[d.r]) > d.low*perPower && norm(h.col[d.c]) > d.high*perPower {
		d.gap, d.hole = 0, 0
	} else {
		d.gap++
	}
	d.deaf++
	d.release()
}

// release ends the press when its tones have been gone for long enough.
func (d *inbandDetector) release() {
	if d.gap >= inbandGap || d.gap >= inbandGapHeard && d.gap+d.hole >= inbandGap || d.deaf >= inbandDeaf {
		d.down, d.gap, d.deaf = 0, 0, 0
	}
}
