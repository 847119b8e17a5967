package events_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"passerelle/portal/events"
	"passerelle/store"
)

type note struct {
	By string `json:"by,omitempty"`
	N  int    `json:"n"`
}

// world is a log in a store, in a synctest bubble.
type world struct {
	t    *testing.T
	path string
	key  store.Key
	cfg  events.Config // Store is filled in
	st   *store.Store
	log  *events.Log
	stop context.CancelFunc
	done chan struct{}

	transport http.RoundTripper // of webhooks
	hooks     *events.Webhooks
	crashed   atomic.Bool
}

func inWorld(t *testing.T, scenario func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		key, _, err := store.FindKey(store.KeySource{Generate: filepath.Join(dir, "key")})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, path: filepath.Join(dir, "events.db"), key: key}
		scenario(w)
		if w.stop != nil {
			w.close()
		}
	})
}

// open starts the log; close ends it as a shutdown does.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.st, err = store.Open(w.path, w.key); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Store = w.st
	w.log = events.NewLog(w.cfg)
	if err := w.log.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.hooks = events.NewWebhooks(events.WebhooksConfig{Events: w.log, Store: crashing{w.st, w}, Transport: w.transport})
	if err := w.hooks.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop, w.done = stop, make(chan struct{})
	w.crashed.Store(false)
	var runs sync.WaitGroup
	log, hooks := w.log, w.hooks
	runs.Go(func() { _ = log.Run(ctx) })
	runs.Go(func() { _ = hooks.Run(ctx) })
	go func() { // ends by close
		defer close(w.done)
		runs.Wait()
	}()
}

// crash ends the log without the last word of the webhooks.
func (w *world) crash() {
	w.crashed.Store(true)
	w.close()
}

// crashing is the store of a server that may crash: from then on nothing is kept.
type crashing struct {
	*store.Store
	w *world
}

// SavePlaces implements events.WebhookStore.
func (c crashing) SavePlaces(ctx context.Context, places map[string]uint64) error {
	if c.w.crashed.Load() {
		return nil
	}
	return c.Store.SavePlaces(ctx, places)
}

func (w *world) close() {
	w.stop()
	<-w.done
	if err := w.st.Close(); err != nil {
		w.t.Error(err)
	}
	w.stop = nil
}

func (w *world) post(n int) {
	w.log.Post(events.Draft{Type: events.CallBegan, Data: note{N: n}})
}

func (w *world) cursor(text string) events.Cursor {
	w.t.Helper()
	c, err := w.log.Cursor(text, events.Oldest)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// all reads the log from a cursor to its end, page by page.
func (w *world) all(from events.Cursor, f events.Filter) (list []events.Event) {
	w.t.Helper()
	for {
		p, err := w.log.Read(w.t.Context(), from, 100, f)
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, p.Events...)
		if from = p.Next; !p.More {
			return list
		}
	}
}

func noteOf(t *testing.T, e events.Event) (n note) {
	t.Helper()
	if err := json.Unmarshal(e.Data, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func lostOf(t *testing.T, e events.Event) (l events.Lost) {
	t.Helper()
	if err := json.Unmarshal(e.Data, &l); err != nil {
		t.Fatal(err)
	}
	return l
}
