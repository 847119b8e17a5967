package events

import (
	"github.com/prometheus/client_golang/prometheus"

	"passerelle/internal/metric"
)

// noticeOutcome says what became of a NOTIFY outside a subscription.
type noticeOutcome string

const (
	noticeTaken   noticeOutcome = "taken"
	noticeRefused noticeOutcome = "refused" // the phone wants none
	noticeLost    noticeOutcome = "lost"    // nobody answered
	noticeDropped noticeOutcome = "dropped" // too many waited
)

type waitingMetrics struct {
	notices *prometheus.CounterVec
}

func newWaitingMetrics(reg prometheus.Registerer) *waitingMetrics {
	return &waitingMetrics{notices: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_message_waiting_notices_total", Help: "Message waiting told to phones without a subscription, by outcome.",
	}, []string{"outcome"}))}
}

// setOutcome says what became of a feature key that was pressed.
type setOutcome string

const (
	setDone      setOutcome = "done"
	setRefused   setOutcome = "refused"   // the line may not, or the store failed
	setMalformed setOutcome = "malformed" // not understood
)

type featureMetrics struct {
	sets *prometheus.CounterVec
}

func newFeatureMetrics(reg prometheus.Registerer) *featureMetrics {
	return &featureMetrics{sets: metric.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_feature_keys_total", Help: "Feature keys pressed on phones, by outcome.",
	}, []string{"outcome"}))}
}
