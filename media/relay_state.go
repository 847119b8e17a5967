package media

import "time"

// SideState is a snapshot of a side. A medium that is not in use is its zero value.
type SideState struct {
	Audio, Video StreamState
}

// StreamState is a snapshot of one medium of a side, as its leg sees it. Counters run since the medium began, across whoever
// the other side of the call was.
type StreamState struct {
	Active        bool
	Codec         string        // encoding name of what the peer sent last; before that, of what it was told first
	Suite         string        // crypto-suite of SDES; empty for plain RTP
	Holding       bool          // the peer does not want to hear the call (RFC 3264 §8.4)
	PeerMaySend   bool          // silence of the peer says something
	LastRTP       time.Time     // when the peer's last RTP packet was read; zero before the first
	LastRTCP      time.Time     // the same for RTCP
	Received      uint64        // packets of the peer
	Lost          uint64        // packets of the peer that never came (RFC 3550 §6.4.1)
	Sent          uint64        // packets to the peer
	Jitter        time.Duration // of the arrival (RFC 3550 §A.8)
	RemoteLost    uint64        // packets that the peer says it never got, wherever they were lost
	RemoteJitter  time.Duration // of the arrival at the peer
	RoundTripTime time.Duration // by the peer's reports; zero when unknown
}

// State gives a snapshot from any goroutine.
func (s *Side) State() SideState {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	return s.stateLocked()
}

func (s *Side) stateLocked() SideState {
	if s.closed {
		return s.last
	}
	var st SideState
	for i := range s.lines {
		l := &s.lines[i]
		switch {
		case !l.active():
		case l.kind == "audio" && !st.Audio.Active:
			st.Audio = l.state()
		case l.kind == "video" && !st.Video.Active:
			st.Video = l.state()
		}
	}
	return st
}

// state is a snapshot of the line's stream.
func (l *sideLine) state() StreamState {
	r := &l.stream.state
	st := StreamState{
		Active:        true,
		Holding:       !l.wish.Receives(),
		PeerMaySend:   l.remote.dir.Sends() && l.local.dir.Receives(),
		LastRTP:       fromUnixNano(r.lastRTP.Load()),
		LastRTCP:      fromUnixNano(r.lastRTCP.Load()),
		Received:      r.received.Load(),
		Lost:          r.lost.Load(),
		Sent:          r.sent.Load(),
		Jitter:        time.Duration(r.jitter.Load()),
		RemoteLost:    uint64(max(r.remoteLost.Load(), 0)),
		RemoteJitter:  time.Duration(r.remoteJitter.Load()),
		RoundTripTime: time.Duration(r.roundTrip.Load()),
	}
	if l.in != nil {
		st.Suite = l.in.suite.String()
	}
	st.Codec = l.codecName(r.lastPT.Load())
	return st
}

// codecName is the encoding received last, as the loop noted its number plus one.
func (l *sideLine) codecName(last int32) string {
	if last > 0 {
		if f := l.receivable()[(last-1)&0x7f]; f != nil && f.sounds() {
			return canonical(f.name)
		}
	}
	for _, f := range l.agreed {
		if f.sounds() {
			return canonical(f.name)
		}
	}
	return ""
}
