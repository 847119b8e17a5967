// Package metric holds what the packages' metrics share.
package metric

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register hands c to reg, or gives back the same collector that is registered there already, so that packages can share a
// metric and tests a registry. It panics on a collector that contradicts another one, which is a fault of ours. A nil reg
// keeps c to itself.
func Register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	err := reg.Register(c)
	if err == nil {
		return c
	}
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := already.ExistingCollector.(C); ok {
			return same
		}
	}
	panic(err)
}

// OwnerPanics counts, by owner, the panics that ended one owner of state (a leg, a bridge, a mixer) and nothing else.
func OwnerPanics(reg prometheus.Registerer) *prometheus.CounterVec {
	return Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_owner_panics_total",
		Help: "Panics that ended one owner of state and nothing else.",
	}, []string{"owner"}))
}
