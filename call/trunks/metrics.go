package trunks

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// result is how something ended that a keeper did.
type result string

const (
	resultOK      result = "ok"
	resultRefused result = "refused" // an answer, and not a good one
	resultFailed  result = "failed"  // no answer
)

type metrics struct {
	probes    *prometheus.CounterVec // result
	registers *prometheus.CounterVec // result
	lookups   *prometheus.CounterVec // result
	panics    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, t *Trunks) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"result"}))
	}
	for _, s := range []Condition{Up, Down, Unknown} {
		metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "passerelle_call_trunks", Help: "Trunks, by whether they answer.", ConstLabels: prometheus.Labels{"state": string(s)},
		}, func() float64 { return float64(t.count(s)) }))
	}
	return &metrics{
		probes:    counter("passerelle_call_trunk_probes_total", "OPTIONS sent to addresses of trunks, by how they ended."),
		registers: counter("passerelle_call_trunk_registrations_total", "REGISTER sent to trunks, by how they ended."),
		lookups:   counter("passerelle_call_trunk_lookups_total", "Look-ups of trunks' addresses, by how they ended."),
		panics:    metric.OwnerPanics(reg),
	}
}
