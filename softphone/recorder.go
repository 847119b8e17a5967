package softphone

import "time"

// recorder keeps the last stretch of received audio, placed by RTP timestamps: gaps are zero, late packets fall into their
// place, a new stream continues where the old one ended.
type recorder struct {
	ring []int16
	end  int64 // samples so far: one past the newest
	ssrc uint32
	ts   uint32 // timestamp that belongs to end
	have bool

	arrivals []arrival // ring of the packets whose samples are in ring
	packets  int64
}

// arrival says when the packet whose samples begin at pos came.
type arrival struct {
	pos, n int64
	at     time.Time
}

// maxGap is the longest silence that is filled in; a longer jump of the timestamp is taken for a new stream.
const maxGap = 5 * SampleRate

func newRecorder(keep time.Duration) recorder {
	return recorder{
		ring:     make([]int16, int64(keep)*SampleRate/int64(time.Second)),
		arrivals: make([]arrival, keep/(10*time.Millisecond)),
	}
}

// put stores the samples of one packet.
func (r *recorder) put(ssrc, ts uint32, pcm []int16, at time.Time) {
	jump := int64(int32(ts - r.ts))
	if !r.have || ssrc != r.ssrc || jump > maxGap || jump < -maxGap {
		r.have, r.ssrc, r.ts, jump = true, ssrc, ts, 0
	}
	pos, size := r.end+jump, int64(len(r.ring))
	for i := r.end; i < pos; i++ {
		r.ring[i%size] = 0
	}
	for i, s := range pcm {
		if p := pos + int64(i); p >= 0 && p >= r.end-size {
			r.ring[p%size] = s
		}
	}
	if last := pos + int64(len(pcm)); last > r.end {
		r.ts += uint32(last - r.end)
		r.end = last
	}
	r.arrivals[r.packets%int64(len(r.arrivals))] = arrival{pos, int64(len(pcm)), at}
	r.packets++
}

// cut copies the samples of [from, to) that are still kept; the others are zero.
func (r *recorder) cut(from, to int64) Sound {
	out := make(Sound, max(to-from, 0))
	size := int64(len(r.ring))
	for i := range out {
		if p := from + int64(i); p >= 0 && p < r.end && p >= r.end-size {
			out[i] = r.ring[p%size]
		}
	}
	return out
}

// last is when the newest packet came, zero when none did.
func (r *recorder) last() time.Time {
	if r.packets == 0 {
		return time.Time{}
	}
	return r.arrivals[(r.packets-1)%int64(len(r.arrivals))].at
}

// between returns the kept packets that came within [from, to), oldest first.
func (r *recorder) between(from, to time.Time) []arrival {
	var out []arrival
	size := int64(len(r.arrivals))
	for i := max(0, r.packets-size); i < r.packets; i++ {
		if a := r.arrivals[i%size]; !a.at.Before(from) && a.at.Before(to) {
			out = append(out, a)
		}
	}
	return out
}
