package sip

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// RegistrarConfig sets the limits of registrations.
type RegistrarConfig struct {
	MinExpires     time.Duration         // shortest interval granted, else 423 (RFC 3261 §10.3 step 7); 0 means 60 s, at most 1 h
	MaxExpires     time.Duration         // longest interval granted; 0 means 2 h
	DefaultExpires time.Duration         // granted when the phone names none; 0 means 1 h
	Jitter         float64               // granted intervals are shortened by up to this part of them, at random; 0 is off, 0.5 the most
	MaxBindings    int                   // bindings of one AOR, the oldest goes for a new one; 0 means 10
	AllowEvents    []string              // event packages served, for Allow-Events (RFC 6665 §8.2.2)
	Log            *slog.Logger          // nil discards
	Metrics        prometheus.Registerer // nil means a registry of its own
}

func (c RegistrarConfig) withDefaults() RegistrarConfig {
	if c.MinExpires == 0 {
		c.MinExpires = time.Minute
	}
	if c.MaxExpires == 0 {
		c.MaxExpires = 2 * time.Hour
	}
	if c.DefaultExpires == 0 {
		c.DefaultExpires = min(max(time.Hour, c.MinExpires), c.MaxExpires)
	}
	if c.MaxBindings == 0 {
		c.MaxBindings = 10
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every setting that contradicts another or the RFC.
func (c RegistrarConfig) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.MinExpires < time.Second || c.MinExpires > time.Hour {
		fault("min_expires: %v is not between 1s and 1h (RFC 3261 §10.3)", c.MinExpires)
	}
	if c.MinExpires > c.MaxExpires {
		fault("min_expires: %v is above max_expires %v", c.MinExpires, c.MaxExpires)
	}
	if c.DefaultExpires < c.MinExpires || c.DefaultExpires > c.MaxExpires {
		fault("default_expires: %v is not between min_expires %v and max_expires %v", c.DefaultExpires, c.MinExpires, c.MaxExpires)
	}
	if c.Jitter < 0 || c.Jitter > 0.5 {
		fault("jitter: %v is not between 0 and 0.5", c.Jitter)
	}
	if c.MaxBindings < 1 || c.MaxBindings > 1000 {
		fault("max_bindings: %d is not between 1 and 1000", c.MaxBindings)
	}
	return errors.Join(faults...)
}

// Registrar is the location service (RFC 3261 §10): all bindings in memory, written behind to Locations.
//
// Its methods may be called from many goroutines and never wait for the store or for observers. Bindings are spread over
// shards by AOR, each with a lock of its own that is held for one AOR's work at most.
type Registrar struct {
	cfg    RegistrarConfig
	loc    Locations
	log    *slog.Logger
	seed   maphash.Seed
	shards [registrarShards]registrarShard
	flows  *registeredFlows
	tell   changes
	live   atomic.Int64           // bindings in all shards
	behind atomic.Pointer[Behind] // nil while the store follows
	count  *registrarMetrics
	loaded sync.Once

	// Headers that all answers share; allow may be nil.
	supported, allow sipmsg.Header
	date             dateHeader
}

const registrarShards = 64

type registrarShard struct {
	mu     sync.Mutex // guards all below, with the records
	byAOR  map[AOR]*record
	urgent map[BindingKey]struct{} // new and removed bindings, to be written within a second
}

// NewRegistrar makes a registrar; Run starts its writing and its clock. loc may be nil: nothing outlives the server.
func NewRegistrar(cfg RegistrarConfig, loc Locations) *Registrar {
	cfg = cfg.withDefaults()
	r := &Registrar{
		cfg:   cfg,
		loc:   loc,
		log:   cfg.Log,
		seed:  maphash.MakeSeed(),
		flows: newRegisteredFlows(),
		tell:  changes{wake: make(chan struct{}, 1)},

		supported: sipmsg.NewHeader("Supported", "path, outbound"),
	}
	if len(cfg.AllowEvents) > 0 {
		r.allow = sipmsg.NewHeader("Allow-Events", strings.Join(cfg.AllowEvents, ", "))
	}
	for i := range r.shards {
		r.shards[i].byAOR = make(map[AOR]*record)
		r.shards[i].urgent = make(map[BindingKey]struct{})
	}
	r.count = newRegistrarMetrics(cfg.Metrics, r)
	return r
}

// OnChange adds an observer, before Run. Observers are called one after the other on a goroutine of Run, in the order in
// which things happened to an AOR; they must not wait.
func (r *Registrar) OnChange(observe func(Change)) {
	r.tell.observers = append(r.tell.observers, observe)
}

func (r *Registrar) shard(aor AOR) *registrarShard {
	return &r.shards[maphash.String(r.seed, string(aor))%registrarShards]
}

// Bindings returns the bindings of an AOR that requests can be sent to now: those that answer first, then by
// preference, then the newest. Several with one Instance and different RegIDs are ways to the same phone
// (RFC 5626 §5.3): the later are for when the first fails.
func (r *Registrar) Bindings(aor AOR) []Binding {
	now := time.Now()
	s := r.shard(aor)
	s.mu.Lock()
	rec := s.byAOR[aor]
	if rec == nil {
		s.mu.Unlock()
		return nil
	}
	list := make([]Binding, 0, len(rec.bound))
	for _, b := range rec.bound {
		if now.Before(b.Expires) && b.Reachable() {
			list = append(list, b.Binding)
		}
	}
	s.mu.Unlock()
	slices.SortStableFunc(list, newestFirst)
	return list
}

// All ranges over all bindings, those without their connection too.
func (r *Registrar) All() iter.Seq[Binding] {
	return func(yield func(Binding) bool) {
		var list []Binding
		for i := range r.shards {
			now := time.Now()
			list = list[:0]
			s := &r.shards[i]
			s.mu.Lock()
			for _, rec := range s.byAOR {
				for _, b := range rec.bound {
					if now.Before(b.Expires) {
						list = append(list, b.Binding)
					}
				}
			}
			s.mu.Unlock()
			for _, b := range list {
				if !yield(b) {
					return
				}
			}
		}
	}
}

// Count returns how many bindings there are, those without their connection too.
func (r *Registrar) Count() int { return int(r.live.Load()) }

// FlowClosed tells that a connection is gone: bindings that came on it cannot be reached until the phone registers
// again.
func (r *Registrar) FlowClosed(id FlowID) {
	for aor := range r.flows.closed(id, time.Now()) {
		s := r.shard(aor)
		s.mu.Lock()
		if rec := s.byAOR[aor]; rec != nil {
			for _, b := range rec.bound {
				if b.Source.Flow == id {
					b.Source.Flow = 0
					r.count.flowsLost.Inc()
					r.tell.post(FlowLost, &b.Binding)
				}
			}
		}
		s.mu.Unlock()
	}
}

// Demote tells that a binding's contact did not answer: it is tried last until it registers again.
func (r *Registrar) Demote(key BindingKey) {
	s := r.shard(key.AOR)
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec := s.byAOR[key.AOR]; rec != nil {
		for _, b := range rec.bound {
			if bindingID(&b.Binding) == key.ID {
				b.Demoted = true
			}
		}
	}
}

// Prune ends the bindings that keep refuses, such as those of lines that left the directory, and returns how many these
// were. keep is called with a lock held and must not call the registrar.
func (r *Registrar) Prune(keep func(*Binding) bool) (ended int) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, rec := range s.byAOR {
			for i := 0; i < len(rec.bound); {
				if b := rec.bound[i]; !keep(&b.Binding) {
					r.dropLocked(s, rec, b, Unregistered)
					ended++
					continue
				}
				i++
			}
		}
		s.mu.Unlock()
	}
	return ended
}

// jittered shortens a granted interval so that phones that started together do not stay together.
func (r *Registrar) jittered(d time.Duration) time.Duration {
	if r.cfg.Jitter == 0 || d <= r.cfg.MinExpires {
		return d
	}
	less := time.Duration(rand.Float64() * r.cfg.Jitter * float64(d))
	return max((d - less).Truncate(time.Second), r.cfg.MinExpires)
}
