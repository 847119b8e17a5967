package media

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the counters of the package; make them once and hand them to every ports range, session and mixer.
type Metrics struct {
	dropped      map[dropReason]prometheus.Counter
	concealed    prometheus.Counter
	portClashes  prometheus.Counter
	sendFailures prometheus.Counter
	latched      prometheus.Counter
	relayed      prometheus.Counter
	lateTicks    prometheus.Counter
	skipped      prometheus.Counter
	mixSeconds   prometheus.Histogram
	delay        prometheus.Histogram
	panics       *prometheus.CounterVec
	mixers       prometheus.Gauge
	sessions     prometheus.Gauge
	relaySides   prometheus.Gauge
}

// dropReason says why received packets or sound did not reach the mix.
type dropReason string

const (
	dropMalformed dropReason = "malformed" // not RTP or RTCP (RFC 3550 §A.1)
	dropStranger  dropReason = "stranger"  // from a source that is not the peer
	dropPayload   dropReason = "payload"   // of a format that was not negotiated
	dropLate      dropReason = "late"      // after its time to be played
	dropDuplicate dropReason = "duplicate" // twice the same sequence number
	dropOverflow  dropReason = "overflow"  // more than the jitter buffer may hold
	dropFlood     dropReason = "flood"     // ticks in which a socket had more than a peer may send
	dropUnproven  dropReason = "unproven"  // not secured by the peer's key, or a replay (RFC 3711 §3.3)
	dropHeld      dropReason = "held"      // for a peer that does not want to hear, or hears music
)

var dropReasons = []dropReason{
	dropMalformed, dropStranger, dropPayload, dropLate, dropDuplicate, dropOverflow, dropFlood, dropUnproven, dropHeld,
}

// NewMetrics registers the counters of the package; nil stands for a registry of its own.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	dropped := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_media_packets_dropped_total", Help: "Received media packets that were not played, by reason.",
	}, []string{"reason"}))
	m := &Metrics{
		dropped: make(map[dropReason]prometheus.Counter),
		concealed: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_frames_concealed_total", Help: "Frames of 20 ms in which missing sound was concealed.",
		})),
		portClashes: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_port_clashes_total", Help: "Ports of the range that another program had bound.",
		})),
		sendFailures: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_send_failures_total", Help: "Media packets that the kernel did not take.",
		})),
		latched: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_sources_latched_total", Help: "Peers followed to another address than they had signalled.",
		})),
		relayed: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_packets_relayed_total", Help: "Media packets passed from one side of a call to the other.",
		})),
		lateTicks: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_bridge_late_ticks_total", Help: "Mixer ticks that started more than half a frame late.",
		})),
		skipped: register(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_media_bridge_frames_skipped_total", Help: "Frames that a mixer left out because it was too late for them.",
		})),
		mixSeconds: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "passerelle_media_mix_seconds", Help: "Time that one tick of a mixer took.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .02, .05},
		})),
		delay: register(reg, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "passerelle_media_playout_delay_seconds", Help: "Time that received sound waits before it is mixed, sampled twice a second per session.",
			Buckets: []float64{.005, .01, .02, .03, .04, .06, .08, .12, .16, .2, .25},
		})),
		panics: register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_owner_panics_total", Help: "Panics that ended one owner of state and nothing else.",
		}, []string{"owner"})),
		mixers: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_media_mixers", Help: "Mixers that run.",
		})),
		sessions: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_media_sessions", Help: "Open media sessions.",
		})),
		relaySides: register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_media_relay_sides", Help: "Sides of relayed calls.",
		})),
	}
	for _, r := range dropReasons {
		m.dropped[r] = dropped.WithLabelValues(string(r))
	}
	return m
}

func (m *Metrics) drop(r dropReason) { m.dropped[r].Inc() }

// register hands c to reg, or gives back what is registered there already, so that packages can share a metric and two
// servers a registry.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	err := reg.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	return c
}
