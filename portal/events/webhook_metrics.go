package events

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

type webhookMetrics struct {
	attempts *prometheus.CounterVec
	panics   prometheus.Counter
}

// newWebhookMetrics registers the metrics with reg; nil keeps them private.
func newWebhookMetrics(reg prometheus.Registerer, s *Webhooks) *webhookMetrics {
	for _, c := range []Condition{Delivering, Retrying, Stopped, Off} {
		metric.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "passerelle", Subsystem: "events", Name: "webhooks", Help: "Webhooks, by how they stand.", ConstLabels: prometheus.Labels{"state": string(c)},
		}, func() float64 {
			n := 0
			for _, w := range s.Webhooks() {
				if w.Condition == c {
					n++
				}
			}
			return float64(n)
		}))
	}
	return &webhookMetrics{
		attempts: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "passerelle", Subsystem: "events", Name: "webhook_attempts_total", Help: "Attempts to deliver an event to a webhook.",
		}, []string{"result"})),
		panics: metric.OwnerPanics(reg).WithLabelValues("webhook"),
	}
}
