package sip

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// authOutcome is what came of a look at credentials.
type authOutcome string

const (
	authProven     authOutcome = "proven"
	authChallenged authOutcome = "challenged" // no credentials: no fault
	authStale      authOutcome = "stale"      // right password, nonce used up: no fault
	authWrong      authOutcome = "wrong"      // challenged once more
	authRefused    authOutcome = "refused"    // wrong again: 403
	authDropped    authOutcome = "dropped"    // an answer waits already, or too many do
)

type authMetrics struct {
	proven, challenged, stale, wrong, refused, dropped prometheus.Counter
}

func newAuthMetrics(reg prometheus.Registerer, a *Authenticator) *authMetrics {
	outcomes := metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_sip_authentications_total",
		Help: "Requests that needed a proof of identity, by what came of it.",
	}, []string{"outcome"}))
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_sip_nonces_in_use",
		Help: "Nonces whose counts are remembered.",
	}, func() float64 { return float64(a.uses.len()) }))
	metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_sip_slowed_sources",
		Help: "Pairs of source address and user name that gave wrong credentials lately.",
	}, func() float64 { return float64(a.slow.len()) }))
	of := func(o authOutcome) prometheus.Counter { return outcomes.WithLabelValues(string(o)) }
	return &authMetrics{
		proven: of(authProven), challenged: of(authChallenged), stale: of(authStale),
		wrong: of(authWrong), refused: of(authRefused), dropped: of(authDropped),
	}
}
