package media

import (
	"sync/atomic"
	"time"
)

// SessionState is a snapshot of a session. Counters run since the session began.
type SessionState struct {
	Codec         Codec         // sent; UnknownCodec before anything was negotiated
	Held          bool          // the peer does not want to hear us (RFC 3264 §8.4)
	PeerMaySend   bool          // the peer may send sound, so silence says something
	Talking       bool          // the peer speaks
	Muted         bool          // the others do not hear the peer
	LastRTP       time.Time     // when the peer's last RTP packet was read; zero before the first
	LastRTCP      time.Time     // the same for RTCP
	Delay         time.Duration // how long received sound waits before it is mixed
	Received      uint64        // packets of sound and events
	Lost          uint64        // packets that never came (RFC 3550 §6.4.1)
	Late          uint64        // packets that came after their time
	Concealed     time.Duration // sound invented for missing packets
	Sent          uint64        // packets
	Jitter        time.Duration // of the arrival (RFC 3550 §A.8)
	RemoteLost    uint64        // packets that the peer says it never got
	RemoteJitter  time.Duration // of the arrival at the peer
	RoundTripTime time.Duration // by the peer's reports (RFC 3550 §6.4.1); zero when unknown
}

// sharedState is what the mixer publishes for State.
type sharedState struct {
	talking                             atomic.Bool
	lastRTP, lastRTCP                   atomic.Int64 // unix ns, 0 before
	delay, concealed, jitter            atomic.Int64 // ns
	received, lost, late, sent          atomic.Uint64
	remoteLost, remoteJitter, roundTrip atomic.Int64
}

// State gives a snapshot from any goroutine.
func (s *Session) State() SessionState {
	st := SessionState{
		Talking:       s.state.talking.Load(),
		Muted:         s.muted.Load(),
		LastRTP:       fromUnixNano(s.state.lastRTP.Load()),
		LastRTCP:      fromUnixNano(s.state.lastRTCP.Load()),
		Delay:         time.Duration(s.state.delay.Load()),
		Concealed:     time.Duration(s.state.concealed.Load()),
		Jitter:        time.Duration(s.state.jitter.Load()),
		Received:      s.state.received.Load(),
		Lost:          s.state.lost.Load(),
		Late:          s.state.late.Load(),
		Sent:          s.state.sent.Load(),
		RemoteLost:    uint64(max(s.state.remoteLost.Load(), 0)),
		RemoteJitter:  time.Duration(s.state.remoteJitter.Load()),
		RoundTripTime: time.Duration(s.state.roundTrip.Load()),
	}
	if p := s.params.Load(); p != nil {
		st.Codec, st.Held, st.PeerMaySend = p.Codec, p.Held, p.ReceiveAllowed && !p.Held
	}
	return st
}

// publish updates what State and the metrics show.
func (s *Session) publish() {
	in := &s.in
	received, lost := in.reception.total()
	s.state.received.Store(uint64(received))
	s.state.lost.Store(uint64(lost))
	s.state.late.Store(uint64(in.jitter.stats.late))
	s.state.sent.Store(uint64(s.out.packets))
	s.state.jitter.Store((in.reception.jitter >> 4) * int64(time.Second) / mixRate)
	delay := time.Duration(in.jitter.level()) * time.Second / mixRate
	s.state.delay.Store(int64(delay))
	s.state.concealed.Store(int64(in.jitter.stats.concealed) * int64(time.Second) / mixRate)

	now, before := in.jitter.stats, &in.counted
	s.metrics.concealed.Add(float64(now.concealed-before.concealed) / (mixRate / 50))
	s.metrics.dropped[dropOverflow].Add(float64(now.overflow - before.overflow))
	*before = now
	if !in.jitter.idle {
		s.metrics.delay.Observe(delay.Seconds())
	}
}

func fromUnixNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
