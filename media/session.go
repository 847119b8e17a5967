package media

import (
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// SessionConfig says how sessions negotiate.
type SessionConfig struct {
	// Codecs are what is offered and accepted, best first; nil means PCMA and PCMU.
	Codecs []Codec
	// Ptime is how many ms of sound a packet of ours has when the peer wishes nothing: 10 to 60; zero is 20.
	Ptime int
	// Local is the address where the leg's signalling arrived. Descriptions name it when the ports are bound to every
	// address and no other is to be advertised.
	Local netip.Addr
	// Secure says how the media may be secured; it is NoSRTP unless the leg's signalling is secured itself.
	Secure SRTPPolicy
	// Dialog is what was described in the leg's dialog before, by [Session.Dialog] or [Side.Dialog]; nil begins anew.
	Dialog *Dialog
	// CNAME names the server in RTCP (RFC 3550 §6.5.1); empty means a random one per session (RFC 7022 §4.2).
	CNAME string
	// Log may be nil.
	Log *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
}

// Session is the RTP session of one leg (RFC 3550 §3). See the package comment for who may call what when.
type Session struct {
	ports   *Ports
	pair    *portPair
	cfg     SessionConfig
	log     *slog.Logger
	metrics *Metrics

	sdp    sdpState
	params atomic.Pointer[sessionParams] // what was negotiated; nil before
	plays  playQueue
	digit  atomic.Pointer[func(Digit)]
	first  chan struct{} // closed at the first packet
	broken chan struct{} // closed by a mixer whose tick panicked over the session
	muted  atomic.Bool
	state  sharedState

	mu     sync.Mutex // guards owner and closed
	owner  *Mixer
	closed bool
	ending atomic.Bool // closed, for the tick to see

	// ---- owned by the mixer, by Close when there is none ----
	in      inbound
	srtp    srtpState
	out     outbound
	control control
}

// NewSession takes a port pair and is ready to negotiate.
func NewSession(p *Ports, cfg SessionConfig) (*Session, error) {
	if cfg.Codecs == nil {
		cfg.Codecs = defaultCodecs
	}
	cfg.Codecs = slices.DeleteFunc(slices.Clone(cfg.Codecs), func(c Codec) bool { return !c.Mixable() })
	if len(cfg.Codecs) == 0 {
		return nil, errors.New("media session without a codec that can be mixed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = p.cfg.Metrics
	}
	pair, err := p.take()
	if err != nil {
		return nil, err
	}
	s := &Session{
		ports: p, pair: pair, cfg: cfg, metrics: cfg.Metrics, first: make(chan struct{}), broken: make(chan struct{}),
		log: cfg.Log.With("rtp_port", pair.port),
	}
	if s.sdp.dialog = cfg.Dialog; cfg.Dialog == nil {
		s.sdp.dialog = newDialog()
	}
	s.in.init()
	s.out.init()
	s.control.init(cfg.CNAME)
	return s, nil
}

// OnDigit sets who is told of digits; nil tells nobody. The function runs on the mixer's tick and must not wait.
func (s *Session) OnDigit(f func(Digit)) {
	if f == nil {
		s.digit.Store(nil)
		return
	}
	s.digit.Store(&f)
}

// Mute leaves the peer's sound out of the mix, or lets it in again: the peer hears the others as before, its digits are
// told, and State tells whether it speaks. It takes effect with the mixer's next tick, on whatever mixer the session is.
func (s *Session) Mute(on bool) { s.muted.Store(on) }

// FirstPacket is closed when the peer's first packet has been accepted while the session was attached.
func (s *Session) FirstPacket() <-chan struct{} { return s.first }

// Broken is closed when a fault of ours ended the session's media: no mixer has it any more, and its leg should end.
func (s *Session) Broken() <-chan struct{} { return s.broken }

// Play appends a playback to those of the session. It takes the place of what the others say, or is added to it, as
// its Over says.
func (s *Session) Play(p *Playback) {
	p.sound = s.ports.sounds.shared(p.sound)
	p.sound.at(mixRate) // bring it to the rate here, not on the tick
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		p.finish()
		return
	}
	s.plays.post(p)
}

// StopPlayback ends what plays and drops what waits.
func (s *Session) StopPlayback() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays.post(nil)
	if s.owner == nil { // nobody else will
		s.plays.collect()
	}
}

// Close ends the session: RTCP BYE is sent and the ports drain. A session that is attached leaves its mixer at the next
// tick; detach it first to be sure that it has.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.ending.Store(true)
	if s.owner == nil {
		s.finishLocked()
	}
}

// claim makes m the owner.
func (s *Session) claim(m *Mixer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrSessionClosed
	case s.owner != nil:
		return ErrAttached
	}
	s.owner = m
	return nil
}

// release takes the session from its owner, and ends it when it was closed meanwhile.
func (s *Session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner = nil
	if s.closed {
		s.finishLocked()
	}
}

// finishLocked is called once, when nobody owns the session any more.
func (s *Session) finishLocked() {
	s.plays.collect()
	s.plays.drop()
	s.sendBye(time.Now())
	s.ports.give(s.pair)
}
