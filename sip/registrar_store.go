package sip

import (
	"context"
	"fmt"
	"time"
)

const (
	tick = time.Second
	// refreshWrite is how often the new expiries of refreshed bindings are written, in one transaction. A restored
	// binding lives that much longer than stored.
	refreshWrite = time.Minute
	sweepEvery   = 4 // ticks in which all shards are looked through once
	lastWrite    = 5 * time.Second
)

// Load reads the stored bindings, so that calls reach phones before these register again. A binding lives to its stored
// expiry and a minute more, because refreshes are written once a minute; one over TCP, TLS or WebSocket waits for its
// phone to connect again. What registered meanwhile stands. Run loads when nobody did.
func (r *Registrar) Load(ctx context.Context) (err error) {
	r.loaded.Do(func() { err = r.load(ctx) })
	return err
}

func (r *Registrar) load(ctx context.Context) error {
	if r.loc == nil {
		return nil
	}
	list, err := r.loc.LoadBindings(ctx)
	if err != nil {
		return fmt.Errorf("load bindings: %w", err)
	}
	now := time.Now()
	restored := 0
	for i := range list {
		if r.restore(&list[i], now) {
			restored++
		}
	}
	r.log.InfoContext(ctx, "bindings restored", "restored", restored, "stored", len(list))
	return nil
}

func (r *Registrar) restore(stored *Binding, now time.Time) bool {
	b := &bound{Binding: *stored, stored: stored.Expires}
	b.Source.Flow, b.Demoted = 0, false
	b.Expires = b.Expires.Add(refreshWrite)
	s := r.shard(b.AOR)
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := s.byAOR[b.AOR]
	if rec != nil && rec.find(bindingID(&b.Binding), b.Instance, b.Contact, b.RegID) != nil {
		return false
	}
	if !now.Before(b.Expires) {
		s.urgent[b.Key()] = struct{}{} // not bound, so it is removed from the store
		return false
	}
	if rec == nil {
		rec = new(record)
		s.byAOR[b.AOR] = rec
	}
	rec.bound = append(rec.bound, b)
	r.live.Add(1)
	return true
}

// Run expires bindings, tells observers and writes changes behind until ctx is done, then writes what is left. The
// goroutine that tells observers is stopped and waited for by Run itself.
func (r *Registrar) Run(ctx context.Context) error {
	if err := r.Load(ctx); err != nil { // phones register again, so this is no reason to serve nobody
		r.log.ErrorContext(ctx, "bindings not restored", "err", err)
	}
	stop, told := make(chan struct{}), make(chan struct{})
	go func() { // ends when Run does
		defer close(told)
		for {
			r.tell.deliver()
			select {
			case <-r.tell.wake:
			case <-stop:
				r.tell.deliver()
				return
			}
		}
	}()
	defer func() { close(stop); <-told }()

	clock := time.NewTicker(tick)
	defer clock.Stop()
	for n := 1; ; n++ {
		select {
		case <-clock.C:
			r.sweep(n%sweepEvery, time.Now())
			r.write(ctx, n%int(refreshWrite/tick) == 0)
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			r.write(final, true)
			return nil
		}
	}
}

// sweep ends what is over in every fourth shard, so that observers hear of it though nobody asks for the AOR.
func (r *Registrar) sweep(part int, now time.Time) {
	for i := part; i < registrarShards; i += sweepEvery {
		s := &r.shards[i]
		s.mu.Lock()
		for aor, rec := range s.byAOR {
			r.expireLocked(s, rec, now)
			if len(rec.bound) == 0 && (len(rec.seen) == 0 || now.Sub(rec.seen[len(rec.seen)-1].at) >= retransmitTime) {
				delete(s.byAOR, aor)
			} else if len(rec.seen) > 0 && now.Sub(rec.seen[len(rec.seen)-1].at) >= retransmitTime {
				rec.seen = nil
			}
		}
		s.mu.Unlock()
	}
	r.flows.sweep(now)
}

// write saves what changed: new and removed bindings, and with all the refreshed ones too. What cannot be written stays
// marked and is tried again.
func (r *Registrar) write(ctx context.Context, all bool) {
	put, del := r.collect(all)
	if len(put) == 0 && len(del) == 0 || r.loc == nil {
		return
	}
	began := time.Now()
	err := r.loc.SaveBindings(ctx, put, del)
	r.count.writes.Observe(time.Since(began).Seconds())
	if err != nil {
		r.count.writeFaults.Inc()
		r.log.ErrorContext(ctx, "bindings not written", "put", len(put), "del", len(del), "err", err)
		r.mark(put, del)
	}
	r.wrote(err, began)
}

// wrote notes how a write that began at some moment ended.
func (r *Registrar) wrote(err error, began time.Time) {
	if err == nil {
		r.behind.Store(nil)
		return
	}
	b := &Behind{Since: began, Err: err}
	if former := r.behind.Load(); former != nil {
		b.Since = former.Since
	}
	r.behind.Store(b)
}

// Behind is since when, and why, registrations are not written.
type Behind struct {
	Since time.Time
	Err   error
}

// Behind says since when the store does not follow; nil while it does. Registrations are valid all the same, until the
// server is restarted.
func (r *Registrar) Behind() *Behind { return r.behind.Load() }

// collect takes the marks off and returns what is to be written.
func (r *Registrar) collect(all bool) (put []Binding, del []BindingKey) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for key := range s.urgent {
			if b := s.getLocked(key); b != nil {
				b.dirty, b.stored = false, b.Expires
				put = append(put, b.Binding)
			} else {
				del = append(del, key)
			}
		}
		clear(s.urgent)
		if all {
			for _, rec := range s.byAOR {
				for _, b := range rec.bound {
					if b.dirty {
						b.dirty, b.stored = false, b.Expires
						put = append(put, b.Binding)
					}
				}
			}
		}
		s.mu.Unlock()
	}
	return put, del
}

// mark puts marks back after a write that failed.
func (r *Registrar) mark(put []Binding, del []BindingKey) {
	for i := range put {
		del = append(del, put[i].Key())
	}
	for _, key := range del {
		s := r.shard(key.AOR)
		s.mu.Lock()
		s.urgent[key] = struct{}{}
		s.mu.Unlock()
	}
}

func (s *registrarShard) getLocked(key BindingKey) *bound {
	if rec := s.byAOR[key.AOR]; rec != nil {
		for _, b := range rec.bound {
			if bindingID(&b.Binding) == key.ID {
				return b
			}
		}
	}
	return nil
}
