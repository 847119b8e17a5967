package main

import "github.com/prometheus/client_golang/prometheus"

// reloadResult is how a reload ended.
type reloadResult string

const (
	reloadDone    reloadResult = "done"
	reloadRefused reloadResult = "refused"
)

// reloadMetrics count reloads and tell when the certificate ends.
type reloadMetrics struct {
	reloads  *prometheus.CounterVec
	notAfter prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) *reloadMetrics {
	m := &reloadMetrics{
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_reloads_total", Help: "Reloads of configuration and certificates, by result.",
		}, []string{"result"}),
		notAfter: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_tls_certificate_not_after_timestamp_seconds", Help: "When the server's certificate ends, in Unix time; 0 without one.",
		}),
	}
	for _, r := range []reloadResult{reloadDone, reloadRefused} {
		m.reloads.WithLabelValues(string(r))
	}
	reg.MustRegister(m.reloads, m.notAfter)
	return m
}

func (m *reloadMetrics) count(r reloadResult) { m.reloads.WithLabelValues(string(r)).Inc() }

func (m *reloadMetrics) certificate(c *certificates) {
	if c != nil {
		m.notAfter.Set(float64(c.current.Load().pair.Leaf.NotAfter.Unix()))
	}
}
