package httpd

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{
		requests: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_http_requests_total",
			Help: "HTTP requests answered, by area, method and status code.",
		}, []string{"area", "method", "code"})),
		seconds: metric.Register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "passerelle_http_request_seconds",
			Help:    "Time from request to end of answer, by area.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"area"})),
		panics: metric.OwnerPanics(reg).WithLabelValues("http"),
	}
}

func (m *metrics) observe(area, method string, code int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(area, strings.ToLower(method), strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(area).Observe(took.Seconds())
}
