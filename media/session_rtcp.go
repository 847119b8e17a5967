package media

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"time"

	crand "crypto/rand"
)

// control is the RTCP side of a session (RFC 3550 §6), the mixer's own.
type control struct {
	cname    string
	peer     netip.AddrPort // where reports go
	mux      bool           // over the RTP port (RFC 5761)
	next     time.Time      // when the next report is due, zero before anything was agreed
	reported uint32         // packets sent at the last report

	lastSR   uint32 // of the peer's last SR
	lastSRAt time.Time
	lastSSRC uint32
	buf      [256]byte
}

// reportInterval is the mean time between reports (RFC 3550 §6.2).
const reportInterval = 5 * time.Second

// longestCNAME leaves room for the reports in the buffer.
const longestCNAME = 128

func (c *control) init(cname string) {
	if cname == "" {
		var b [12]byte
		_, _ = crand.Read(b[:]) // never fails
		cname = hex.EncodeToString(b[:])
	}
	c.cname = cname[:min(len(cname), longestCNAME)]
}

// signal takes up where the description wants reports.
func (c *control) signal(peer netip.AddrPort, mux bool) {
	c.peer, c.mux = peer, mux
}

// moved tells that RTP comes from somewhere else: reports go beside it until some come from there.
func (c *control) moved(peer netip.AddrPort) {
	c.peer = peer
	if !c.mux {
		c.peer = netip.AddrPortFrom(peer.Addr(), peer.Port()+1)
	}
}

// chores is the slow work of a session.
func (s *Session) chores(now time.Time, b *batch) {
	for range readsPerTick {
		more := b.read(s.pair.rtcp)
		for i := range b.n {
			s.report(b.data[i], b.src[i], now)
		}
		if !more {
			break
		}
	}
	s.publish()
	if s.in.params == nil {
		return
	}
	c := &s.control
	if c.next.IsZero() { // the first comes sooner (RFC 3550 §6.2)
		c.next = now.Add(jittered(reportInterval / 2))
	}
	if now.Before(c.next) {
		return
	}
	c.next = now.Add(jittered(reportInterval))
	s.sendReport(now, false)
}

// jittered spreads reports over half to one and a half of the interval.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// report takes a received compound. Only the address that RTP comes from is listened to.
func (s *Session) report(data []byte, src netip.AddrPort, now time.Time) {
	why, ok := s.control.take(data, src, s.in.latch.peer, s.srtp.in, now, func(p rtcpPacket) {
		if r, ok := p.block(s.out.ssrc); ok {
			s.heardReport(r, now)
		}
	})
	if !ok {
		s.drop(why)
		return
	}
	s.state.lastRTCP.Store(now.UnixNano())
}

// take goes through a received compound, packet by packet, when it comes from where the peer's RTP comes from; in is nil for
// plain RTCP. It tells why a compound is of no use.
func (c *control) take(b []byte, src, peer netip.AddrPort, in *srtpIn, now time.Time, each func(rtcpPacket)) (why dropReason, ok bool) {
	if src.IsValid() && peer.IsValid() && src.Addr() != peer.Addr() {
		return dropStranger, false
	}
	if in != nil {
		if b, ok = in.report(b); !ok {
			return dropUnproven, false
		}
	}
	known := false
	for {
		p, rest, ok := nextRTCP(b)
		if !ok {
			break
		}
		known = true
		b = rest
		if sr, ok := p.sender(); ok {
			c.lastSSRC, c.lastSR, c.lastSRAt = sr.ssrc, sr.ntp, now
		}
		each(p)
	}
	if !known {
		return dropMalformed, false
	}
	if src.IsValid() && peer.IsValid() && !c.mux {
		c.peer = src // reports find their way back through the peer's NAT
	}
	return why, true
}

// heardReport notes what the peer says of our stream.
func (s *Session) heardReport(r receptionReport, now time.Time) {
	s.state.remoteLost.Store(int64(r.lost))
	s.state.remoteJitter.Store(int64(r.jitter) * int64(time.Second) / mixRate)
	if trip, ok := r.roundTrip(now); ok {
		s.state.roundTrip.Store(int64(trip))
	}
}

// roundTrip is the time to the peer and back (RFC 3550 §6.4.1).
func (r receptionReport) roundTrip(now time.Time) (time.Duration, bool) {
	if r.lastSR == 0 {
		return 0, false
	}
	trip := uint32(ntpTime(now)>>16) - r.lastSR - r.sinceLastSR // in 1/65536 s
	return time.Duration(int64(trip) * int64(time.Second) >> 16), int32(trip) >= 0 && trip < 60<<16
}

// ownStream is what a report says of the stream that we send.
type ownStream struct {
	ssrc, ts        uint32 // the timestamp of now
	packets, octets uint32
}

// compound puts a report together: an SR when something was sent since the last one, else an RR, with its CNAME. It stays
// valid until the next one and has room for what SRTP adds.
func (c *control) compound(o ownStream, r *reception, now time.Time, bye bool) []byte {
	w := rtcpWriter{b: c.buf[:]}
	blocks := 0
	if r.started {
		blocks = 1
	}
	if o.packets != c.reported {
		w.sender(o.ssrc, now, o.ts, o.packets, o.octets, blocks)
		c.reported = o.packets
	} else {
		w.receiver(o.ssrc, blocks)
	}
	if r.started {
		b := receptionReport{
			ssrc: r.ssrc, fraction: r.fraction(), lost: int32(min(r.expected()-r.received, 1<<23-1)),
			highest: uint32(r.highest - 1<<16), jitter: uint32(r.jitter >> 4),
		}
		if c.lastSSRC == r.ssrc && !c.lastSRAt.IsZero() {
			b.lastSR = c.lastSR
			b.sinceLastSR = uint32(int64(now.Sub(c.lastSRAt)) << 16 / int64(time.Second))
		}
		w.block(b)
	}
	w.cname(o.ssrc, c.cname)
	if bye {
		w.bye(o.ssrc)
	}
	return w.b[:w.n]
}

// sendReport tells the peer what was sent and received.
func (s *Session) sendReport(now time.Time, bye bool) {
	c, o := &s.control, &s.out
	at := o.ts + uint32(o.n) + uint32(int64(now.Sub(o.last))*mixRate/int64(time.Second))
	b := c.compound(ownStream{o.ssrc, at, o.packets, o.octets}, &s.in.reception, now, bye)
	to, conn := c.peer, s.pair.rtcp
	if c.mux {
		to, conn = s.in.latch.peer, s.pair.rtp
	}
	if !to.IsValid() || to.Port() == 0 {
		return
	}
	ok := true
	if s.srtp.out != nil {
		b, ok = s.srtp.out.report(b)
	}
	if !ok || conn.WriteTo(b, to) != nil {
		s.metrics.sendFailures.Inc()
	}
}

// sendBye tells the peer that our stream ends, if there was one (RFC 3550 §6.3.7).
func (s *Session) sendBye(now time.Time) {
	if s.out.packets > 0 {
		s.sendReport(now, true)
	}
}
