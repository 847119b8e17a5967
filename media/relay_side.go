package media

import (
	"slices"
	"time"
)

// Side is our end of the media of one relayed leg: what has been described to its peer and by it, and a port pair for each
// m= line that is used.
//
// A negotiation is told in four words. What the leg brings goes in by [Side.Offered] and [Side.Answered]; what the leg is to
// carry comes out of [Side.Offer] and [Side.Answer], made for its peer of what the peer of another side has said:
//
//	a.Offered(invite)                 // the caller's offer
//	offer, err := b.Offer(a)          // for the callee; the same for each fork, every one a side of its own
//	b.Answered(sdp)                   // in a 183 or 200
//	answer, err := a.Answer(b)        // for the caller
//	media.Join(a, b)                  // early media or the call: packets pass
//
// An offer that one side refuses is simply not answered; what was agreed before stands (RFC 3264 §8). A late offer goes
// the other way about: b.Offered, a.Offer(b), a.Answered, b.Answer(a). A hold may be passed on like any offer or answered
// alone. After a transfer, Join(a, c) and then [Side.NeedsOffer] tells which of the two must be told something new.
type Side struct {
	relay *Relay
	cfg   SideConfig

	// ---- under relay.mu ----
	dialog  *Dialog
	loop    *relayLoop // nil before the first stream
	lines   []sideLine // as agreed
	open    *openOffer // nil when no offer is open
	asked   *openOffer // ours that was answered last, nil after one of the peer's
	answer  []byte     // ours to the peer's latest offer, nil before it is given
	partner *Side
	pressed chan Digit // immutable
	closed  bool
	last    SideState // at Close
}

// Join lets the packets of two sides pass to each other. Each leaves the side that it was joined to. Towards each peer the
// stream goes on with its SSRC, its sequence numbers and its clock, whoever its packets come from.
func Join(a, b *Side) {
	r := a.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.closed || b.closed || a == b {
		return
	}
	if a.partner != b {
		a.partLocked()
		b.partLocked()
		a.partner, b.partner = b, a
	}
	a.linkLocked()
}

// Part leaves the side that this one is joined to. Its peer hears nothing but what is played to it.
func (s *Side) Part() {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.partLocked()
}

func (s *Side) partLocked() {
	t := s.partner
	if t == nil {
		return
	}
	s.partner, t.partner = nil, nil
	for _, x := range []*Side{s, t} {
		for _, l := range x.lines {
			if st := l.stream; st != nil && x.loop != nil {
				loop := x.loop
				loop.post(func(now time.Time) {
					st.join(nil, nil)
					loop.tune(st, now)
				})
			}
		}
	}
}

// linkLocked joins the streams of the side and its partner line by line.
func (s *Side) linkLocked() {
	t := s.partner
	if t == nil || s.loop == nil || t.loop == nil {
		return
	}
	if t.loop != s.loop {
		t.moveLocked(s.loop)
	}
	loop := s.loop
	for i := range s.lines {
		a := &s.lines[i]
		k := pairOf(s.lines, i, t.lines)
		if a.stream == nil || k < 0 || t.lines[k].stream == nil || !a.active() || !t.lines[k].active() {
			continue
		}
		b := &t.lines[k]
		x, y, there, back := a.stream, b.stream, newRelayRoute(a, b), newRelayRoute(b, a)
		loop.post(func(now time.Time) {
			if x.closed || y.closed {
				return
			}
			x.join(y, there)
			y.join(x, back)
			loop.retune(x, now)
		})
	}
}

// moveLocked hands the side's streams to another loop. It waits for the one that has them, which waits for nobody.
func (s *Side) moveLocked(to *relayLoop) {
	from := s.loop
	var streams []*stream
	for _, l := range s.lines {
		if l.stream != nil {
			streams = append(streams, l.stream)
		}
	}
	from.do(func(time.Time) {
		for _, st := range streams {
			st.join(nil, nil)
			st.playing = false
			from.playing = slices.DeleteFunc(from.playing, func(o *stream) bool { return o == st })
			from.remove(st)
		}
	})
	from.leave()
	to.join(streams[0].pair.rtp) // a side that has a loop has a stream
	s.loop = to
	to.post(func(now time.Time) {
		for _, st := range streams {
			if st.params != nil && !st.closed {
				to.add(st)
				to.tune(st, now)
			}
		}
	})
}

// Play lets the peer hear a sound instead of its partner, after those that it has been given before.
func (s *Side) Play(p *Playback) {
	p.sound = s.relay.ports.sounds.shared(p.sound)
	p.sound.at(mixRate)
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	st := s.audioLocked()
	if st == nil {
		p.finish()
		return
	}
	st.plays.post(p)
	s.tuneLocked(st)
}

// SetHoldMusic changes what the peer hears while the other side of the call holds; nil is silence. Music that plays goes on.
func (s *Side) SetHoldMusic(m *Sound) {
	if m != nil {
		m.at(mixRate) // brought to the rate here, not on the loop
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.closed || m == s.cfg.HoldMusic {
		return
	}
	s.cfg.HoldMusic = m
	for i := range s.lines {
		st := s.lines[i].stream
		if st == nil || s.lines[i].kind != "audio" {
			continue
		}
		if s.loop == nil {
			st.player.set(m)
			continue
		}
		loop := s.loop
		loop.post(func(now time.Time) {
			st.player.set(m)
			if !st.closed {
				loop.tune(st, now)
			}
		})
	}
}

// StopPlayback ends what plays and drops what waits.
func (s *Side) StopPlayback() {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if st := s.audioLocked(); st != nil {
		st.plays.post(nil)
		s.tuneLocked(st)
	}
}

func (s *Side) tuneLocked(st *stream) {
	loop := s.loop
	loop.post(func(now time.Time) { loop.tune(st, now) })
}

// audioLocked is the stream of the first agreed audio line, or nil.
func (s *Side) audioLocked() *stream {
	for i := range s.lines {
		if l := &s.lines[i]; l.kind == "audio" && l.stream != nil && l.active() {
			return l.stream
		}
	}
	return nil
}

// Close ends the side: each of its streams says goodbye and its ports drain.
func (s *Side) Close() {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.closed {
		return
	}
	s.partLocked()
	s.last = s.stateLocked()
	s.closed = true
	s.withdrawLocked()
	for i := range s.lines {
		s.dropLocked(s.lines[i].stream)
		s.lines[i].stream = nil
	}
	if s.loop != nil {
		s.loop.leave()
	}
	s.relay.cfg.Metrics.relaySides.Dec()
}

// dropLocked ends a stream and lets its ports drain.
func (s *Side) dropLocked(st *stream) {
	if st == nil || st.dropped {
		return
	}
	st.dropped = true
	ports := s.relay.ports
	switch {
	case s.loop == nil:
		ports.give(st.pair)
	default:
		loop := s.loop
		loop.post(func(now time.Time) {
			st.bye(now)
			loop.silence(st)
			ports.give(st.pair)
		})
	}
}
