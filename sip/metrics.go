package sip

import (
	"errors"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// dropReason says why a message or a connection was thrown away.
type dropReason string

const (
	dropGuard       dropReason = "guard"       // the guard does not admit the source
	dropKeepAlive   dropReason = "keepalive"   // CRLF or other small change on UDP; no fault
	dropMalformed   dropReason = "malformed"   // nothing to answer to, or answered often enough
	dropOverflow    dropReason = "overflow"    // the mailbox of its Call-ID is full
	dropBusy        dropReason = "busy"        // too many mailboxes at once
	dropStray       dropReason = "stray"       // a response or ACK that belongs to nothing
	dropAuth        dropReason = "auth"        // the authenticator wants no answer sent
	dropConnections dropReason = "connections" // too many connections
	dropHandshake   dropReason = "handshake"   // TLS or WebSocket handshake failed
	dropIdle        dropReason = "idle"        // a connection was silent too long
	dropAmplify     dropReason = "amplify"     // the answer would be much larger than the datagram that drew it
	dropEvents      dropReason = "events"      // the handler of a leg does not read its events
)

// owner names a kind of goroutine for the count of panics.
type owner string

const (
	ownerReader     owner = "sip_reader"
	ownerConnection owner = "sip_connection"
	ownerMailbox    owner = "sip_mailbox"
	ownerLeg        owner = "sip_leg"
	ownerHandler    owner = "sip_handler"
	ownerSubscriber owner = "sip_subscription"
)

type metrics struct {
	requests   *prometheus.CounterVec // method, code: requests received, by our final answer
	sent       *prometheus.CounterVec // method, code: requests sent, by the peer's final answer
	legs       prometheus.Gauge
	flows      *prometheus.GaugeVec
	mailboxes  prometheus.Gauge
	txs        *prometheus.GaugeVec
	dropped    *prometheus.CounterVec
	oversize   *prometheus.CounterVec
	readErrors prometheus.Counter
	sendErrors prometheus.Counter
	panics     *prometheus.CounterVec
	subs       *subscriptionMetrics
}

func newMetrics(reg prometheus.Registerer) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	return &metrics{
		subs: newSubscriptionMetrics(reg),
		requests: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_requests_total", Help: "SIP requests received, by method and final answer.",
		}, []string{"method", "code"})),
		sent: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_requests_sent_total", Help: "SIP requests sent, by method and final answer.",
		}, []string{"method", "code"})),
		legs: enrol(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_sip_legs", Help: "INVITE dialogs alive.",
		})),
		flows: enrol(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_sip_connections", Help: "Connections of peers, by transport.",
		}, []string{"transport"})),
		mailboxes: enrol(reg, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "passerelle_sip_mailboxes", Help: "Call-IDs with messages being worked off.",
		})),
		txs: enrol(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_sip_transactions", Help: "SIP transactions alive, by side.",
		}, []string{"side"})),
		dropped: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_dropped_total", Help: "Messages and connections thrown away, by reason.",
		}, []string{"reason"})),
		oversize: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_sip_oversize_total", Help: "Messages sent by UDP above the MTU.",
		}, []string{"kind"})),
		readErrors: enrol(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_sip_read_errors_total", Help: "Failed reads and accepts of listeners.",
		})),
		sendErrors: enrol(reg, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "passerelle_sip_send_errors_total", Help: "SIP messages that could not be sent.",
		})),
		panics: enrol(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_owner_panics_total", Help: "Panics that ended one owner of state and nothing else.",
		}, []string{"owner"})),
	}
}

// enrol registers a collector, or returns the one that is there already: the count of panics is shared by packages.
func enrol[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	err := reg.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if old, ok := already.ExistingCollector.(C); ok {
			return old
		}
	}
	return c
}

// methodLabel keeps the set of label values closed.
func methodLabel(m sipmsg.RequestMethod) string {
	if _, ok := knownMethods[m]; ok {
		return string(m)
	}
	return "other"
}
