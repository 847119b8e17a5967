package sip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memLocations is a store in memory that can fail.
type memLocations struct {
	mu    sync.Mutex // guards all below
	kept  map[BindingKey]Binding
	fail  error
	saves []string // "put N del M"
}

func newMemLocations() *memLocations { return &memLocations{kept: make(map[BindingKey]Binding)} }

func (m *memLocations) LoadBindings(context.Context) ([]Binding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Binding
	for _, b := range m.kept {
		list = append(list, b)
	}
	return list, m.fail
}

func (m *memLocations) SaveBindings(_ context.Context, put []Binding, del []BindingKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, b := range put {
		m.kept[b.Key()] = b
	}
	for _, k := range del {
		delete(m.kept, k)
	}
	m.saves = append(m.saves, fmt.Sprintf("put %d del %d", len(put), len(del)))
	return nil
}

func (m *memLocations) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// written returns what was saved since it was last asked.
func (m *memLocations) written() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.saves
	m.saves = nil
	return list
}

// stored returns a copy of what is kept.
func (m *memLocations) stored() map[BindingKey]Binding {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kept)
}

// running starts a registrar; the returned func stops it and waits.
func running(t *testing.T, r *Registrar) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestWriteBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		saves := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := store.written(); !slices.Equal(got, want) {
				t.Errorf("at %v saved %q, want %q", time.Now().Format("04:05.0"), got, want)
			}
		}
		time.Sleep(500 * time.Millisecond)
		apply(t, r, "a@h", 1, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(time.Second)
		saves("put 1 del 0")
		for i := range 30 { // refreshes wait for the minute, all in one write
			apply(t, r, "a@h", 2+i, "Contact: <sip:u@h>;expires=3600")
			time.Sleep(time.Second)
		}
		saves()
		time.Sleep(30 * time.Second)
		saves("put 1 del 0")
		time.Sleep(5 * time.Minute)
		saves()
		apply(t, r, "a@h", 50, "Contact: <sip:u@h>;expires=0")
		time.Sleep(time.Second)
		saves("put 0 del 1")
		if len(store.stored()) != 0 {
			t.Errorf("kept %v", store.stored())
		}
		// What changed a moment before the end is written at the end.
		apply(t, r, "a@h", 51, "Contact: <sip:u@h>;expires=3600")
		stop()
		saves("put 1 del 0")
	})
}

func TestWriteFaultIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		defer running(t, r)()
		store.failWith(errors.New("disk full"))
		apply(t, r, "a@h", 1, "Contact: <sip:u@h1>, <sip:u@h2>")
		time.Sleep(5 * time.Second)
		apply(t, r, "a@h", 2, "Contact: <sip:u@h2>;expires=0")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		store.failWith(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(store.stored()) != 1 {
			t.Errorf("kept %v, want one", store.stored())
		}
	})
}

func TestServesWithoutTheStoredBindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		store.fail = errors.New("damaged")
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		wantStatus(t, apply(t, r, "a@h", 1, "Contact: <sip:u@h>"), 200)
		store.failWith(nil)
		stop()
		if len(store.stored()) != 1 {
			t.Errorf("kept %v, want the new binding", store.stored())
		}
		store.failWith(errors.New("damaged"))
		if err := NewRegistrar(RegistrarConfig{}, store).Load(t.Context()); err == nil {
			t.Error("Load hides the fault")
		}
	})
}

func TestBindingsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		stop := running(t, r)
		apply(t, r, "udp@h", 1, "Contact: <sip:u@udp>;expires=600")
		apply(t, r, "brief@h", 1, "Contact: <sip:u@brief>;expires=60")
		tcp := phoneAt("198.51.100.9:40000")
		tcp.Transport, tcp.Flow = "TCP", 9
		r.Apply(register(t, "tcp@h", 1, "x", "Contact: <sip:u@tcp>;expires=600"), tcp, annAOR, "u")
		stop()

		r = NewRegistrar(RegistrarConfig{}, store)
		if err := r.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer running(t, r)()
		if got := contactsOf(r.Bindings(annAOR)); r.Count() != 3 || strings.Contains(got, "tcp") || !strings.Contains(got, "udp") {
			t.Errorf("%d restored, of which reachable: %s", r.Count(), got)
		}
		for _, b := range r.Bindings(annAOR) {
			if b.Source.Flow != 0 || b.Source.Local.String() != "192.0.2.1:5060" {
				t.Errorf("source %+v", b.Source)
			}
		}
		wantStatus(t, apply(t, r, "tcp@h", 2, "Contact: <sip:u@tcp>;expires=600"), 200)

		time.Sleep(2 * time.Minute) // the brief one lived to its stored expiry and a minute
		if got := contactsOf(r.Bindings(annAOR)); strings.Contains(got, "brief") {
			t.Errorf("bindings %s", got)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if r.Count() != 0 || len(store.stored()) != 0 {
			t.Errorf("after all expired: %d bindings, kept %v", r.Count(), store.stored())
		}
	})
}

// A refresh that is not yet written must not cost a phone its binding when the server dies.
func TestRefreshNearTheStoredExpiryIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemLocations()
		r := NewRegistrar(RegistrarConfig{}, store)
		defer running(t, r)()
		apply(t, r, "a@h", 1, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(3595 * time.Second)
		apply(t, r, "a@h", 2, "Contact: <sip:u@h>;expires=3600")
		time.Sleep(time.Second)
		synctest.Wait()
		for _, b := range store.stored() {
			if time.Until(b.Expires) < 3500*time.Second {
				t.Errorf("the store would let it expire in %v", time.Until(b.Expires))
			}
		}
	})
}
