package sip

import "github.com/prometheus/client_golang/prometheus"

// subscriptionEnd says why a subscription ended.
type subscriptionEnd string

const (
	endUnsubscribed subscriptionEnd = "unsubscribed" // by its phone, or it only fetched the state
	endExpired      subscriptionEnd = "expired"      // not refreshed in time
	endGone         subscriptionEnd = "gone"         // a NOTIFY failed
	endFlow         subscriptionEnd = "flow"         // its connection closed
	endReplaced     subscriptionEnd = "replaced"     // its phone started anew
	endTerminated   subscriptionEnd = "terminated"   // by us
	endRefused      subscriptionEnd = "refused"      // its package did not take it
	endShutdown     subscriptionEnd = "shutdown"
	endFault        subscriptionEnd = "fault" // a panic
)

// subscriptionMetrics count by event package; only packages that are served have a label.
type subscriptionMetrics struct {
	live    *prometheus.GaugeVec
	ended   *prometheus.CounterVec
	tooMany *prometheus.CounterVec
}

func newSubscriptionMetrics(reg prometheus.Registerer) *subscriptionMetrics {
	return &subscriptionMetrics{
		live: enrol(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_sip_subscriptions", Help: "Subscriptions alive, by event package.",
		}, []string{"event"})),
		ended: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_subscriptions_ended_total", Help: "Subscriptions that ended, by event package and reason.",
		}, []string{"event", "reason"})),
		tooMany: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_subscriptions_refused_total", Help: "Subscriptions refused because there are too many.",
		}, []string{"event"})),
	}
}
