package sip

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// Two of each may share a registry, and what they register is named by the rules.
func TestMetricsOfAuthenticatorRegistrarAndGuard(t *testing.T) {
	reg := prometheus.NewRegistry()
	var a *Authenticator
	for range 2 {
		a = NewAuthenticator(AuthConfig{Metrics: reg}, newSiteLines(ann))
		NewRegistrar(RegistrarConfig{Metrics: reg}, nil)
		NewGuard(GuardConfig{Metrics: reg})
	}
	a.Check(newClient().request(t), phoneAt("198.51.100.7:5060"))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if n := testutil.ToFloat64(a.count.challenged); n != 1 {
		t.Errorf("%v challenges counted, want 1", n)
	}
}
