package media

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// MixerConfig says what kind of mixer to make.
type MixerConfig struct {
	// Isolated makes a lobby: its sessions hear their playbacks and announcements, not each other, and their digits are
	// also listened for in the sound.
	Isolated bool
	// Name stands in logs; it must not reveal a space ID.
	Name string
	// Log may be nil.
	Log *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
}

// Mixer lets sessions hear each other: each hears the sum of all others (RFC 7667 §3.6). One goroutine, Run, owns it.
type Mixer struct {
	cfg      MixerConfig
	log      *slog.Logger
	metrics  *Metrics
	phase    time.Duration // of its ticks within the frame time
	inbox    chan func()   // from do to Run
	done     chan struct{} // closed when Run has returned
	running  sync.Once
	announce playQueue
	mu       sync.Mutex // guards ended
	ended    bool       // announcements have nobody to take them

	// ---- owned by Run ----
	sessions []*Session
	at       *Session // whom the tick works for, nil for all of them
	mix      mixState
}

// mixerCount numbers mixers, to spread their ticks.
var mixerCount atomic.Uint32

// NewMixer makes a mixer that starts to work with Run.
func NewMixer(cfg MixerConfig) *Mixer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(nil)
	}
	m := &Mixer{
		cfg: cfg, metrics: cfg.Metrics, log: cfg.Log.With("mixer", cfg.Name),
		inbox: make(chan func()), done: make(chan struct{}),
		// Seven is prime to twenty: mixers one after the other are spread over the milliseconds of a frame.
		phase: time.Duration(mixerCount.Add(1)*7%20) * time.Millisecond,
	}
	m.mix.init(mixRate)
	m.announce.coalesce = true
	return m
}

// Run mixes until ctx is done or its tick panics. It is called once. Sessions that are attached at its end are detached.
func (m *Mixer) Run(ctx context.Context) (err error) {
	first := false
	m.running.Do(func() { first = true })
	if !first {
		return ErrMixerClosed
	}
	m.metrics.mixers.Inc()
	defer m.metrics.mixers.Dec()
	defer m.end()
	defer func() {
		if r := recover(); r != nil {
			m.metrics.panics.WithLabelValues("mixer").Inc()
			m.log.Error("mixer panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", ErrMixerPanic, r)
		}
	}()
	pace := newPacer(time.Now(), m.phase)
	timer := time.NewTimer(time.Until(pace.next))
	defer timer.Stop()
	for {
		select {
		case f := <-m.inbox:
			f()
		case <-timer.C:
			m.tick(&pace)
			timer.Reset(time.Until(pace.next))
		case <-ctx.Done():
			return nil
		}
	}
}

// tick mixes the frames that are due.
func (m *Mixer) tick(pace *pacer) {
	start := time.Now()
	due := pace.due(start)
	if due.late {
		m.metrics.lateTicks.Inc()
	}
	if due.skipped > 0 {
		m.metrics.skipped.Add(float64(due.skipped))
	}
	for i := range due.frames {
		m.mixSafely(due.first.Add(time.Duration(i) * frameTime))
	}
	m.metrics.mixSeconds.Observe(time.Since(start).Seconds())
}

// mixSafely is one tick. A panic over one session ends that session, whose Broken tells, and costs the others one frame; a
// panic over the mix of all ends the mixer.
func (m *Mixer) mixSafely(now time.Time) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		s := m.at
		if s == nil {
			panic(r)
		}
		m.at = nil
		m.metrics.panics.WithLabelValues("session").Inc()
		s.log.Error("media session panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		m.sessions = slices.DeleteFunc(m.sessions, func(o *Session) bool { return o == s })
		s.release()
		close(s.broken)
	}()
	m.mixOnce(now)
}

// end gives the sessions back.
func (m *Mixer) end() {
	for _, s := range m.sessions {
		s.release()
	}
	m.sessions = nil
	m.mu.Lock()
	m.ended = true
	m.announce.collect()
	m.announce.drop()
	m.mu.Unlock()
	close(m.done)
}

// Attach gives a session to the mixer. It returns when the mixer has it.
func (m *Mixer) Attach(ctx context.Context, s *Session) error {
	return m.do(ctx, func() error { return m.attach(s) })
}

// Detach takes a session back: when it has returned, the mixer does not touch the session any more. A mixer that has
// ended has none.
func (m *Mixer) Detach(ctx context.Context, s *Session) error {
	return m.do(ctx, func() error { return m.detach(s) })
}

// Announce plays to all sessions over what they say, after earlier announcements. One of a sound that waits already is
// done at once, so that ten who enter together ring once.
func (m *Mixer) Announce(p *Playback) {
	p.sound.at(mixRate)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		p.finish()
		return
	}
	m.announce.post(p)
}

// do has Run execute f between two ticks.
func (m *Mixer) do(ctx context.Context, f func() error) error {
	reply := make(chan error, 1)
	select {
	case m.inbox <- func() { reply <- f() }:
		select {
		case err := <-reply:
			return err
		case <-m.done: // f panicked
			return ErrMixerClosed
		}
	case <-m.done:
		return ErrMixerClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *Mixer) attach(s *Session) error {
	if err := s.claim(m); err != nil {
		return err
	}
	m.sessions = append(m.sessions, s)
	return nil
}

func (m *Mixer) detach(s *Session) error {
	i := slices.Index(m.sessions, s)
	if i < 0 {
		return ErrNotAttached
	}
	m.sessions = slices.Delete(m.sessions, i, i+1)
	s.release()
	return nil
}
