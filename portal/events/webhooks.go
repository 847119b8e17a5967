package events

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WebhooksConfig is what Webhooks stand on; Log and Store are required.
type WebhooksConfig struct {
	Events    *Log
	Store     WebhookStore
	Transport http.RoundTripper // sends; nil is NewTransport
	// Networks are private networks that webhooks may reach beside the Internet.
	Networks []netip.Prefix
	GiveUp   time.Duration // how long a webhook may fail before it is disabled; zero means 5 days
	Agent    string        // User-Agent
	Log      *slog.Logger  // nil discards
	Metrics  prometheus.Registerer
}

const (
	// MaxWebhooks is how many there may be.
	MaxWebhooks = 64

	defaultGiveUp = 5 * 24 * time.Hour
	saveEvery     = time.Second // of the places; after a crash, events of that time come again
	maxAttempts   = 16          // at once, of all webhooks
)

// Webhooks sends the log to webhooks. Each has a goroutine of its own from Run, or from when it is switched on, to the end of
// Run, or to when it is switched off.
type Webhooks struct {
	cfg     WebhooksConfig
	log     *slog.Logger
	metrics *webhookMetrics
	slots   chan struct{}

	editing sync.Mutex // one change of the settings at a time; held over the store and the end of a worker
	mu      sync.Mutex // guards what follows; nothing is called while held
	hooks   map[string]*hook
	saved   map[string]uint64 // places as the store has them
	running context.Context   // of Run; nil before and after
	workers sync.WaitGroup
}

// NewWebhooks does no work yet.
func NewWebhooks(cfg WebhooksConfig) *Webhooks {
	cfg.GiveUp = cmp.Or(cfg.GiveUp, defaultGiveUp)
	if cfg.Transport == nil {
		cfg.Transport = NewTransport(cfg.Networks)
	}
	s := &Webhooks{
		cfg: cfg, log: cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)), slots: make(chan struct{}, maxAttempts),
		hooks: make(map[string]*hook), saved: make(map[string]uint64),
	}
	s.metrics = newWebhookMetrics(cfg.Metrics, s)
	return s
}

// Load reads what was kept, before Run.
func (s *Webhooks) Load(ctx context.Context) error {
	list, err := s.cfg.Store.LoadWebhooks(ctx)
	if err != nil {
		return fmt.Errorf("load the webhooks: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range list {
		s.hooks[w.ID], s.saved[w.ID] = newHook(w), w.Seq
	}
	return nil
}

// Run sends until ctx is done, and keeps how far each webhook is.
func (s *Webhooks) Run(ctx context.Context) error {
	s.mu.Lock()
	s.running = ctx
	for _, h := range s.hooks {
		s.startLocked(h)
	}
	s.mu.Unlock()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			s.savePlaces(ctx)
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	s.running = nil
	s.mu.Unlock()
	s.workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushLimit)
	defer cancel()
	s.savePlaces(last)
	return nil
}

// startLocked gives a webhook its goroutine if it is to have one.
func (s *Webhooks) startLocked(h *hook) {
	if c := h.state().Condition; s.running == nil || c == Off || c == Stopped {
		return
	}
	ctx, cancel := context.WithCancel(s.running)
	h.cancel, h.done = cancel, make(chan struct{})
	w, done := h.w, h.done
	s.workers.Go(func() { // ends by cancel, or by giving up
		defer close(done)
		defer cancel()
		s.work(ctx, h, w)
	})
}

// stop ends a webhook's goroutine and returns when it has ended; s.editing is held.
func (s *Webhooks) stop(h *hook) {
	s.mu.Lock()
	cancel, done := h.cancel, h.done
	s.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

// savePlaces keeps how far webhooks are, if that has changed.
func (s *Webhooks) savePlaces(ctx context.Context) {
	places := make(map[string]uint64)
	s.mu.Lock()
	for id, h := range s.hooks {
		if seq := h.seq.Load(); seq != s.saved[id] {
			places[id] = seq
		}
	}
	s.mu.Unlock()
	if len(places) == 0 {
		return
	}
	if err := s.cfg.Store.SavePlaces(ctx, places); err != nil {
		s.log.ErrorContext(ctx, "places of webhooks not kept", "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, seq := range places {
		if s.hooks[id] != nil {
			s.saved[id] = seq
		}
	}
}

// Webhooks gives all webhooks, by name.
func (s *Webhooks) Webhooks() []WebhookState {
	s.mu.Lock()
	hooks := slices.Collect(maps.Values(s.hooks))
	states := make([]WebhookState, 0, len(hooks))
	for _, h := range hooks {
		states = append(states, s.stateLocked(h))
	}
	s.mu.Unlock()
	slices.SortFunc(states, func(a, b WebhookState) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return states
}

// Webhook gives the webhook with that ID.
func (s *Webhooks) Webhook(id string) (WebhookState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hooks[id]
	if !ok {
		return WebhookState{}, ErrNoWebhook
	}
	return s.stateLocked(h), nil
}

func (s *Webhooks) stateLocked(h *hook) WebhookState {
	st := h.state()
	at := s.cfg.Events.at(st.Seq)
	st.Cursor = at.String()
	if last := s.cfg.Events.span().Last; last > st.Seq {
		st.Waiting = last - st.Seq
	}
	return st
}

// Create adds a webhook; a secret is made if there is none. from is the cursor after which it begins; empty means Latest.
func (s *Webhooks) Create(ctx context.Context, w Webhook, from string) (WebhookState, error) {
	s.editing.Lock()
	defer s.editing.Unlock()
	at, err := s.cfg.Events.Cursor(from, Latest)
	if err != nil {
		return WebhookState{}, err
	}
	w.ID, w.Created, w.Revision, w.Seq = strings.ToLower(rand.Text()[:16]), time.Now().UTC(), 1, at.seq
	w.Secret = cmp.Or(w.Secret, NewSecret())
	if err := w.check(s.cfg.Networks); err != nil {
		return WebhookState{}, err
	}
	s.mu.Lock()
	full := len(s.hooks) >= MaxWebhooks
	s.mu.Unlock()
	if full {
		return WebhookState{}, ErrTooMany
	}
	if err := s.cfg.Store.SaveWebhook(ctx, w); err != nil {
		return WebhookState{}, fmt.Errorf("keep a webhook: %w", err)
	}
	s.put(newHook(w))
	return s.Webhook(w.ID)
}

// put has a webhook take the place of the one with its ID.
func (s *Webhooks) put(h *hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[h.w.ID], s.saved[h.w.ID] = h, h.w.Seq
	s.startLocked(h)
}

// Change alters a webhook by change, which may refuse, and has it go on from a cursor if one is given, else from where it was. A
// webhook that the server has disabled is tried again.
func (s *Webhooks) Change(ctx context.Context, id, from string, change func(*Webhook) error) (WebhookState, error) {
	s.editing.Lock()
	defer s.editing.Unlock()
	s.mu.Lock()
	h, ok := s.hooks[id]
	s.mu.Unlock()
	if !ok {
		return WebhookState{}, ErrNoWebhook
	}
	w := h.state().Webhook
	if err := change(&w); err != nil {
		return WebhookState{}, err
	}
	if err := w.check(s.cfg.Networks); err != nil {
		return WebhookState{}, err
	}
	s.stop(h)
	w.Seq = h.seq.Load()
	w.Revision++
	w.Disabled, w.Failing = "", time.Time{}
	err := error(nil)
	if from != "" {
		var at Cursor
		if at, err = s.cfg.Events.Cursor(from, ""); err == nil {
			w.Seq = at.seq
		}
	}
	if err == nil {
		if err = s.cfg.Store.SaveWebhook(ctx, w); err != nil {
			err = fmt.Errorf("keep webhook %s: %w", id, err)
		}
	}
	if err != nil { // it goes on as it was
		s.mu.Lock()
		s.startLocked(h)
		s.mu.Unlock()
		return WebhookState{}, err
	}
	s.put(newHook(w))
	return s.Webhook(id)
}

// Delete removes a webhook unless may refuses.
func (s *Webhooks) Delete(ctx context.Context, id string, may func(Webhook) error) error {
	s.editing.Lock()
	defer s.editing.Unlock()
	st, err := s.Webhook(id)
	if err != nil {
		return err
	}
	if err := may(st.Webhook); err != nil {
		return err
	}
	s.mu.Lock()
	h := s.hooks[id]
	s.mu.Unlock()
	s.stop(h) // first: it keeps how it stands
	err = s.cfg.Store.DeleteWebhook(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.startLocked(h)
		return fmt.Errorf("delete webhook %s: %w", id, err)
	}
	delete(s.hooks, id)
	delete(s.saved, id)
	return nil
}
