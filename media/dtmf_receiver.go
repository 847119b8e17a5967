package media

import "time"

// eventMemory is how many events a receiver remembers: more than anybody types while a packet is late.
const eventMemory int = 16

// longestSegment is the longest duration that one timestamp can express (RFC 4733 §2.5.1.3).
const longestSegment uint32 = 0xffff

// eventReceiver turns the telephone-event packets of one peer into keys, each told once, at its first packet that
// arrives, whichever that is. An event is known by its SSRC, timestamp and code: the marker bit, the sequence number and
// the number of end packets do not matter. So lost starts, lost ends, repeated ends and late packets neither lose nor
// double a key, and the same key pressed again is a key again. The zero value is ready; the owner of the session owns it.
type eventReceiver struct {
	seen [eventMemory]heardEvent
	next int // where the next event goes
}

// heardEvent is one event of which a packet has arrived.
type heardEvent struct {
	known    bool
	ssrc, ts uint32
	code     uint8
	ended    bool
	duration uint16 // longest heard
}

// receive takes one packet and tells whether it brings a new key.
func (r *eventReceiver) receive(ssrc, ts uint32, payload []byte, now time.Time) (Digit, bool) {
	p, ok := parseEvent(payload)
	if !ok {
		return Digit{}, false
	}
	key, ok := keyOfEvent(p.Code)
	if !ok {
		return Digit{}, false
	}
	for i := range r.seen {
		if e := &r.seen[i]; e.is(ssrc, ts, p.Code) {
			e.ended = e.ended || p.End
			e.duration = max(e.duration, p.Duration)
			return Digit{}, false
		}
	}
	heard := heardEvent{known: true, ssrc: ssrc, ts: ts, code: p.Code, ended: p.End, duration: p.Duration}
	latest := r.seen[(r.next+eventMemory-1)%eventMemory]
	r.seen[r.next] = heard
	r.next = (r.next + 1) % eventMemory
	if latest.continuedBy(heard) {
		return Digit{}, false
	}
	return Digit{Key: key, Source: EventRFC4733, Time: now}, true
}

func (e *heardEvent) is(ssrc, ts uint32, code uint8) bool {
	return e.known && e.ssrc == ssrc && e.ts == ts && e.code == code
}

// continuedBy says whether a packet with another timestamp still belongs to the key pressed before: the next segment of
// a long press, which starts where the full one ends (RFC 4733 §2.5.1.3), or the habit of some gateways to move the
// timestamp along with the duration.
func (e *heardEvent) continuedBy(n heardEvent) bool {
	if !e.known || e.ended || e.ssrc != n.ssrc || e.code != n.code {
		return false
	}
	step := n.ts - e.ts
	return step == longestSegment || e.duration > 0xf000 && step == uint32(e.duration) ||
		n.duration > e.duration && step == uint32(n.duration-e.duration)
}
