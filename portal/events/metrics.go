package events

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

type metrics struct {
	kept, lost, panics prometheus.Counter
}

// newMetrics registers the log's metrics with reg; nil keeps them private.
func newMetrics(reg prometheus.Registerer, l *Log) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return metric.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{Namespace: "passerelle", Subsystem: "events", Name: name, Help: help}))
	}
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "passerelle", Subsystem: "events", Name: "waiting", Help: "Events that wait for the store.",
	}, func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(len(l.queue))
	}))
	return &metrics{
		kept:   counter("kept_total", "Events that were written to the log."),
		lost:   counter("lost_total", "Events that could not be kept."),
		panics: metric.OwnerPanics(reg).WithLabelValues("events"),
	}
}
