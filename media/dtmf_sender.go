package media

// eventEnds is how often the end of an event is sent (RFC 4733 §2.5.1.4).
const eventEnds int = 3

// eventVolume is the power of the keys we send, below 0 dBm0 in dB.
const eventVolume uint8 = 10

// eventSender produces the packets of one pressed key (RFC 4733 §2.5.1): a start, an update each step, three ends. The
// caller sends one packet per step and writes the RTP header. The ends share the last timestamp and duration.
type eventSender struct {
	code  uint8
	ts    uint32 // of the current segment
	left  uint32 // of the press, after what has been told, in timestamp units
	told  uint32 // duration told in this segment
	step  uint32
	ends  int
	first bool
}

// newEventSender starts a press of the key at timestamp ts. Length and step are in timestamp units; ok is false for
// what is no key.
func newEventSender(key byte, ts, length, step uint32) (s *eventSender, ok bool) {
	code, ok := eventOfKey(key)
	if !ok {
		return nil, false
	}
	return &eventSender{code: code, ts: ts, left: max(length, 1), step: max(step, 1), first: true}, true
}

// next writes the next payload to b, which holds four bytes or more, and returns its timestamp and marker bit; more is
// false when the event had ended before.
func (s *eventSender) next(b []byte) (ts uint32, marker, more bool) {
	if s.ends == eventEnds {
		return 0, false, false
	}
	if s.left > 0 {
		if s.told == longestSegment { // a new segment (RFC 4733 §2.5.1.3)
			s.ts += longestSegment
			s.told = 0
		}
		d := min(s.step, s.left, longestSegment-s.told)
		s.told += d
		s.left -= d
	}
	end := s.left == 0
	if end {
		s.ends++
	}
	marker, s.first = s.first, false
	eventPayload{Code: s.code, End: end, Volume: eventVolume, Duration: uint16(s.told)}.put(b)
	return s.ts, marker, true
}
