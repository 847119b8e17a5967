package media

import (
	"time"
)

// mixRate is the rate of every mixer and codec so far.
const mixRate = 8000

// frameTime is the tick of a mixer.
const frameTime = 20 * time.Millisecond

// inbound is the receiving side of a session, the mixer's own.
type inbound struct {
	params    *sessionParams // taken up
	latch     latch
	connected bool // the socket takes packets of the peer only
	steady    int  // packets of the peer since it was last looked for
	known     bool // the first packet has come

	reception reception
	jitter    *jitterBuffer
	counted   jitterStats // of it, in the metrics already
	events    eventReceiver
	inband    inbandDetector
	voice     voiceMeter
	frame     []int16 // of this tick
	audible   bool    // frame has something to mix in
}

const (
	// readsPerTick bounds what a flood can make the mixer read: 128 packets in 20 ms.
	readsPerTick = 16
	// connectAfter packets in a row the peer is taken to stay where it is.
	connectAfter = 10
	// disconnectAfter is the silence after which it may come from elsewhere.
	disconnectAfter = 2 * time.Second
)

func (in *inbound) init() {
	in.jitter = newJitterBuffer(mixRate)
	in.frame = make([]int16, mixRate/50)
}

// receive takes up a new negotiation and drains the socket.
func (s *Session) receive(now time.Time, b *batch) {
	in := &s.in
	if p := s.params.Load(); p != in.params {
		s.adopt(p)
	}
	if in.connected && now.Sub(in.latch.last) > disconnectAfter {
		s.untie()
	}
	for range readsPerTick {
		more := b.read(s.pair.rtp)
		for i := range b.n {
			s.packet(b.data[i], b, i, now)
		}
		if !more {
			return
		}
	}
	s.drop(dropFlood)
}

// adopt takes up what was negotiated.
func (s *Session) adopt(p *sessionParams) {
	in := &s.in
	in.params = p
	if p == nil {
		return
	}
	if in.latch.signal(p.Remote) {
		s.untie()
	}
	if s.srtp.adopt(p.In, p.Out, in.reception.ssrc, s.out.packets) {
		s.out.restart()
	}
	s.out.adopt(p)
	s.control.signal(p.RemoteRTCP, p.Mux)
}

// untie lets the peer come from anywhere again.
func (s *Session) untie() {
	s.in.steady = 0
	if s.in.connected {
		s.in.connected = false
		disconnect(s.pair.rtp)
	}
}

// tie makes the kernel take packets of the peer only, once it has shown to stay.
func (s *Session) tie() {
	if s.in.steady++; s.in.steady != connectAfter {
		return
	}
	if c, ok := s.pair.rtp.(Connector); ok {
		s.in.connected = c.Connect(s.in.latch.peer) == nil
	}
}

// packet takes one datagram of the RTP socket.
func (s *Session) packet(data []byte, b *batch, i int, now time.Time) {
	in := &s.in
	if isRTCP(data) {
		s.report(data, b.src[i], now)
		return
	}
	if in.params == nil { // nothing was agreed yet
		s.drop(dropPayload)
		return
	}
	if s.srtp.in != nil {
		var ok bool
		if data, ok = s.srtp.in.packet(data); !ok {
			s.drop(dropUnproven)
			return
		}
	}
	var p rtpPacket
	if !p.parse(data) {
		s.drop(dropMalformed)
		return
	}
	codec := in.params.formats[p.pt]
	if codec == UnknownCodec {
		s.drop(dropPayload)
		return
	}
	ok, moved := in.latch.accept(b.src[i], &p, now)
	if !ok {
		s.drop(dropStranger)
		return
	}
	if moved {
		s.untie()
		s.metrics.latched.Inc()
		s.control.moved(in.latch.peer)
		s.log.Info("media peer is elsewhere than signalled", "signalled", in.latch.signalled, "remote", in.latch.peer)
	}
	s.tie()
	s.state.lastRTP.Store(now.UnixNano())
	if !in.known {
		in.known = true
		close(s.first)
	}
	in.reception.update(&p, now, codec.ClockRate())
	s.deliver(&p, codec, now)
}

// deliver hands an accepted packet to the digits or the jitter buffer.
func (s *Session) deliver(p *rtpPacket, codec Codec, now time.Time) {
	if codec == TelephoneEvent {
		if d, ok := s.in.events.receive(p.ssrc, p.ts, p.payload, now); ok {
			s.tell(d)
		}
		p.payload = nil // only its number matters to the order
	}
	if !s.in.params.ReceiveAllowed || s.in.params.Held {
		return
	}
	switch s.in.jitter.put(p, codec) {
	case putLate:
		s.drop(dropLate)
	case putDuplicate:
		s.drop(dropDuplicate)
	case putTooLong:
		s.drop(dropMalformed)
	case putJumped:
		s.drop(dropStranger)
	case putKept:
	}
}

func (s *Session) tell(d Digit) {
	if f := s.digit.Load(); f != nil {
		(*f)(d)
	}
}

func (s *Session) drop(r dropReason) { s.metrics.drop(r) }

// detect listens for keys in this tick's frame, silence included.
func (s *Session) detect(now time.Time) {
	if s.digit.Load() == nil {
		return
	}
	if d, ok := s.in.inband.detect(s.in.frame, s.in.jitter.madeUp, now); ok {
		s.tell(d)
	}
}

// listen takes this tick's frame out of the jitter buffer.
func (s *Session) listen() {
	in := &s.in
	in.audible = in.jitter.pull(in.frame)
	if in.audible {
		in.audible = in.voice.measure(in.frame)
	} else {
		in.voice.silence()
	}
	in.audible = in.audible && !s.muted.Load()
	if in.voice.talking != in.voice.told {
		in.voice.told = in.voice.talking
		s.state.talking.Store(in.voice.talking)
	}
}
