package media

import (
	"sync"
	"sync/atomic"
)

// Playback is one performance of a sound, to one session or to all of a mixer. Set its fields before it is handed over.
type Playback struct {
	// Loop plays over and over until it is stopped.
	Loop bool
	// Over is heard over the speech of the others instead of in its place. Announcements always are.
	Over bool

	sound *Sound
	done  chan struct{}
	once  sync.Once
	// ---- owned by the mixer ----
	pcm  []int16 // at the rate
	rate int     // of the frames, in Hz
	pos  int     // next sample
}

// NewPlayback plays 16 kHz mono samples, which must not change any more.
func NewPlayback(pcm []int16) *Playback { return NewSound(pcm).Playback() }

// Playback makes a performance of the sound.
func (s *Sound) Playback() *Playback { return &Playback{sound: s, done: make(chan struct{})} }

// Done is closed when the sound has been played, stopped, or given up because its session or mixer ended.
func (p *Playback) Done() <-chan struct{} { return p.done }

func (p *Playback) finish() { p.once.Do(func() { close(p.done) }) }

// frame writes the next frame and reports whether there is more.
func (p *Playback) frame(out []int16, rate int) (more bool) {
	if p.rate != rate { // at first, or when a leg has come to another codec
		p.pcm = p.sound.at(rate) // made before the playback was handed over
		if p.rate != 0 {
			p.pos = min(p.pos*rate/p.rate, max(len(p.pcm)-1, 0))
		}
		p.rate = rate
	}
	pcm := p.pcm
	if len(pcm) == 0 {
		clear(out)
		return false
	}
	for {
		n := copy(out, pcm[p.pos:])
		p.pos += n
		out = out[n:]
		if p.pos < len(pcm) {
			return true
		}
		if !p.Loop {
			clear(out)
			return false
		}
		p.pos = 0
		if len(out) == 0 {
			return true
		}
	}
}

// playQueue carries playbacks from any goroutine to the mixer without a lock: a stack that the mixer takes whole.
type playQueue struct {
	inbox    atomic.Pointer[playOrder]
	coalesce bool // one of a sound waits at most
	// ---- owned by the mixer ----
	queue [playQueueLen]*Playback
	n     int
}

// playQueueLen is how many playbacks wait at most; further ones are given up.
const playQueueLen = 16

// playOrder is a playback to add, or, without one, the order to stop all before it.
type playOrder struct {
	play *Playback
	next *playOrder
}

func (q *playQueue) post(p *Playback) {
	o := &playOrder{play: p}
	for {
		o.next = q.inbox.Load()
		if q.inbox.CompareAndSwap(o.next, o) {
			return
		}
	}
}

// collect takes the orders up, oldest first.
func (q *playQueue) collect() {
	if q.inbox.Load() == nil {
		return
	}
	var oldest *playOrder
	for o := q.inbox.Swap(nil); o != nil; {
		next := o.next
		o.next = oldest
		oldest, o = o, next
	}
	for o := oldest; o != nil; o = o.next {
		switch {
		case o.play == nil:
			q.drop()
		case q.n == playQueueLen || q.coalesce && q.has(o.play.sound):
			o.play.finish()
		default:
			q.queue[q.n] = o.play
			q.n++
		}
	}
}

// has reports whether the sound waits or plays already. Two playbacks of the same samples are the same sound.
func (q *playQueue) has(s *Sound) bool {
	for _, p := range q.queue[:q.n] {
		if p.sound == s || len(s.pcm) > 0 && len(p.sound.pcm) == len(s.pcm) && &p.sound.pcm[0] == &s.pcm[0] {
			return true
		}
	}
	return false
}

// drop gives up everything that plays or waits.
func (q *playQueue) drop() {
	for i := range q.n {
		q.queue[i].finish()
		q.queue[i] = nil
	}
	q.n = 0
}

// head is what plays now, or nil.
func (q *playQueue) head() *Playback {
	if q.n == 0 {
		return nil
	}
	return q.queue[0]
}

// advance ends what plays now.
func (q *playQueue) advance() {
	q.queue[0].finish()
	copy(q.queue[:], q.queue[1:q.n])
	q.n--
	q.queue[q.n] = nil
}
