package media

import (
	"net/netip"
	"time"
)

// A relay ends RTCP on each side, as a mixer does (RFC 3550 §6.4): each peer is told what arrived from it and what was sent to
// it, under our SSRC and a name that tells nothing of the other peer. So reports go on through hold, music and transfer, and
// tell each leg from the other. Only feedback that asks something of a source goes through.

// report takes a received compound. Only the address that RTP comes from is listened to.
func (s *stream) report(b []byte, src netip.AddrPort, now time.Time) {
	if s.params == nil {
		s.drop(dropStranger)
		return
	}
	why, ok := s.control.take(b, src, s.latch.peer, s.srtp.in, now, func(p rtcpPacket) {
		if r, ok := p.block(s.o.ssrc); ok {
			s.heardReport(r, now)
		}
		s.passFeedback(p, now)
	})
	if !ok {
		s.drop(why)
		return
	}
	s.state.lastRTCP.Store(now.UnixNano())
}

// heardReport notes what the peer says of our stream.
func (s *stream) heardReport(r receptionReport, now time.Time) {
	s.state.remoteLost.Store(int64(r.lost))
	if s.o.clock > 0 {
		s.state.remoteJitter.Store(int64(r.jitter) * int64(time.Second) / int64(s.o.clock))
	}
	if trip, ok := r.roundTrip(now); ok {
		s.state.roundTrip.Store(int64(trip))
	}
}

// chores is the slow work of a stream.
func (s *stream) chores(now time.Time) {
	_, lost := s.reception.total()
	s.state.lost.Store(uint64(lost))
	if s.clock > 0 {
		s.state.jitter.Store((s.reception.jitter >> 4) * int64(time.Second) / int64(s.clock))
	}
	if s.params == nil || s.params.raw {
		return
	}
	if s.connected && now.Sub(s.latch.last) > disconnectAfter {
		s.untie()
	}
	s.askPicture(now)
	if now.Before(s.control.next) {
		return
	}
	s.control.next = now.Add(jittered(reportInterval))
	s.sendControl(s.compound(now, false))
}

// compound is a report of our own.
func (s *stream) compound(now time.Time, bye bool) []byte {
	ts := s.o.ts
	if s.o.started {
		ts += elapsed(now.Sub(s.o.at), s.o.clock)
	}
	return s.control.compound(ownStream{s.o.ssrc, ts, s.o.packets, s.o.octets}, &s.reception, now, bye)
}

// sendControl sends a compound to the peer, secured when RTP is.
func (s *stream) sendControl(b []byte) {
	to, conn := s.control.peer, s.pair.rtcp
	if s.control.mux {
		to, conn = s.latch.peer, s.pair.rtp
	}
	if !to.IsValid() || to.Port() == 0 {
		return
	}
	if s.srtp.out != nil {
		var ok bool
		if b, ok = s.srtp.out.report(b); !ok {
			s.metrics.sendFailures.Inc()
			return
		}
	}
	if conn.WriteTo(b, to) != nil {
		s.metrics.sendFailures.Inc()
	}
}

// bye tells the peer that our stream ends, if there was one (RFC 3550 §6.3.7).
func (s *stream) bye(now time.Time) {
	if s.params != nil && !s.params.raw && s.o.packets > 0 {
		s.sendControl(s.compound(now, true))
	}
}
