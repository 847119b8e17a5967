package call

import (
	"log/slog"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// Metrics counts what is lost by panics; before the first leg. Without it nobody counts.
func (r *Root) Metrics(reg prometheus.Registerer) {
	r.panics = metric.OwnerPanics(reg).WithLabelValues("call")
}

// spawn runs f on a goroutine of its own. A panic of f ends nothing but f.
func (r *Root) spawn(f func()) {
	go func() { // ends with f, whose caller says when that is
		defer r.recovered(nil)
		f()
	}()
}

// recovered is deferred: it ends a panic, counts it, and then does what the panic has left undone.
func (r *Root) recovered(also func()) {
	p := recover()
	if p == nil {
		return
	}
	if r.panics != nil {
		r.panics.Inc()
	}
	log := r.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log.Error("panic", "owner", "call", "err", p, "stack", string(debug.Stack()))
	if also != nil {
		also()
	}
}
