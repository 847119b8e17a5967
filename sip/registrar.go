package sip

import (
	"context"
	"iter"
	"log/slog"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// RegistrarConfig sets the limits of registrations.
type RegistrarConfig struct {
	MinExpires     time.Duration         // shortest interval granted, else 423 (RFC 3261 §10.3 step 7); 0 means 60 s, at most 1 h
	MaxExpires     time.Duration         // longest interval granted; 0 means 2 h
	DefaultExpires time.Duration         // granted when the phone names none; 0 means 1 h
	Jitter         float64               // granted intervals are shortened by up to this part of them, at random; 0 is off
	MaxBindings    int                   // bindings of one AOR, the oldest goes for a new one; 0 means 10
	AllowEvents    []string              // event packages served, for Allow-Events (RFC 6665 §8.2.2)
	Log            *slog.Logger          // nil discards
	Metrics        prometheus.Registerer // nil means a registry of its own
}

// Registrar is the location service (RFC 3261 §10): all bindings in memory, written behind to Locations.
type Registrar struct{}

// NewRegistrar makes a registrar; Run starts its writing and its clock. loc may be nil: nothing outlives the server.
func NewRegistrar(cfg RegistrarConfig, loc Locations) *Registrar { return &Registrar{} }

// Load reads the stored bindings, so that calls reach phones before these register again. Run does it when nobody did.
func (r *Registrar) Load(ctx context.Context) error { return nil }

// Run expires bindings and writes changes behind until ctx is done, then writes what is left.
func (r *Registrar) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Register answers a REGISTER whose line is proven: 404 for an address of record nobody has, 403 for one of another
// line (RFC 3261 §10.3 steps 4 and 5), else what Apply answers.
func (r *Registrar) Register(req *sipmsg.Request, src Source, line *Line, lines Lines) *sipmsg.Response {
	return nil
}

// Apply works a REGISTER off for an AOR (RFC 3261 §10.3 steps 6 to 8) and returns its answer. A retransmission within
// 32 s gets the same answer again. It never waits and may be called from many goroutines.
func (r *Registrar) Apply(req *sipmsg.Request, src Source, aor AOR, username string) *sipmsg.Response {
	return nil
}

// Bindings returns the bindings of an AOR that requests can be sent to now: those that answer first, then by
// preference, then the newest.
func (r *Registrar) Bindings(aor AOR) []Binding { return nil }

// All ranges over all bindings, those without their connection too.
func (r *Registrar) All() iter.Seq[Binding] { return func(func(Binding) bool) {} }

// Count returns how many bindings there are.
func (r *Registrar) Count() int { return 0 }

// FlowClosed tells that a connection is gone: bindings that came on it cannot be reached until the phone registers
// again.
func (r *Registrar) FlowClosed(id FlowID) {}

// Demote tells that a binding's contact did not answer: it is tried last until it registers again.
func (r *Registrar) Demote(key BindingKey) {}
