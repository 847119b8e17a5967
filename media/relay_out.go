package media

import (
	"math/rand/v2"
	"time"
)

// relayOut is the stream that we send to one peer: one SSRC, one run of sequence numbers and one clock, whoever its packets
// come from (RFC 3550 §8.1). Packets of one source keep their distances; where the source changes, falls silent on purpose or
// jumps, the numbers go on and the timestamps follow the clock on the wall.
type relayOut struct {
	ssrc    uint32
	clock   int // Hz, of the packet sent last
	started bool
	seq     uint16    // highest sent
	ts      uint32    // of the packet that changed the timestamp last
	at      time.Time // when that was
	step    uint32    // between packets, for a switch without a pause
	sent    uint64    // bit n: seq-n was sent
	packets uint32
	octets  uint32

	// The source of the packets.
	live   bool
	source uint32 // its SSRC
	run    int    // how many numbers back it has been the source, relayBehind at most
	in     uint16 // its highest
	inTS   uint32 // its timestamp that changed last
	seqOff uint16
	tsOff  uint32
	rebase bool // the next packet starts after a pause that both sides agreed on

	// The source before, whose stragglers are not taken for a return.
	former   uint32
	formerIn uint16
	left     time.Time // zero when there is none

	next uint16 // sequence number that would confirm a jump
	jump bool
}

const (
	// relayAhead and relayBehind are how far the numbers of one source may step before it is taken to start again.
	relayAhead  = 1000
	relayBehind = 100
	// relayLeap is how far its timestamps may be from the time that has passed. A road that stalled delivers late what is not
	// newly stamped, so it is generous.
	relayLeap = 5 * time.Second
	// relayStraggle is how long packets of the source before may be under way.
	relayStraggle = time.Second
)

// init draws the stream's identity. The first number leaves room below the wrap, as SRTP asks (see srtpOut).
func (o *relayOut) init() {
	*o = relayOut{ssrc: rand.Uint32(), seq: uint16(rand.Uint32()) >> 1, ts: rand.Uint32()}
}

// relay finds the place of a source's packet in the stream; ok is false for one that has none. clock is that of the
// packet's format.
func (o *relayOut) relay(p *rtpPacket, clock int, now time.Time) (seq uint16, ts uint32, marker, ok bool) {
	switch {
	case !o.live || p.ssrc != o.source:
		if p.ssrc == o.former && now.Sub(o.left) < relayStraggle && int16(p.seq-o.formerIn) <= 0 {
			return 0, 0, false, false
		}
		o.follow(p, clock, now)
		marker = true
	case o.rebase:
		o.follow(p, clock, now)
		marker = true
	default:
		step := int16(p.seq - o.in)
		if step > relayAhead || step < -relayBehind {
			if !o.jump || p.seq != o.next {
				o.jump, o.next = true, p.seq+1
				return 0, 0, false, false
			}
			o.follow(p, clock, now)
			marker = true
			break
		}
		o.jump = false
		if step < 0 && -int(step) > o.run {
			return 0, 0, false, false
		}
		if step > 0 {
			if o.leaps(p.ts, clock, now) {
				o.follow(p, clock, now)
				marker = true
				break
			}
			if advance := (p.ts - o.inTS) / uint32(step); advance != 0 && advance < uint32(clock) {
				o.step = advance
			}
			o.in, o.run = p.seq, min(o.run+int(step), relayBehind)
		}
	}
	seq, ts = p.seq+o.seqOff, p.ts+o.tsOff
	if !o.count(seq, len(p.payload)) {
		return 0, 0, false, false
	}
	if p.seq == o.in && ts != o.ts {
		o.ts, o.at, o.inTS = ts, now, p.ts
	}
	return seq, ts, marker || p.marker, true
}

// follow makes the packet the next of the stream.
func (o *relayOut) follow(p *rtpPacket, clock int, now time.Time) {
	if o.live && p.ssrc != o.source {
		o.leave(now)
	}
	seq, ts := o.onward(clock, now)
	o.live, o.source, o.run, o.in, o.inTS = true, p.ssrc, 0, p.seq, p.ts
	o.seqOff, o.tsOff = seq-p.seq, ts-p.ts
	o.ts, o.at = ts, now
	o.rebase, o.jump = false, false
}

// onward is the number and the timestamp of a packet that starts now.
func (o *relayOut) onward(clock int, now time.Time) (seq uint16, ts uint32) {
	if !o.started {
		return o.seq, o.ts
	}
	return o.seq + 1, o.ts + max(elapsed(now.Sub(o.at), clock), o.step, 1)
}

// leaps reports whether the source's timestamps have left the clock on the wall.
func (o *relayOut) leaps(ts uint32, clock int, now time.Time) bool {
	if clock == 0 {
		return false
	}
	off := time.Duration(int32(ts-o.inTS))*time.Second/time.Duration(clock) - now.Sub(o.at)
	return max(off, -off) > relayLeap
}

// own finds the place of a packet of ours that starts now, or right after the one before it.
func (o *relayOut) own(samples, n int, clock int, now time.Time) (seq uint16, ts uint32, marker bool) {
	seq, ts = o.onward(clock, now)
	if o.started && !o.live && !o.rebase && now.Sub(o.at) < catchUp*frameTime { // we are the source already
		ts = o.ts + uint32(samples)
	} else {
		marker = true
	}
	if o.live {
		o.leave(now)
	}
	o.rebase = false
	o.count(seq, n)
	o.ts, o.at, o.step = ts, now, uint32(samples)
	return seq, ts, marker
}

// within finds the number of a packet of ours that goes on with the timestamp of the one before it.
func (o *relayOut) within(n int) (seq uint16) {
	seq = o.seq + 1
	o.count(seq, n)
	return seq
}

// leave ends the source that there is.
func (o *relayOut) leave(now time.Time) {
	o.former, o.formerIn, o.left, o.live = o.source, o.in, now, false
}

// part forgets the source: what comes next is somebody else's.
func (o *relayOut) part() { o.live, o.left = false, time.Time{} }

// pause tells that what was sent so far has ended by agreement, so that what comes next is joined to the clock.
func (o *relayOut) pause() { o.rebase = true }

// count notes a packet as sent; ok is false for one that was sent already, or is too late to be told from such a one: under
// SRTP no number may carry two packets.
func (o *relayOut) count(seq uint16, n int) (ok bool) {
	switch ahead := int16(seq - o.seq); {
	case !o.started:
		o.started, o.seq, o.sent = true, seq, 1
	case ahead > 0:
		o.sent = o.sent<<uint(ahead) | 1
		o.seq = seq
	case ahead <= -64 || o.sent>>uint(-ahead)&1 != 0:
		return false
	default:
		o.sent |= 1 << uint(-ahead)
	}
	o.packets++
	o.octets += uint32(n)
	return true
}

// elapsed is a time in units of a clock.
func elapsed(d time.Duration, clock int) uint32 {
	if d <= 0 {
		return 0
	}
	return uint32(int64(d/time.Second)*int64(clock) + int64(d%time.Second)*int64(clock)/int64(time.Second))
}
