package call

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/internal/metric"
)

// Health says which trunks answer; who asks them is its own concern. A call must not wait for it.
type Health interface {
	// Up says whether one of the trunk's addresses answers, and true of a trunk that was not asked yet.
	Up(t *directory.Trunk) bool
}

// Channels counts the calls, in and out, of each trunk. Trunks are told apart by TrunkName, so that a new snapshot of the
// directory counts on.
type Channels struct {
	calls tally[string]
	full  prometheus.Counter
}

// NewChannels counts from zero; a nil registerer keeps the metrics to itself.
func NewChannels(metrics prometheus.Registerer) *Channels {
	c := &Channels{}
	c.full = metric.Register(metrics, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "passerelle_call_trunks_full_total",
		Help: "Calls that a trunk did not carry because all its channels were in use.",
	}))
	metric.Register(metrics, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_call_trunk_calls",
		Help: "Calls that are up on trunks, in and out.",
	}, func() float64 { return float64(c.calls.total()) }))
	return c
}

// Take takes a channel of the trunk until release is called or ctx ends, and says whether there was one. A call for help
// gets one in any case.
func (c *Channels) Take(ctx context.Context, t *directory.Trunk, class Class) (release func(), ok bool) {
	limit := t.Channels
	if class == ClassEmergency {
		limit = 0
	}
	release, ok = c.calls.take(ctx, TrunkName(t), limit)
	if !ok {
		c.full.Inc()
	}
	return release, ok
}

// Calls gives how many calls are up on the trunk.
func (c *Channels) Calls(t *directory.Trunk) int { return c.calls.count(TrunkName(t)) }

// InOrder gives the trunks of a route in the order in which to try them now: those that answer first. The others follow,
// since whoever asks them may be wrong and there is nothing to lose. A nil health changes nothing.
func (r Route) InOrder(h Health) []*directory.Trunk {
	if h == nil {
		return r.Trunks
	}
	var up, down []*directory.Trunk
	for _, t := range r.Trunks {
		if h.Up(t) {
			up = append(up, t)
		} else {
			down = append(down, t)
		}
	}
	return append(up, down...)
}
