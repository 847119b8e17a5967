package media

// concealer invents sound for missing packets in the manner of ITU-T G.711 Appendix I: the last pitch period goes on,
// for 10 ms as it was and then fading until 60 ms; when sound returns, the two are faded into each other.
type concealer struct {
	rate   int
	active bool
	period []int16 // the repeated part
	n      int     // its length
	at     int     // next sample of it
	made   int     // samples since it began
	scrap  []int16 // for the overlap with returning sound
}

func (c *concealer) init(rate int) {
	c.rate = rate
	c.period = make([]int16, rate*maxLagMS/1000)
	c.scrap = make([]int16, rate*longestOverlapMS/1000)
}

const (
	fullMS           = 10 // at full volume
	goneMS           = 60 // and then nothing more
	minLagMS         = 5  // 200 Hz, or a multiple of a higher pitch
	maxLagMS         = 15 // 66 Hz
	longestOverlapMS = 10
)

// start takes the pitch of the sound before the loss and smooths the seam of its repetition.
func (c *concealer) start(recent []int16) {
	c.active, c.at, c.made = true, 0, 0
	c.n = pitchLag(recent, c.rate*minLagMS/1000, c.rate*maxLagMS/1000)
	end := len(recent)
	copy(c.period[:c.n], recent[end-c.n:])
	// The last quarter of the period is faded into what stood before the period, so that its end meets its start.
	quarter := c.n / 4
	for i := range quarter {
		a := int(c.period[c.n-quarter+i])
		b := int(recent[end-c.n-quarter+i])
		c.period[c.n-quarter+i] = int16((a*(quarter-i-1) + b*(i+1)) / quarter)
	}
}

// next writes the continuation.
func (c *concealer) next(out []int16) {
	full, gone := c.rate*fullMS/1000, c.rate*goneMS/1000
	for i := range out {
		gain := 256
		if c.made >= full {
			gain = max(256*(gone-c.made)/(gone-full), 0)
		}
		out[i] = int16(int(c.period[c.at]) * gain >> 8)
		if c.at++; c.at == c.n {
			c.at = 0
		}
		c.made++
	}
}

// hurry makes what follows silent within half the usual time: the peer has announced silence.
func (c *concealer) hurry() { c.made = max(c.made, c.rate*goneMS/2000) }

// silent reports whether only zeros follow.
func (c *concealer) silent() bool { return c.made >= c.rate*goneMS/1000 }

// join fades from the continuation into the sound that has returned, the longer the more was invented, and ends.
func (c *concealer) join(sound []int16) {
	overlap := min(c.rate*4/1000+c.made*2/5, len(c.scrap), len(sound))
	c.next(c.scrap[:overlap])
	for i, old := range c.scrap[:overlap] {
		sound[i] = int16((int(old)*(overlap-i) + int(sound[i])*(i+1)) / (overlap + 1))
	}
	c.active = false
}
