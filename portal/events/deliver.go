package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	attemptLimit = 15 * time.Second // of one attempt, answer included
	firstRetry   = time.Second
	longestRetry = 5 * time.Minute
	longestAsked = time.Hour // of a receiver's Retry-After
	readAtOnce   = 200       // events that a webhook reads ahead
)

// hook is a webhook with its delivery.
type hook struct {
	w      Webhook // as it was kept last; seq, Failing and Disabled live on below
	cancel context.CancelFunc
	done   chan struct{}

	seq atomic.Uint64 // the last event that was delivered or passed over

	mu        sync.Mutex // guards what follows
	failing   time.Time
	disabled  string
	attempts  int
	next      time.Time
	delivered time.Time
	lastError string
}

func newHook(w Webhook) *hook {
	h := &hook{w: w, failing: w.Failing, disabled: w.Disabled}
	h.seq.Store(w.Seq)
	return h
}

// state is how the webhook stands, but for what the log knows.
func (h *hook) state() WebhookState {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := WebhookState{Webhook: h.w, Condition: Delivering, Attempts: h.attempts, Next: h.next, Delivered: h.delivered, LastError: h.lastError}
	st.Seq, st.Failing, st.Disabled = h.seq.Load(), h.failing, h.disabled
	switch {
	case st.Disabled != "":
		st.Condition = Stopped
	case !st.Active:
		st.Condition = Off
	case !st.Failing.IsZero():
		st.Condition = Retrying
	}
	return st
}

// work sends the log to a webhook until ctx is done or the server gives the webhook up. A panic ends this webhook only.
func (s *Webhooks) work(ctx context.Context, h *hook, w Webhook) {
	log := s.log.With("webhook", w.ID)
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			log.ErrorContext(ctx, "webhook panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.disable(ctx, h, "internal error")
		}
	}()
	at := s.cfg.Events.at(h.seq.Load())
	filter := Filter{Types: w.Types, Site: w.Site}
	for ctx.Err() == nil {
		news := s.cfg.Events.News(at)
		p, err := s.cfg.Events.Read(ctx, at, readAtOnce, filter)
		switch {
		case errors.Is(err, ErrGone):
			p, err = s.gap(ctx, at)
			if err == nil {
				break
			}
			fallthrough
		case err != nil:
			log.ErrorContext(ctx, "webhook cannot read the log", "err", err)
			pause(ctx, longestRetry/10)
			continue
		}
		for i := range p.Events {
			if !s.deliver(ctx, log, h, w, &p.Events[i]) {
				return
			}
			h.seq.Store(p.Events[i].Seq)
		}
		at = p.Next
		h.seq.Store(at.seq)
		if p.More {
			continue
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

// gap is what stands for events that the log dropped before the webhook got them.
func (s *Webhooks) gap(ctx context.Context, at Cursor) (Page, error) {
	span, err := s.cfg.Events.cfg.Store.EventSpan(ctx) // fresher than what the log has told of itself
	if err != nil {
		return Page{}, fmt.Errorf("read the event log: %w", err)
	}
	oldest := Cursor{log: span.Name, seq: span.First - 1}
	if oldest.seq <= at.seq { // the log is younger than the webhook, which no gap explains
		return Page{Next: oldest, More: true}, nil
	}
	data, err := json.Marshal(Lost{Count: oldest.seq - at.seq, From: at.String(), To: oldest.String()})
	if err != nil {
		panic(err) // numbers and texts
	}
	return Page{Next: oldest, More: true, Events: []Event{{
		ID: oldest.String(), Type: EventsLost, Time: time.Now().UTC(), Sites: []string{}, Data: data, Seq: oldest.seq,
	}}}, nil
}

// deliver sends one event, as often as it takes. It returns false when ctx is done or the webhook was given up.
func (s *Webhooks) deliver(ctx context.Context, log *slog.Logger, h *hook, w Webhook, e *Event) bool {
	body, err := json.Marshal(e)
	if err != nil {
		log.ErrorContext(ctx, "event not sent", "event", string(e.Type), "err", err)
		return true
	}
	for attempt := 1; ; attempt++ {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		o := s.attempt(ctx, w, e.ID, body)
		<-s.slots
		if ctx.Err() != nil && o.err != nil {
			return false
		}
		if o.err == nil {
			s.metrics.attempts.WithLabelValues("delivered").Inc()
			if h.succeeded() {
				log.InfoContext(ctx, "webhook answers again", "attempts", attempt)
				s.keep(ctx, h)
			}
			return true
		}
		s.metrics.attempts.WithLabelValues("failed").Inc()
		wait := max(retryDelay(attempt), min(o.after, longestAsked))
		first := h.failed(o.err.Error(), attempt, time.Now().Add(wait))
		if first {
			log.WarnContext(ctx, "webhook fails, its events wait", "err", o.err)
		}
		switch {
		case o.gone:
			s.disable(ctx, h, "the receiver answered 410: it wants no more")
			return false
		case time.Since(h.state().Failing) >= s.cfg.GiveUp:
			s.disable(ctx, h, "nothing could be delivered since "+h.state().Failing.UTC().Format(time.RFC3339)+": "+o.err.Error())
			return false
		case first:
			s.keep(ctx, h)
		}
		if !pause(ctx, wait) {
			return false
		}
	}
}

// retryDelay grows from a second to five minutes, each a little different, so that webhooks do not come all at once.
func retryDelay(attempt int) time.Duration {
	d := longestRetry
	if attempt < 10 {
		d = min(d, firstRetry<<(attempt-1))
	}
	return d - time.Duration(rand.Int64N(int64(d/10)))
}

// pause waits; false when ctx is done first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// succeeded notes a delivery; it tells whether the webhook was failing.
func (h *hook) succeeded() (again bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	again = !h.failing.IsZero()
	h.failing, h.attempts, h.next, h.lastError, h.delivered = time.Time{}, 0, time.Time{}, "", time.Now().UTC()
	return again
}

// failed notes an attempt; first tells whether all was well before.
func (h *hook) failed(cause string, attempt int, next time.Time) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if first = h.failing.IsZero(); first {
		h.failing = time.Now().UTC()
	}
	h.attempts, h.next, h.lastError = attempt, next.UTC(), cause
	return first
}

// disable gives a webhook up.
func (s *Webhooks) disable(ctx context.Context, h *hook, why string) {
	h.mu.Lock()
	h.disabled, h.next = why, time.Time{}
	h.mu.Unlock()
	s.log.ErrorContext(ctx, "webhook disabled", "webhook", h.w.ID, "cause", why)
	s.keep(ctx, h)
}

// keep stores how a webhook stands, so that it is told after a restart too.
func (s *Webhooks) keep(ctx context.Context, h *hook) {
	w := h.state().Webhook
	if err := s.cfg.Store.SaveWebhook(context.WithoutCancel(ctx), w); err != nil {
		s.log.ErrorContext(ctx, "state of a webhook not kept", "webhook", w.ID, "err", err)
	}
}
