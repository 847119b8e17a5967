package media

import (
	"math/rand/v2"
	"time"
)

// outbound is the sending side of a session, the mixer's own. One SSRC, one run of sequence numbers and one clock last
// for the life of the session, through every mixer and negotiation: many peers take a new source for an attack or play
// nothing (RFC 3550 §8.1).
type outbound struct {
	codec   Codec // UnknownCodec: nothing may be sent
	pt      uint8
	perPkt  int // bytes per packet
	ssrc    uint32
	seq     uint16
	ts      uint32    // of the next byte to be put into a packet
	last    time.Time // when the last frame was sent, zero before the first
	marker  bool      // the next packet starts after a pause (RFC 3551 §4.1)
	n       int       // bytes in buf after the header
	buf     [rtpHeaderLen + maxPayload + srtpOverhead]byte
	limiter limiter

	packets uint32
	octets  uint32
}

func (o *outbound) init() {
	o.ssrc, o.seq, o.ts = rand.Uint32(), uint16(rand.Uint32())>>1, rand.Uint32() // the number as srtpOut asks
}

// restart begins another stream.
func (o *outbound) restart() {
	o.init()
	o.marker = true
}

// adopt takes up what was negotiated.
func (o *outbound) adopt(p *sessionParams) {
	codec := UnknownCodec
	if p.SendAllowed && !p.Held {
		codec = p.Codec
	}
	if codec != o.codec || p.PT != o.pt || p.Ptime*mixRate/1000 != o.perPkt {
		o.ts += uint32(o.n) // what waits in the other format is left out
		o.n = 0
	}
	o.codec, o.pt, o.perPkt = codec, p.PT, p.Ptime*mixRate/1000
}

// mayHear reports whether frames are to be sent to the peer.
func (s *Session) mayHear() bool { return s.out.codec != UnknownCodec && s.in.latch.peer.IsValid() }

// send takes an encoded frame of 20 ms and sends the packets that it completes. Timestamps follow the clock on the
// wall, so after a pause they are where they would have been (RFC 3550 §5.1).
func (s *Session) send(frame []byte, now time.Time) {
	o := &s.out
	if o.last.IsZero() {
		o.marker = true
	} else if pause := now.Sub(o.last) - frameTime; pause > frameTime/2 || pause < -frameTime/2 {
		o.ts += uint32(o.n + int(pause)*mixRate/int(time.Second))
		o.n, o.marker = 0, true
	}
	o.last = now
	for len(frame) > 0 {
		n := min(o.perPkt-o.n, len(frame))
		copy(o.buf[rtpHeaderLen+o.n:], frame[:n])
		o.n += n
		frame = frame[n:]
		if o.n == o.perPkt {
			s.emit()
		}
	}
}

// emit sends the packet in the buffer.
func (s *Session) emit() {
	o := &s.out
	putRTPHeader(o.buf[:], o.marker, o.pt, o.seq, o.ts, o.ssrc)
	b, ok := o.buf[:rtpHeaderLen+o.n], true
	if s.srtp.out != nil {
		b, ok = s.srtp.out.packet(b)
	}
	if !ok || s.pair.rtp.WriteTo(b, s.in.latch.peer) != nil {
		s.metrics.sendFailures.Inc()
	}
	o.seq++
	o.ts += uint32(o.n)
	o.packets++
	o.octets += uint32(o.n)
	o.n, o.marker = 0, false
}
