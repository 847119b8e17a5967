package media

import "time"

// mixState is what a tick works on; it is made once so that a tick allocates nothing.
type mixState struct {
	rate    int
	batch   *batch
	total   []int32 // of all who are heard
	bound   int     // no sample of total is beyond it
	plain   []int32 // a mix on its way to the limiter
	notice  []int16 // this tick's announcement
	noticed bool
	own     []int16 // a mix for one session
	common  []int16 // the mix that silent listeners share
	frame   []byte  // the same, encoded
	shared  [numCodecs]sharedFrame
	limiter limiter // of the mix that silent listeners share
	ticks   uint
}

// sharedFrame is the mix of all, encoded once for every silent listener of a codec.
type sharedFrame struct {
	ready bool
	data  []byte
}

func (x *mixState) init(rate int) {
	n := rate / 50
	x.rate = rate
	x.batch = newBatch()
	x.total, x.plain = make([]int32, n), make([]int32, n)
	x.notice, x.own, x.common = make([]int16, n), make([]int16, n), make([]int16, n)
	x.frame = make([]byte, n)
	for i := range x.shared {
		x.shared[i].data = make([]byte, n)
	}
}

// mixOnce is one tick: what has arrived is read, 20 ms of each talker are added up, and each listener gets the sum
// without its own voice. now is when the tick was due.
func (m *Mixer) mixOnce(now time.Time) {
	m.reap()
	for _, s := range m.sessions {
		m.at = s
		s.receive(now, m.mix.batch)
		s.listen()
		if m.cfg.Isolated {
			s.detect(now)
		}
	}
	m.at = nil
	m.sum()
	for i, s := range m.sessions {
		m.at = s
		m.speak(s, now)
		if (m.mix.ticks+uint(i))%choreTicks == 0 {
			s.chores(now, m.mix.batch)
		}
	}
	m.at = nil
	m.mix.ticks++
}

// choreTicks is how often a session's slow work is looked at: twice a second, not all sessions at once.
const choreTicks = 25

// reap lets sessions go that were closed.
func (m *Mixer) reap() {
	kept := m.sessions[:0]
	for _, s := range m.sessions {
		if s.ending.Load() {
			s.release()
			continue
		}
		kept = append(kept, s)
	}
	clear(m.sessions[len(kept):])
	m.sessions = kept
}

// sum adds up who is heard in this tick.
func (m *Mixer) sum() {
	x := &m.mix
	clear(x.total)
	x.bound = 0
	for i := range x.shared {
		x.shared[i].ready = false
	}
	if !m.cfg.Isolated {
		for _, s := range m.sessions {
			if s.in.audible {
				addTo(x.total, s.in.frame)
				x.bound += s.in.voice.peak
			}
		}
	}
	m.announce.collect()
	x.noticed = false
	if p := m.announce.head(); p != nil {
		x.noticed = true
		if !p.frame(x.notice, x.rate) {
			m.announce.advance()
		}
		addTo(x.total, x.notice)
		x.bound += 32768
	}
}

func addTo(total []int32, frame []int16) {
	frame = frame[:len(total)]
	for i, v := range frame {
		total[i] += int32(v)
	}
}

// speak sends a session its frame.
func (m *Mixer) speak(s *Session, now time.Time) {
	x := &m.mix
	s.plays.collect()
	play := s.plays.head()
	if play == nil {
		if !s.mayHear() {
			return
		}
		if !m.heard(s) {
			s.send(m.sharedFrame(s.out.codec), now)
			return
		}
		m.mixFor(s)
		s.send(x.frame, now)
		return
	}
	more := play.frame(x.own, x.rate)
	if s.mayHear() {
		m.playTo(s, play)
		s.send(x.frame, now)
	}
	if !more {
		s.plays.advance()
	}
}

// heard reports whether the session's own voice is in the total.
func (m *Mixer) heard(s *Session) bool { return s.in.audible && !m.cfg.Isolated }

// mixFor encodes the total less the session's own voice.
func (m *Mixer) mixFor(s *Session) {
	x := &m.mix
	if x.bound-s.in.voice.peak <= ceiling && s.out.limiter.idle() {
		encodeOthers(s.out.codec, x.frame, x.total, s.in.frame)
		return
	}
	for i, v := range s.in.frame[:len(x.plain)] {
		x.plain[i] = x.total[i] - int32(v)
	}
	s.out.limiter.apply(x.own, x.plain)
	encodeG711(s.out.codec, x.frame, x.own)
}

// playTo encodes the playback in x.own, alone with announcements or over what the others say.
func (m *Mixer) playTo(s *Session, play *Playback) {
	x := &m.mix
	switch {
	case play.Over:
		copy(x.plain, x.total)
		if m.heard(s) {
			for i, v := range s.in.frame[:len(x.plain)] {
				x.plain[i] -= int32(v)
			}
		}
		addTo(x.plain, x.own)
	case x.noticed:
		clear(x.plain)
		addTo(x.plain, x.notice)
		addTo(x.plain, x.own)
	default:
		encodeG711(s.out.codec, x.frame, x.own)
		return
	}
	s.out.limiter.apply(x.own, x.plain)
	encodeG711(s.out.codec, x.frame, x.own)
}

// sharedFrame is the total for those who are silent themselves.
func (m *Mixer) sharedFrame(c Codec) []byte {
	x := &m.mix
	f := &x.shared[c]
	if f.ready {
		return f.data
	}
	// The limiter moves on once per tick, whatever the number of codecs.
	limited := false
	for i := range x.shared {
		limited = limited || x.shared[i].ready
	}
	if !limited {
		x.limiter.apply(x.common, x.total)
	}
	encodeG711(c, f.data, x.common)
	f.ready = true
	return f.data
}

// encodeOthers encodes total less own in one pass; no difference is beyond 16 bits.
func encodeOthers(c Codec, dst []byte, total []int32, own []int16) {
	dst, own = dst[:len(total)], own[:len(total)]
	if c == PCMA {
		for i, t := range total {
			dst[i] = alawEncode[uint16(t-int32(own[i]))>>3]
		}
		return
	}
	for i, t := range total {
		dst[i] = ulawEncode[uint16(t-int32(own[i]))>>2]
	}
}
