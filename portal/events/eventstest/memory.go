// Package eventstest keeps event logs in memory, for tests.
package eventstest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"passerelle/portal/events"
)

// Memory is a store that a test's end forgets. Its log is called testlog. The zero value is empty.
type Memory struct {
	mu    sync.Mutex
	first uint64 // number of the last event that was dropped
	list  []events.Event
	hooks map[string]events.Webhook
}

var (
	_ events.Store        = (*Memory)(nil)
	_ events.WebhookStore = (*Memory)(nil)
)

// EventSpan implements events.Store.
func (m *Memory) EventSpan(context.Context) (events.Span, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spanLocked(), nil
}

func (m *Memory) spanLocked() events.Span {
	return events.Span{Name: "testlog", First: m.first + 1, Last: m.first + uint64(len(m.list))}
}

// AppendEvents implements events.Store; it keeps events of any age.
func (m *Memory) AppendEvents(_ context.Context, list []events.Event, b events.Bounds) (events.Span, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range list {
		e.Seq = m.first + uint64(len(m.list)) + 1
		m.list = append(m.list, e)
	}
	if over := len(m.list) - b.Most; over > 0 {
		m.first, m.list = m.first+uint64(over), m.list[over:]
	}
	return m.spanLocked(), nil
}

// Events implements events.Store.
func (m *Memory) Events(_ context.Context, after uint64, n int) ([]events.Event, events.Span, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.list[min(max(after, m.first)-m.first, uint64(len(m.list))):]
	return slices.Clone(rest[:min(len(rest), n)]), m.spanLocked(), nil
}

// LoadWebhooks implements events.WebhookStore.
func (m *Memory) LoadWebhooks(context.Context) ([]events.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.hooks)), nil
}

// SaveWebhook implements events.WebhookStore.
func (m *Memory) SaveWebhook(_ context.Context, w events.Webhook) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hooks == nil {
		m.hooks = make(map[string]events.Webhook)
	}
	m.hooks[w.ID] = w
	return nil
}

// DeleteWebhook implements events.WebhookStore.
func (m *Memory) DeleteWebhook(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.hooks, id)
	return nil
}

// SavePlaces implements events.WebhookStore.
func (m *Memory) SavePlaces(_ context.Context, places map[string]uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, seq := range places {
		if w, ok := m.hooks[id]; ok {
			w.Seq = seq
			m.hooks[id] = w
		}
	}
	return nil
}
