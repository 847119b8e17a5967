package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/internal/metric"
)

type metrics struct {
	joins, wrongIDs, full, locked, panics, outcalls, outcallPanics prometheus.Counter
}

// newMetrics registers the gateway's metrics with reg; nil keeps them private.
func newMetrics(reg prometheus.Registerer, g *Gateway) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return metric.Register(reg, prometheus.NewCounter(prometheus.CounterOpts{Namespace: "passerelle", Subsystem: "gateway", Name: name, Help: help}))
	}
	gauge := func(name, help string, value func() float64) {
		metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "passerelle", Subsystem: "gateway", Name: name, Help: help}, value))
	}
	gauge("bridges", "Live bridges.", func() float64 { return float64(len(g.bridges.all())) })
	gauge("participants", "Seats taken on all bridges.", func() float64 { return float64(g.Participants()) })
	gauge("guessed_sites", "Sites with more wrong space IDs within the hour than their limit: somebody is guessing.",
		func() float64 { return float64(g.guard.sitesOver(g.limitOf, time.Now())) })
	return &metrics{
		joins:         counter("joins_total", "Participants who sat down on a bridge."),
		wrongIDs:      counter("wrong_ids_total", "Space IDs that opened nothing, slips of the finger left out."),
		panics:        metric.OwnerPanics(reg).WithLabelValues("bridge"),
		outcalls:      counter("outcalls_total", "Calls that spaces have made."),
		outcallPanics: metric.OwnerPanics(reg).WithLabelValues("outcall"),
		full:          counter("full_total", "Callers turned away because the space was full."),
		locked:        counter("locked_total", "Callers turned away because the space was locked."),
	}
}

// Participants counts the seats taken on all bridges.
func (g *Gateway) Participants() int {
	n := 0
	for _, b := range g.Bridges() {
		n += len(b.Participants)
	}
	return n
}

// limitOf is the limit of wrong space IDs of the site with this domain.
func (g *Gateway) limitOf(domain string) int {
	if site, ok := g.cfg.Directory.Current().SiteByDomain(domain); ok {
		return wrongIDsPerHour(site)
	}
	return wrongIDsPerHour(&directory.Site{})
}
