package media

// A jitterBuffer puts the packets of one stream back in order and gives sound in even steps (RFC 3550 §6.4.1 names the
// jitter, nothing standardises the buffer). Its parts:
//
//   - a ring of packets by sequence number, filled by put;
//   - decoded sound that waits to be played, with what was played before it, taken by pull;
//   - a controller that keeps as little waiting as the last seconds have needed.
//
// Nothing in it allocates after it was made. Timestamps count samples: the clocks of the formats decoded here are their
// sample rates.
type jitterBuffer struct {
	rate int // samples per second

	ring     [ringLen]ringSlot
	started  bool   // a stream has begun; what follows is about it
	ssrc     uint32 // of the stream
	next     int64  // extended sequence number of the packet to decode next
	highest  int64  // extended sequence number seen
	highTS   int64  // extended timestamp of the packet with the highest number
	held     int    // samples in the ring
	decodeTS int64  // timestamp after the last decoded sample
	jumpSeq  uint16 // after a jump: the number that would confirm it (RFC 3550 §A.1)
	jumped   bool

	sound   pcmBuffer
	conceal concealer
	idle    bool // nothing to play: the next packet starts anew
	dtx     bool // the peer said that silence follows (RFC 3389)
	cut     bool // what is decoded next does not continue what was decoded last
	missing int  // samples since the last one that was received
	madeUp  bool // sound was invented for the last frame
	tries   int  // frames in vain in search of a place to change the time scale

	slack slackWindow
	lead  int // samples by which the next talk spurt is held back
	last  int // samples of the packet decoded last

	stats jitterStats
}

const (
	ringLen = 64
	// maxPayload is 60 ms of the widest format: G.711 and G.722 have 8 bytes a millisecond.
	maxPayload = 480
	// maxForward and maxBack are how far a sequence number may go in one step and still be of the same series.
	maxForward = 1000
	maxBack    = 100
)

// ringSlot is one packet that waits to be decoded.
type ringSlot struct {
	used  bool
	codec Codec // TelephoneEvent and ComfortNoise take their number and no time
	seq   int64
	ts    int64
	n     int
	data  [maxPayload]byte
}

// jitterStats count samples and packets since the session began.
type jitterStats struct {
	late, duplicate, overflow uint32 // packets
	concealed                 uint64 // samples invented for missing ones
	shrunk                    uint64 // samples taken out to change the delay
}

// putResult says what became of a packet.
type putResult uint8

const (
	putKept      putResult = iota
	putLate      putResult = iota
	putDuplicate putResult = iota
	putTooLong   putResult = iota
	putJumped    putResult = iota
)

func newJitterBuffer(rate int) *jitterBuffer {
	j := &jitterBuffer{rate: rate, idle: true}
	j.sound.init(rate)
	j.conceal.init(rate)
	j.slack.reset()
	return j
}

// put keeps a packet until its time. Packets of any number of streams may be mixed: a new SSRC starts afresh at once,
// a jump within one waits for a second packet that follows it, since one alone may be a stray.
func (j *jitterBuffer) put(p *rtpPacket, codec Codec) putResult {
	if len(p.payload) > maxPayload {
		return putTooLong
	}
	if !j.started || p.ssrc != j.ssrc {
		j.begin(p)
	}
	seq := j.highest + int64(int16(p.seq-uint16(j.highest)))
	if seq > j.highest+maxForward || seq < j.highest-maxBack {
		if !j.jumped || p.seq != j.jumpSeq {
			j.jumped, j.jumpSeq = true, p.seq+1
			return putJumped
		}
		j.begin(p)
		seq = j.highest
	}
	j.jumped = false
	ts := j.highTS + int64(int32(p.ts-uint32(j.highTS)))
	if seq < j.next {
		j.stats.late++
		return putLate
	}
	if seq >= j.next+ringLen {
		j.skipTo(seq - ringLen + 1)
	}
	if len(p.payload) == 0 && isSound(codec) {
		codec = TelephoneEvent // takes its number and no time, like a digit
	}
	s := &j.ring[seq%ringLen]
	if s.used && s.seq == seq {
		j.stats.duplicate++
		return putDuplicate
	}
	s.used, s.codec, s.seq, s.ts, s.n = true, codec, seq, ts, len(p.payload)
	copy(s.data[:], p.payload)
	if seq > j.highest {
		j.highest, j.highTS = seq, ts
	}
	if isSound(codec) {
		j.held += s.n
	}
	return putKept
}

// begin starts a stream at p; sound that is decoded already is still played.
func (j *jitterBuffer) begin(p *rtpPacket) {
	for i := range j.ring {
		j.ring[i].used = false
	}
	j.held = 0
	// Room below, so that extended numbers never get negative.
	j.started, j.ssrc, j.jumped = true, p.ssrc, false
	j.highest = int64(p.seq) + 1<<16
	j.highTS = int64(p.ts) + 1<<32
	j.next = j.highest
	j.decodeTS = j.highTS
	j.cut = true
}

// skipTo gives packets up that never came or that nobody wants any more.
func (j *jitterBuffer) skipTo(seq int64) {
	for ; j.next < seq; j.next++ {
		if s := &j.ring[j.next%ringLen]; s.used && s.seq == j.next {
			j.free(s)
			j.stats.overflow++
		}
	}
}

// free empties a slot.
func (j *jitterBuffer) free(s *ringSlot) {
	s.used = false
	if isSound(s.codec) {
		j.held -= s.n
	}
}

// isSound reports whether packets of the format take time.
func isSound(c Codec) bool { return c != TelephoneEvent && c != ComfortNoise }

// level is how much sound waits, in samples.
func (j *jitterBuffer) level() int { return j.sound.pending() + j.held }
