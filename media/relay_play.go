package media

import "time"

// relayPlayer makes sound of our own for a peer: music while its partner holds, and what is played to it.
type relayPlayer struct {
	music *Playback // loops; nil for silence
	wide  *g722Encoder
	pcm   [soundRate / 50]int16
	buf   [rtpHeaderLen + playBytes + srtpOverhead]byte
}

// set chooses the music.
func (p *relayPlayer) set(m *Sound) {
	p.music = nil
	if m != nil {
		p.music = m.Playback()
		p.music.Loop = true
	}
}

const (
	// playBytes and playSteps are what 20 ms of each format that we play take: 64 kbit/s on an RTP clock of 8 kHz, also for
	// G.722 (RFC 3551 §4.5.2).
	playBytes = 160
	playSteps = 160
)

// playRate is the rate of the sound that is played in a format, zero when we cannot make it.
func playRate(c Codec) int {
	switch c {
	case PCMU, PCMA, G722:
		return c.SampleRate()
	default:
		return 0
	}
}

// musicDue reports whether the peer is to hear music. It follows what the partner's peer has said and not what it sends
// (RFC 3264 §8.4), so it neither starts late nor stays.
func (s *stream) musicDue() bool {
	t := s.partner
	return s.player.music != nil && t != nil && t.params != nil && t.params.holds && s.canPlay()
}

// canPlay reports whether the peer can hear sound of ours.
func (s *stream) canPlay() bool {
	return s.params != nil && s.params.sends && playRate(s.params.codec) > 0 && s.latch.peer.IsValid()
}

// wantsTick reports whether sound of ours is due or something that is played has to move on.
func (s *stream) wantsTick() bool {
	s.plays.collect()
	return s.plays.head() != nil || s.musicDue() || s.presser.busy()
}

// play sends the 20 ms of sound that are due at now.
func (s *stream) play(now time.Time) {
	if s.presser.busy() {
		s.press(now)
		return
	}
	rate := mixRate
	if s.canPlay() {
		rate = playRate(s.params.codec)
	}
	p, pcm := s.plays.head(), s.player.pcm[:rate/50]
	switch {
	case p != nil:
		more := p.frame(pcm, rate)
		if s.canPlay() {
			s.speak(pcm, now)
		}
		if !more {
			s.plays.advance()
		}
	case s.musicDue():
		s.player.music.frame(pcm, rate)
		s.speak(pcm, now)
	}
}

// speak sends a frame.
func (s *stream) speak(pcm []int16, now time.Time) {
	b := s.player.buf[:rtpHeaderLen+playBytes]
	if s.params.codec == G722 {
		if s.player.wide == nil {
			s.player.wide = newG722Encoder()
		}
		s.player.wide.encode(b[rtpHeaderLen:], pcm)
	} else {
		encodeG711(s.params.codec, b[rtpHeaderLen:], pcm)
	}
	seq, ts, marker := s.o.own(playSteps, playBytes, s.params.codec.ClockRate(), now)
	putRTPHeader(b, marker, s.params.pt, seq, ts, s.o.ssrc)
	s.o.clock = s.params.codec.ClockRate()
	s.write(b)
}
