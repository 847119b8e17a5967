package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"passerelle/portal/events"
	"passerelle/portal/events/eventstest"
)

// eventsToken has the scope of events only.
const eventsToken = "events-token-of-the-tests"

// newEventLog runs a log that keeps most events; it ends with the test.
func newEventLog(t *testing.T, most int) *events.Log {
	t.Helper()
	l := events.NewLog(events.Config{Store: &eventstest.Memory{}, Most: most})
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _ = l.Run(t.Context()) }() // ends with the test
	return l
}

// post posts events and waits until the log has them.
func post(t *testing.T, l *events.Log, list ...events.Draft) {
	t.Helper()
	for _, d := range list {
		at, err := l.Cursor("", events.Latest)
		if err != nil {
			t.Fatal(err)
		}
		news := l.News(at)
		l.Post(d)
		<-news
	}
}

// hooks are receivers of a world's webhooks.
type hooks struct {
	mu   sync.Mutex
	got  []string // IDs of events
	fail bool
}

func newHooks() *hooks { return &hooks{} }

// RoundTrip implements http.RoundTripper.
func (h *hooks) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail {
		return nil, errors.New("nobody listens")
	}
	h.got = append(h.got, r.Header.Get("Webhook-Id"))
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

// webhooks runs the world's webhooks; they end with the test.
func (w *world) webhooks(t *testing.T) *events.Webhooks {
	t.Helper()
	log, ok := w.events.(*events.Log)
	if !ok {
		return nil
	}
	all := events.NewWebhooks(events.WebhooksConfig{Events: log, Store: &eventstest.Memory{}, Transport: w.hooks})
	go func() { _ = all.Run(t.Context()) }() // ends with the test
	w.hooked = all
	return all
}

// hook adds a webhook of a site and gives its ID.
func (w *world) hook(t *testing.T, site string) string {
	t.Helper()
	s, err := w.hooked.Create(context.Background(), events.Webhook{Name: "CRM of " + site, URL: "https://crm.acme.test/in", Site: site, Active: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}
