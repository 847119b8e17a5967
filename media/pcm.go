package media

// pcmBuffer is sound on its way out: what was played stays for a while in front of what waits, as the ground for
// concealment and for changes of the time scale.
type pcmBuffer struct {
	buf        []int16
	head, tail int // buf[head:tail] waits; buf[:head] was played
	past       int // how much of what was played is kept
}

func (p *pcmBuffer) init(rate int) {
	p.past = rate * historyMS / 1000
	p.buf = make([]int16, 2*p.past+rate*pendingMS/1000)
	p.head, p.tail = p.past, p.past
}

const (
	historyMS = 50  // three of the longest pitch periods
	pendingMS = 200 // one packet of 60 ms and the ground of a change of scale fit well
)

func (p *pcmBuffer) pending() int { return p.tail - p.head }

// room makes place for n more samples and returns it; grow then takes it up.
func (p *pcmBuffer) room(n int) []int16 {
	if p.tail+n > len(p.buf) {
		copy(p.buf, p.buf[p.head-p.past:p.tail])
		p.tail -= p.head - p.past
		p.head = p.past
	}
	if p.tail+n > len(p.buf) {
		n = len(p.buf) - p.tail
	}
	return p.buf[p.tail : p.tail+n]
}

func (p *pcmBuffer) grow(n int) { p.tail += n }

// take gives the next samples; the slice holds until the buffer is used again.
func (p *pcmBuffer) take(n int) []int16 {
	out := p.buf[p.head : p.head+n]
	p.head += n
	return out
}

// waiting is what has not been played yet.
func (p *pcmBuffer) waiting() []int16 { return p.buf[p.head:p.tail] }

// recent is the last of all samples, played or not.
func (p *pcmBuffer) recent() []int16 { return p.buf[p.tail-p.past : p.tail] }

// clear forgets everything.
func (p *pcmBuffer) clear() {
	clear(p.buf)
	p.head, p.tail = p.past, p.past
}
