package hoteling

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

type metrics struct {
	signIns, signOuts, refused, lockouts *prometheus.CounterVec
	panics                               prometheus.Counter
}

// newMetrics registers the desk's metrics with reg; nil keeps them private.
func newMetrics(reg prometheus.Registerer, d *Desk) *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "passerelle", Subsystem: "hoteling", Name: name, Help: help}, []string{label}))
	}
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "passerelle", Subsystem: "hoteling", Name: "associations", Help: "Guests who are signed in on host phones.",
	}, func() float64 { return float64(d.seats.count()) }))
	return &metrics{
		signIns:  counter("sign_ins_total", "Guests who signed in, by the road they came.", "by"),
		signOuts: counter("sign_outs_total", "Associations that ended, by what ended them.", "by"),
		refused:  counter("refused_total", "Attempts to sign in that were refused, by cause.", "cause"),
		lockouts: counter("lockouts_total", "Lock-outs after too many failures, of hosts and of guests.", "of"),
		panics:   metric.OwnerPanics(reg).WithLabelValues("hoteling"),
	}
}
