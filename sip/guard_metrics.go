package sip

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// guardReason is why a datagram was not heard, or not answered.
type guardReason string

const (
	guardBanned     guardReason = "banned"     // the source is on the ban list
	guardFlooded    guardReason = "flooded"    // the source sends more than a stranger may
	guardMalformed  guardReason = "malformed"  // it does not parse
	guardUnanswered guardReason = "unanswered" // it does not parse, and its source got enough answers already
)

type guardMetrics struct {
	banned, flooded, malformed, unanswered prometheus.Counter
}

func newGuardMetrics(reg prometheus.Registerer, g *Guard) *guardMetrics {
	refused := metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_sip_guard_total",
		Help: "Datagrams that were refused unread, or could not be read, by reason.",
	}, []string{"reason"}))
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_sip_guard_sources",
		Help: "Source addresses the guard remembers.",
	}, func() float64 { return float64(g.len()) }))
	of := func(r guardReason) prometheus.Counter { return refused.WithLabelValues(string(r)) }
	return &guardMetrics{banned: of(guardBanned), flooded: of(guardFlooded), malformed: of(guardMalformed), unanswered: of(guardUnanswered)}
}
