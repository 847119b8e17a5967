package metric

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestPackagesShareAMetric(t *testing.T) {
	reg := prometheus.NewRegistry()
	OwnerPanics(reg).WithLabelValues("leg").Inc()
	OwnerPanics(reg).WithLabelValues("leg").Inc()
	if n := testutil.ToFloat64(OwnerPanics(reg).WithLabelValues("leg")); n != 2 {
		t.Errorf("counted %v, want 2", n)
	}
}

func TestContradictionPanics(t *testing.T) {
	reg := prometheus.NewRegistry()
	OwnerPanics(reg)
	defer func() {
		if recover() == nil {
			t.Error("a second metric of that name with other labels was taken")
		}
	}()
	Register(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: "passerelle_owner_panics_total", Help: "Other."}))
}
