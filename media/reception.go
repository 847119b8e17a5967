package media

import "time"

// reception counts what arrives of a peer's stream for the reports to it (RFC 3550 §A.1, §A.3, §A.8).
type reception struct {
	started  bool
	ssrc     uint32
	base     int64 // first sequence number
	highest  int64 // extended
	received int64
	transit  int64 // of the last packet, in clock units
	jitter   int64 // in 1/16 clock units

	formerReceived, formerLost int64 // of streams before this one
	priorExpected, priorCount  int64 // at the last report
}

// update counts an accepted packet. rate is the clock of its format in Hz, zero for events and comfort noise, which do not tell of
// the jitter: their timestamps stand still.
func (r *reception) update(p *rtpPacket, now time.Time, rate int) {
	seq := r.highest + int64(int16(p.seq-uint16(r.highest)))
	if !r.started || p.ssrc != r.ssrc || seq > r.highest+maxForward || seq < r.highest-maxBack {
		r.formerReceived, r.formerLost = r.total()
		r.started, r.ssrc = true, p.ssrc
		seq = int64(p.seq) + 1<<16
		r.base, r.highest, r.received = seq, seq, 0
		r.priorExpected, r.priorCount, r.transit, r.jitter = 0, 0, 0, 0
	}
	r.received++
	r.highest = max(r.highest, seq)
	clock := int64(rate)
	if clock == 0 {
		return
	}
	arrival := now.Unix()*clock + int64(now.Nanosecond())*clock/int64(time.Second)
	transit := int64(int32(uint32(arrival) - p.ts))
	if r.transit != 0 {
		d := transit - r.transit
		r.jitter += max(d, -d) - (r.jitter+8)>>4
	}
	r.transit = transit
}

// total counts all streams of the session.
func (r *reception) total() (received, lost int64) {
	if !r.started {
		return 0, 0
	}
	return r.formerReceived + r.received, r.formerLost + max(r.expected()-r.received, 0)
}

func (r *reception) expected() int64 { return r.highest - r.base + 1 }

// fraction is the share that was lost since the last report, in 1/256.
func (r *reception) fraction() uint8 {
	expected := r.expected() - r.priorExpected
	lost := expected - (r.received - r.priorCount)
	r.priorExpected, r.priorCount = r.expected(), r.received
	if expected <= 0 || lost <= 0 {
		return 0
	}
	return uint8(min(lost<<8/expected, 255))
}
