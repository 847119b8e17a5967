package media

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// openOffer is an offer that has no answer yet: the lines as they would stand with it.
type openOffer struct {
	theirs *description // nil when it is ours
	lines  []sideLine

	// What held before an offer of the peer's: see the fields of Side.
	asked  *openOffer
	answer []byte
}

// putLocked gives the line a stream and what we say of it.
func (s *Side) putLocked(l *sideLine, local relayLine) error {
	if l.stream == nil {
		st, err := newStream(s.relay.ports, l.kind, s.cfg.Log)
		if err != nil {
			return fmt.Errorf("ports for %s: %w", l.kind, err)
		}
		if l.kind == "audio" {
			st.player.set(s.cfg.HoldMusic)
			st.heardBy = s.pressed
		}
		l.stream = st
	}
	local.port = l.stream.pair.port
	l.local = local
	return nil
}

// withMusic is the direction of a line whose peer hears music when the other side does not send.
func (s *Side) withMusic(l *sideLine, dir Direction) Direction {
	if l.kind == "audio" && s.cfg.HoldMusic != nil && !dir.Receives() {
		return direction(true, dir.Receives())
	}
	return dir
}

// commitLocked makes the lines the agreed ones and tells the loop.
func (s *Side) commitLocked(lines []sideLine) {
	before := s.lines
	s.lines, s.open = lines, nil
	for _, l := range before {
		if l.stream != nil && !uses(lines, l.stream) {
			s.dropLocked(l.stream)
		}
	}
	for i := range lines {
		st := lines[i].stream
		if st == nil {
			continue
		}
		s.loopLocked(st)
		loop, p := s.loop, lines[i].params()
		loop.post(func(now time.Time) { loop.adopt(st, p, now) })
	}
	s.linkLocked()
}

// loopLocked makes sure that the side has a loop, its partner's if there is one.
func (s *Side) loopLocked(st *stream) {
	if s.loop != nil {
		return
	}
	s.loop = s.relay.quietest()
	if s.partner != nil && s.partner.loop != nil {
		s.loop = s.partner.loop
	}
	s.loop.join(st.pair.rtp)
}

func uses(lines []sideLine, st *stream) bool {
	return slices.ContainsFunc(lines, func(l sideLine) bool { return l.stream == st })
}

// withdrawLocked forgets an offer that was not answered.
func (s *Side) withdrawLocked() {
	if s.open != nil {
		s.discardLocked(s.open.lines)
		s.open = nil
	}
}

// discardLocked gives back the ports of lines that did not come to be.
func (s *Side) discardLocked(lines []sideLine) {
	for _, l := range lines {
		if l.stream != nil && !uses(s.lines, l.stream) {
			s.dropLocked(l.stream)
		}
	}
}

// advertised is our address in a description for the peer.
func (s *Side) advertised() netip.Addr {
	var peer netip.Addr
	for _, lines := range [][]sideLine{s.lines, s.openLines()} {
		for _, l := range lines {
			if l.remote.addr.IsValid() {
				peer = l.remote.addr.Addr()
			}
		}
	}
	return s.relay.ports.advertised(peer, s.cfg.Local)
}

func (s *Side) openLines() []sideLine {
	if s.open == nil {
		return nil
	}
	return s.open.lines
}
