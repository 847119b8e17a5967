package sip

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// registerResult is how a REGISTER was answered.
type registerResult string

const (
	registerBound     registerResult = "bound"     // 200, at least one new binding
	registerRefreshed registerResult = "refreshed" // 200, only known bindings
	registerRemoved   registerResult = "removed"   // 200, bindings removed
	registerFetched   registerResult = "fetched"   // 200, nothing asked for
	registerAgain     registerResult = "again"     // the same answer to a retransmission
	registerLate      registerResult = "late"      // 500 to an older one that came late
	registerBrief     registerResult = "brief"     // 423
	registerBad       registerResult = "bad"       // 400
	registerRefused   registerResult = "refused"   // 403, 404
)

type registrarMetrics struct {
	bound, refreshed, removed, fetched, again, late, brief, bad, refused prometheus.Counter

	writes                                    prometheus.Histogram
	writeFaults, expired, flowsLost, replaced prometheus.Counter
}

func newRegistrarMetrics(reg prometheus.Registerer, r *Registrar) *registrarMetrics {
	results := metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_sip_registers_total",
		Help: "Proven REGISTER requests by result.",
	}, []string{"result"}))
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_sip_bindings",
		Help: "Bindings in the location service.",
	}, func() float64 { return float64(r.Count()) }))
	of := func(res registerResult) prometheus.Counter { return results.WithLabelValues(string(res)) }
	counter := func(name, help string) prometheus.Counter {
		return metric.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
	}
	return &registrarMetrics{
		bound: of(registerBound), refreshed: of(registerRefreshed), removed: of(registerRemoved),
		fetched: of(registerFetched), again: of(registerAgain), late: of(registerLate), brief: of(registerBrief),
		bad: of(registerBad), refused: of(registerRefused),
		writes: metric.Register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "passerelle_sip_bindings_write_seconds",
			Help:    "Time to write changed bindings to the store.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
		})),
		writeFaults: counter("passerelle_sip_bindings_write_faults_total", "Writes of changed bindings that failed and are tried again."),
		expired:     counter("passerelle_sip_bindings_expired_total", "Bindings whose phone did not come back in time."),
		flowsLost:   counter("passerelle_sip_bindings_flow_lost_total", "Bindings whose connection closed."),
		replaced:    counter("passerelle_sip_bindings_replaced_total", "Bindings that a newer one took the place of."),
	}
}
