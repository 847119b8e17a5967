package softphone

import (
	"math"
	"time"
)

// Stats is what a call's media came to in a window, which begins with the call or with ResetStats.
type Stats struct {
	Window      time.Duration // how long it lasted
	Sent        uint64        // packets
	SendFailed  uint64
	Received    uint64
	Lost        uint64 // missing sequence numbers
	Duplicates  uint64
	Reordered   uint64
	Events      uint64 // telephone-event packets received
	OtherTypes  uint64 // packets of payload types not negotiated
	Streams     uint64 // distinct SSRCs, one after the other
	Reports     uint64 // sender and receiver reports of the peer by RTCP
	Goodbyes    uint64 // its RTCP BYEs
	Gaps40      uint64 // inter-arrival times above 40 ms
	Gaps60      uint64
	Gaps100     uint64
	LongestGap  time.Duration // silence at the window's end counts
	Slip        time.Duration // the most by which a timestamp and its arrival went apart from one packet to the next
	Jitter      time.Duration // RFC 3550 §6.4.1, at the end of the window
	FirstPacket time.Time     // of the whole call; zero = none yet
	LastPacket  time.Time
}

// rxStats follows one received stream.
type rxStats struct {
	Stats
	begun    time.Time
	lastAt   time.Time
	have     bool
	ssrc     uint32
	high     uint16
	seen     uint64 // bit i: high-i came
	jitter   float64
	jitterAt time.Time
	jitterTS uint32
}

func (s *rxStats) begin(now time.Time) {
	first, last := s.FirstPacket, s.LastPacket
	*s = rxStats{begun: now, lastAt: now, have: s.have, ssrc: s.ssrc, high: s.high, seen: s.seen}
	s.FirstPacket, s.LastPacket = first, last
	if s.have {
		s.Streams = 1
	}
}

// snapshot closes the window at now without ending it.
func (s *rxStats) snapshot(now time.Time) Stats {
	out := *s
	out.gap(now)
	out.Window = now.Sub(s.begun)
	out.Jitter = time.Duration(s.jitter)
	out.LastPacket = s.LastPacket
	return out.Stats
}

func (s *rxStats) gap(now time.Time) {
	g := now.Sub(s.lastAt)
	s.lastAt = now
	s.LongestGap = max(s.LongestGap, g)
	if g <= 40*time.Millisecond {
		return
	}
	s.Gaps40++
	if g > 60*time.Millisecond {
		s.Gaps60++
	}
	if g > 100*time.Millisecond {
		s.Gaps100++
	}
}

// packet accounts one packet and tells whether it is a duplicate.
func (s *rxStats) packet(h rtpHeader, now time.Time) (dup bool) {
	if s.FirstPacket.IsZero() {
		s.FirstPacket = now
	}
	s.LastPacket = now
	s.Received++
	s.gap(now)
	switch d := int16(h.seq - s.high); {
	case !s.have || h.ssrc != s.ssrc || d > 3000 || d < -3000: // the first packet, or a new stream
		s.Streams++
		s.have, s.ssrc, s.high, s.seen, s.jitterAt = true, h.ssrc, h.seq, 1, time.Time{}
	case d > 0:
		s.Lost += uint64(d - 1)
		s.high = h.seq
		s.seen = s.seen<<uint(d) | 1 // a shift by 64 or more gives 0
	case d > -64 && s.seen&(1<<uint(-d)) != 0:
		s.Duplicates++
		return true
	default:
		s.Reordered++
		s.Lost -= min(s.Lost, 1)
		if d > -64 {
			s.seen |= 1 << uint(-d)
		}
	}
	if !s.jitterAt.IsZero() {
		transit := float64(now.Sub(s.jitterAt)) - float64(int32(h.ts-s.jitterTS))*float64(time.Second)/SampleRate
		s.jitter += (math.Abs(transit) - s.jitter) / 16
		s.Slip = max(s.Slip, time.Duration(math.Abs(transit)))
	}
	s.jitterAt, s.jitterTS = now, h.ts
	return false
}
