package media

const (
	// capMS is the most sound that waits after a frame was taken; more is given up at once.
	capMS = 200
	// startMS is the most that waits beyond the first frame when a stream starts.
	startMS = 40
	// leadMS is the most by which sound after a pause is held back on a line that was seen to need it.
	leadMS = 100
	// gapMS is the longest hole in the timestamps that is waited through; a longer one is a jump.
	gapMS = 400
	// idleMS is after how much missing sound the next packet starts anew.
	idleMS = 500
)

// pull writes the next frame and reports whether there is any sound in it. It is called once per frame time and never
// fails: what is missing is invented, and then silent.
func (j *jitterBuffer) pull(out []int16) bool {
	n := len(out)
	j.madeUp = false
	if j.idle && !j.prime(n) {
		clear(out)
		return false
	}
	j.limit(n + j.samples(capMS))
	j.fill(n)
	if short := n - j.sound.pending(); short > 0 {
		j.slack.missed(-short)
		for short > 0 {
			short -= j.invent(short)
		}
	} else {
		j.slack.note(j.level() - n)
	}
	j.rescale(n)
	copy(out, j.sound.take(n))
	if j.missing > j.samples(idleMS) {
		j.rest()
	}
	return !j.conceal.active || !j.conceal.silent()
}

func (j *jitterBuffer) samples(ms int) int { return j.rate * ms / 1000 }

// rest forgets the sound. Of the line it remembers how much it jitters, for the next talk spurt.
func (j *jitterBuffer) rest() {
	j.lead = min(j.slack.spread(), j.samples(leadMS))
	j.idle, j.missing, j.dtx = true, 0, false
	j.conceal.active = false
	j.sound.clear()
	j.slack.reset()
}

// prime starts to play when a frame is there. Packet times that are no multiple of the frame need some more, or every
// second or third frame would be short; so does a line that jitters.
func (j *jitterBuffer) prime(n int) bool {
	s := j.peek()
	if s == nil {
		return false
	}
	j.decodeTS = s.ts
	if j.level() < n {
		return false
	}
	j.idle, j.cut = false, false
	j.limit(n + j.samples(startMS))
	j.cut = false
	extra := j.lead
	if j.last > n {
		extra = max(extra, n-gcd(j.last, n))
	}
	clear(j.sound.room(extra))
	j.sound.grow(extra)
	return true
}

// peek finds the next packet with sound. Numbers below it that are not here are lost; events take no time.
func (j *jitterBuffer) peek() *ringSlot {
	for ; j.next <= j.highest; j.next++ {
		s := &j.ring[j.next%ringLen]
		if !s.used || s.seq != j.next {
			continue
		}
		if isSound(s.codec) {
			j.last = s.n
			return s
		}
		j.dtx = j.dtx || s.codec == ComfortNoise
		j.free(s)
	}
	return nil
}

// fill decodes until n samples wait or nothing is left.
func (j *jitterBuffer) fill(n int) {
	for j.sound.pending() < n {
		s := j.peek()
		if s == nil {
			return
		}
		gap := s.ts - j.decodeTS
		if gap > 0 && gap <= int64(j.samples(gapMS)) {
			j.invent(min(int(gap), n-j.sound.pending()))
			continue
		}
		if gap < 0 && -gap <= int64(j.missing) {
			// It was late, not lost: it is played after what was invented for it, so the delay has grown.
			j.slack.late(int(-gap))
		} else if gap != 0 {
			j.cut = true
		}
		j.decodeTS = s.ts
		j.decode(s)
	}
}

// decode appends a packet's sound, faded into what stands before it where that is not its own past.
func (j *jitterBuffer) decode(s *ringSlot) {
	room := j.sound.room(s.n)
	room = room[:min(s.n, len(room))]
	decodeG711(s.codec, room, s.data[:len(room)])
	if j.cut && !j.conceal.active {
		j.conceal.start(j.sound.recent())
	}
	if j.conceal.active {
		j.conceal.join(room)
	}
	j.sound.grow(len(room))
	j.decodeTS += int64(s.n)
	j.free(s)
	j.next++
	j.cut, j.dtx, j.missing = false, false, 0
}

// invent appends up to n samples of concealment.
func (j *jitterBuffer) invent(n int) int {
	room := j.sound.room(n)
	n = min(n, len(room))
	j.madeUp = true
	if !j.conceal.active {
		j.conceal.start(j.sound.recent())
		if j.dtx {
			j.conceal.hurry()
		}
	}
	if !j.conceal.silent() && !j.dtx {
		j.stats.concealed += uint64(n)
	}
	j.conceal.next(room[:n])
	j.sound.grow(n)
	j.decodeTS += int64(n)
	j.missing += n
	return n
}

// limit gives the oldest packets up until no more than most samples wait.
func (j *jitterBuffer) limit(most int) {
	for j.level() > most {
		s := j.peek()
		if s == nil {
			return
		}
		before := j.level()
		j.decodeTS = s.ts + int64(s.n)
		j.free(s)
		j.next++
		j.stats.overflow++
		j.cut = true
		j.slack.shift(j.level() - before)
	}
}

// rescale takes sound out when more has waited for a while than was ever needed.
func (j *jitterBuffer) rescale(n int) {
	excess, urgent := j.slack.excess(j.samples(5), j.samples(80))
	if excess == 0 || j.conceal.active {
		return
	}
	ground := scaleGround(j.rate)
	j.fill(max(n, ground))
	if j.sound.pending() < ground {
		return
	}
	enough := max(0.9-0.01*float64(j.tries), 0.4)
	if urgent {
		enough = 0.4
	}
	gone := shrink(j.sound.waiting(), j.rate, min(excess, j.sound.pending()-n), enough)
	if gone == 0 {
		j.tries++
		return
	}
	j.tries = 0
	j.sound.head += gone
	j.stats.shrunk += uint64(gone)
	j.slack.shift(-gone)
}
