package party

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
	"passerelle/media"
	"passerelle/sip"
)

// Config is what all parties of a server share. Ports and Lobby are required.
type Config struct {
	Ports *media.Ports
	// Lobby mixes nobody with anybody: a party stands there until it is moved to a bridge.
	Lobby *media.Mixer
	// Session is passed to every media session.
	Session media.SessionConfig
	// Begun, if not nil, is told of each party that is up. It must not wait.
	Begun func(*Party)
	// Ended, if not nil, is told of each party that ends, before its Done is closed. It must not wait.
	Ended func(*Party)
	// Referred, if not nil, is told of each REFER in a party's dialog; it answers it, and must not wait. Without it they are
	// refused.
	Referred func(*Party, sip.ReferEvent)
	Log      *slog.Logger
	Metrics  prometheus.Registerer // nil keeps them private
}

// Party is one answered leg with its media session.
type Party struct {
	leg     *sip.Leg
	session *media.Session
	log     *slog.Logger
	begun   func(*Party)
	notify  func(*Party)
	refer   func(*Party, sip.ReferEvent)
	early   []sip.LegEvent // told before the party was made
	panics  prometheus.Counter
	since   time.Time     // answered; zero before
	ready   chan struct{} // closed when prompts may start
	keys    chan byte
	ended   chan struct{} // closed when the session is closed and its ports are given back

	digits chan media.Digit // from the mixer's tick

	mu    sync.Mutex
	mixer *media.Mixer // where the session is; nil when the party has ended
}

// keysWaiting is how many keys may wait for their reader; more than one entry of the longest ID.
const keysWaiting = 64

// Answer negotiates media with the leg's offer (or makes one, RFC 3261 §13.3.1.4, when the INVITE has none), answers
// 200, waits for the ACK and returns with the session standing in the lobby. On error nothing is left behind, and the
// error knows the status for the leg if it is unanswered.
func Answer(ctx context.Context, leg *sip.Leg, cfg Config) (*Party, error) {
	source := leg.Invite().Source
	cfg.Session.Local, cfg.Session.Secure = source.Local.Addr(), SecureOf(source)
	session, err := media.NewSession(cfg.Ports, cfg.Session)
	if err != nil {
		return nil, statusOf(err)
	}
	p := newParty(leg, session, cfg)
	if err := p.answer(ctx, cfg.Lobby); err != nil {
		p.close()
		return nil, err
	}
	p.begin()
	return p, nil
}

// newParty returns a party of which nothing runs yet.
func newParty(leg *sip.Leg, session *media.Session, cfg Config) *Party {
	p := &Party{
		leg:     leg,
		session: session,
		log:     cfg.Log.With("call_id", leg.CallID()),
		begun:   cfg.Begun,
		notify:  cfg.Ended,
		refer:   cfg.Referred,
		panics:  metric.OwnerPanics(cfg.Metrics).WithLabelValues("party"),
		ready:   make(chan struct{}),
		keys:    make(chan byte, keysWaiting),
		ended:   make(chan struct{}),
		digits:  make(chan media.Digit, keysWaiting),
		mixer:   cfg.Lobby,
	}
	session.OnDigit(p.postDigit)
	return p
}

// begin starts the owner.
func (p *Party) begin() {
	p.since = time.Now()
	if p.begun != nil {
		p.begun(p)
	}
	go p.run() // ends with the leg; Done tells
}

func (p *Party) answer(ctx context.Context, lobby *media.Mixer) error {
	offer := p.leg.Offer()
	var sdp []byte
	var err error
	if offer == nil {
		sdp, err = p.session.Offer()
	} else {
		sdp, err = p.session.Accept(offer)
	}
	if err != nil {
		return statusOf(err)
	}
	// The session listens before the 200 leaves: media may arrive before the ACK (RFC 3264 §5.1).
	if err := lobby.Attach(ctx, p.session); err != nil {
		return statusOf(err)
	}
	if offer != nil {
		return p.leg.Answer(ctx, sdp)
	}
	answer, err := p.leg.AnswerWithOffer(ctx, sdp)
	if err != nil {
		return err
	}
	if err := p.session.Complete(answer); err != nil {
		return statusOf(err)
	}
	return nil
}

// Leg is the SIP side of the party.
func (p *Party) Leg() *sip.Leg { return p.leg }

// Session is the media side of the party.
func (p *Party) Session() *media.Session { return p.session }

// Since is when the leg was answered.
func (p *Party) Since() time.Time { return p.since }

// Keys delivers each pressed key once, whatever roads it came by: 0-9, *, #, A-D.
func (p *Party) Keys() <-chan byte { return p.keys }

// Done is closed when the leg has ended and the session's ports are given back.
func (p *Party) Done() <-chan struct{} { return p.ended }

// Ready is closed when media flows and prompts may start: at the first packet from the peer, at most 400 ms after the
// ACK. A prompt that starts earlier loses its first word.
func (p *Party) Ready() <-chan struct{} { return p.ready }

// MoveTo takes the session from the mixer where it stands to another one.
func (p *Party) MoveTo(ctx context.Context, to *media.Mixer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mixer == nil {
		return sip.ErrLegEnded
	}
	if err := p.mixer.Detach(ctx, p.session); err != nil && !errors.Is(err, media.ErrMixerClosed) {
		return fmt.Errorf("leave mixer: %w", err)
	}
	if err := to.Attach(ctx, p.session); err != nil {
		return fmt.Errorf("join mixer: %w", err)
	}
	p.mixer = to
	return nil
}

// Hangup ends the leg with a BYE that carries r, and returns when the ports are given back.
func (p *Party) Hangup(ctx context.Context, r sip.Reason) error {
	if err := p.leg.Hangup(ctx, r); err != nil && !errors.Is(err, sip.ErrLegEnded) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// postDigit is called on the mixer's tick; it never waits. Sixty-four keys that nobody read are enough.
func (p *Party) postDigit(d media.Digit) {
	select {
	case p.digits <- d:
	default:
	}
}

// close gives the session back; it is called once, by Answer or by run.
func (p *Party) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Detaching waits for one tick of the mixer at most, whatever became of the leg's context.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := p.mixer.Detach(ctx, p.session); err != nil && !errors.Is(err, media.ErrMixerClosed) && !errors.Is(err, media.ErrNotAttached) {
		p.log.Warn("session not detached", "err", err)
	}
	p.mixer = nil
	p.session.Close()
	if p.notify != nil && !p.since.IsZero() {
		p.notify(p)
	}
	close(p.ended)
}

// statusOf gives a media error the SIP status that tells the peer.
func statusOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, media.ErrNoCommonCodec):
		return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err, Warning: "No common codec: PCMA or PCMU is needed"}
	case errors.Is(err, media.ErrSRTPOnly):
		return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err, Warning: "SRTP needs a call by TLS; offer RTP/AVP"}
	case errors.Is(err, media.ErrBadSDP):
		return &sip.StatusError{Code: 400, Reason: "Bad Session Description", Err: err}
	case errors.Is(err, media.ErrNoPorts), errors.Is(err, media.ErrPortsClosed), errors.Is(err, media.ErrMixerClosed):
		return &sip.StatusError{Code: 503, Reason: "Service Unavailable", Err: err, RetryAfter: noPortsRetry}
	}
	return err
}

// noPortsRetry is how long a caller is asked to wait when no media port is free (RFC 3261 §20.33).
const noPortsRetry = 10 * time.Second
