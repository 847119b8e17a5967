package media

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"
)

// stream is our end of one m= line of one side: a port pair, where the peer is, its keys, and what we send to it. From the
// moment it is handed to a loop it is the loop's, but for what is marked.
type stream struct {
	pair    *portPair // immutable; the loop's to read and write
	kind    string    // immutable
	log     *slog.Logger
	metrics *Metrics
	state   relayState // atomics, for anybody
	plays   playQueue  // posted to by anybody
	dropped bool       // under relay.mu: its side has given it up

	rtp, rtcp relaySocket
	params    *streamParams // nil before anything was agreed
	partner   *stream       // whose packets go to our peer, and who gets its; may be nil
	route     *relayRoute   // how our peer's formats are the partner's

	latch     latch
	connected bool
	steady    int
	srtp      srtpState
	reception reception
	clock     int // of what is received
	o         relayOut
	control   control
	feedback  relayFeedback

	player  relayPlayer
	keys    eventReceiver
	heardBy chan<- Digit // who is told of the peer's keys that its partner does not take; nil for video
	presser keyPresser
	playing bool // in the loop's list
	watched bool // its sockets are read
	closed  bool
}

// relaySocket is one of the two sockets of a stream.
type relaySocket struct {
	conn    Conn
	stream  *stream
	control bool
}

// streamParams is what a negotiation settled about a stream; immutable.
type streamParams struct {
	remote, rtcp netip.AddrPort
	mux          bool
	raw          bool // not RTP
	sends        bool // we may send to the peer
	receives     bool // the peer may send to us
	holds        bool // the peer does not want to hear us
	in, out      *srtpKey
	clocks       [128]int32 // of the formats that the peer may send; 0 for those that do not tell of the time
	codec        Codec      // that we can make sound in for the peer; UnknownCodec for none
	pt           uint8      // its number
	keyPT        uint8      // by which the peer takes keys
	keyClock     int        // its clock, 0 for a peer that takes no keys
	keyFrames    bool       // the peer can be asked for a picture by RTCP
}

// relayRule is what is done to a packet of one format on its way from a side to its partner.
type relayRule uint8

const (
	relayDrop   relayRule = iota // the partner does not take the format
	relayPass   relayRule = iota
	relayToPCMU relayRule = iota // from PCMA
	relayToPCMA relayRule = iota // from PCMU
	relayKey    relayRule = iota // a telephone-event that the partner does not take: its key is told
)

// relayRoute says it for each payload type; immutable.
type relayRoute struct {
	rule [128]relayRule
	pt   [128]uint8 // at the partner
}

// newStream takes a port pair. Nothing is read before the stream is handed to a loop, so what the peer sends meanwhile waits
// in the socket.
func newStream(p *Ports, kind string, log *slog.Logger) (*stream, error) {
	pair, err := p.take()
	if err != nil {
		return nil, err
	}
	s := &stream{pair: pair, kind: kind, log: log.With("rtp_port", pair.port), metrics: p.cfg.Metrics}
	s.rtp = relaySocket{conn: pair.rtp, stream: s}
	s.rtcp = relaySocket{conn: pair.rtcp, stream: s, control: true}
	s.o.init()
	s.control.init("")
	return s, nil
}

// adopt takes up what was negotiated.
func (s *stream) adopt(p *streamParams, now time.Time) {
	before := s.params
	s.params = p
	if p.remote.IsValid() && s.latch.signal(p.remote) { // a hold of RFC 2543 names none, and the peer stays where it is
		s.untie()
	}
	if p.rtcp.IsValid() && (before == nil || before.rtcp != p.rtcp || before.mux != p.mux) {
		s.control.signal(p.rtcp, p.mux)
	}
	if s.srtp.adopt(p.in, p.out, s.reception.ssrc, s.o.packets) {
		s.o.init()
	}
	if before != nil && (before.sends != p.sends || before.receives != p.receives) {
		s.o.pause()
		if s.partner != nil {
			s.partner.o.pause()
		}
	}
	if s.control.next.IsZero() {
		s.control.next = now.Add(jittered(reportInterval / 2))
	}
}

// join makes another stream the one whose packets go to our peer; nil parts them.
func (s *stream) join(partner *stream, route *relayRoute) {
	if s.partner != partner {
		s.partner = partner
		s.o.part()
		s.feedback = relayFeedback{}
		if partner != nil && s.kind == "video" {
			s.feedback.wantPicture = pictureTries
		}
	}
	s.route = route
}

// untie lets the peer come from anywhere again.
func (s *stream) untie() {
	s.steady = 0
	if s.connected {
		s.connected = false
		disconnect(s.pair.rtp)
	}
}

// tie makes the kernel take packets of the peer only, once it has shown to stay.
func (s *stream) tie() {
	if s.steady++; s.steady != connectAfter {
		return
	}
	if c, ok := s.pair.rtp.(Connector); ok {
		s.connected = c.Connect(s.latch.peer) == nil
	}
}

func (s *stream) drop(r dropReason) { s.metrics.drop(r) }

// receive takes one datagram of the RTP socket; b has room for srtpOverhead beyond its length.
func (s *stream) receive(b []byte, src netip.AddrPort, now time.Time) {
	if s.params == nil {
		s.drop(dropPayload)
		return
	}
	if s.params.raw {
		s.datagram(b, src, now)
		return
	}
	if isRTCP(b) {
		s.report(b, src, now)
		return
	}
	if s.srtp.in != nil {
		var ok bool
		if b, ok = s.srtp.in.packet(b); !ok {
			s.drop(dropUnproven)
			return
		}
	}
	var p rtpPacket
	if !p.parse(b) {
		s.drop(dropMalformed)
		return
	}
	if !s.heard(src, &p, now) {
		return
	}
	clock := int(s.params.clocks[p.pt])
	s.reception.update(&p, now, clock)
	s.state.received.Add(1)
	s.state.lastPT.Store(int32(p.pt) + 1)
	if clock != 0 {
		s.clock = clock
	}
	s.forward(b, &p, now)
}

// heard decides whether the packet is the peer's, and follows it when it has moved.
func (s *stream) heard(src netip.AddrPort, p *rtpPacket, now time.Time) bool {
	ok, moved := s.latch.accept(src, p, now)
	if !ok {
		s.drop(dropStranger)
		return false
	}
	if moved {
		s.untie()
		s.metrics.latched.Inc()
		s.control.moved(s.latch.peer)
		s.log.Info("media peer is elsewhere than signalled", "signalled", s.latch.signalled, "remote", s.latch.peer)
	}
	s.tie()
	s.state.lastRTP.Store(now.UnixNano())
	return true
}

// forward hands a packet of the peer to the partner.
func (s *stream) forward(b []byte, p *rtpPacket, now time.Time) {
	t := s.partner
	if t == nil || t.params == nil || s.route == nil {
		return
	}
	if !s.params.receives || !t.params.sends || t.playing {
		s.drop(dropHeld)
		return
	}
	switch s.route.rule[p.pt] {
	case relayPass:
	case relayToPCMU:
		transcode(&alawToUlaw, p.payload)
	case relayToPCMA:
		transcode(&ulawToAlaw, p.payload)
	case relayKey:
		s.keyHeard(p, now)
		return
	default:
		s.drop(dropPayload)
		return
	}
	clock := s.clock
	if clock == 0 {
		clock = s.usualClock()
	}
	seq, ts, marker, ok := t.o.relay(p, clock, now)
	if !ok {
		s.drop(dropLate)
		return
	}
	putRTPNumbers(b, marker, s.route.pt[p.pt], seq, ts, t.o.ssrc)
	t.o.clock = clock
	t.write(b)
	s.metrics.relayed.Inc()
}

// usualClock is the clock of a format that did not tell its own.
func (s *stream) usualClock() int {
	if s.kind == "video" {
		return 90000
	}
	return 8000
}

// datagram takes a packet that is not RTP: T.38 begins with a sequence number, by which a peer is followed.
func (s *stream) datagram(b []byte, src netip.AddrPort, now time.Time) {
	if len(b) < 4 {
		s.drop(dropMalformed)
		return
	}
	p := rtpPacket{seq: uint16(b[0])<<8 | uint16(b[1])}
	if !s.heard(src, &p, now) {
		return
	}
	if t := s.partner; t != nil && t.params != nil && t.params.raw {
		t.write(b)
		s.metrics.relayed.Inc()
	}
}

// write sends a packet to the peer, secured when it wants that.
func (s *stream) write(b []byte) {
	if !s.latch.peer.IsValid() {
		return
	}
	if s.srtp.out != nil {
		var ok bool
		if b, ok = s.srtp.out.packet(b); !ok {
			s.metrics.sendFailures.Inc()
			return
		}
	}
	if s.pair.rtp.WriteTo(b, s.latch.peer) != nil {
		s.metrics.sendFailures.Inc()
		return
	}
	s.state.sent.Add(1)
}

// relayState is what a stream publishes.
type relayState struct {
	lastRTP, lastRTCP        atomic.Int64 // unix ns, 0 before
	lastPT                   atomic.Int32 // of the packet received last, plus one
	received, lost, sent     atomic.Uint64
	jitter                   atomic.Int64 // ns
	remoteLost, remoteJitter atomic.Int64
	roundTrip                atomic.Int64 // ns
}
