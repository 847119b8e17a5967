package media

import "time"

// relayPlayer makes sound of our own for a peer: music while its partner holds, and what is played to it.
type relayPlayer struct {
	music *Playback // loops; nil for silence
	pcm   [mixRate / 50]int16
	buf   [rtpHeaderLen + mixRate/50 + srtpOverhead]byte
}

// musicDue reports whether the peer is to hear music. It follows what the partner's peer has said and not what it sends
// (RFC 3264 §8.4), so it neither starts late nor stays.
func (s *stream) musicDue() bool {
	t := s.partner
	return s.player.music != nil && t != nil && t.params != nil && t.params.holds && s.canPlay()
}

// canPlay reports whether the peer can hear sound of ours.
func (s *stream) canPlay() bool {
	return s.params != nil && s.params.sends && s.params.codec != UnknownCodec && s.latch.peer.IsValid()
}

// wantsTick reports whether sound of ours is due or something that is played has to move on.
func (s *stream) wantsTick() bool {
	s.plays.collect()
	return s.plays.head() != nil || s.musicDue()
}

// play sends the 20 ms of sound that are due at now.
func (s *stream) play(now time.Time) {
	p, pcm := s.plays.head(), s.player.pcm[:]
	switch {
	case p != nil:
		more := p.frame(pcm, mixRate)
		if s.canPlay() {
			s.speak(pcm, now)
		}
		if !more {
			s.plays.advance()
		}
	case s.musicDue():
		s.player.music.frame(pcm, mixRate)
		s.speak(pcm, now)
	}
}

// speak sends a frame.
func (s *stream) speak(pcm []int16, now time.Time) {
	b := s.player.buf[:rtpHeaderLen+len(pcm)]
	encodeG711(s.params.codec, b[rtpHeaderLen:], pcm)
	seq, ts, marker := s.o.own(len(pcm), len(pcm), mixRate, now)
	putRTPHeader(b, marker, s.params.pt, seq, ts, s.o.ssrc)
	s.o.clock = mixRate
	s.write(b)
}
