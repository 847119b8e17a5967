package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ServerConfig says where a Server listens and how it behaves. The server closes the sockets when Run ends.
type ServerConfig struct {
	UDP []net.PacketConn // one reader each
	TCP []net.Listener
	TLS []net.Listener // plain listeners; the server speaks TLS on them, by TLSConfig
	WS  []net.Listener // SIP over WebSocket (RFC 7118)
	WSS []net.Listener // plain listeners; WebSocket inside TLS

	TLSConfig *tls.Config // needed by TLS and WSS

	// Dial connects to servers outside for requests that are to go there by TCP or TLS; nil means the system's network.
	Dial    func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	DialTLS *tls.Config // for those connections, but ServerName; nil means the system's roots

	Advertise      string // host for Contact and Via, address or name; empty means the address each peer reached us at
	UserAgent      string // Server and User-Agent headers; empty means "Passerelle"
	Subscriptions  SubscriptionConfig
	Guard          *Guard        // screens sources; nil means one with the usual limits
	AllowEvents    []string      // further event packages for Allow-Events (RFC 6665 §8.2.2); Handle adds its own
	SessionExpires time.Duration // longest session interval we grant (RFC 4028); 0 means 30 minutes
	MinSE          time.Duration // shortest session interval we accept; 0 means 90 seconds, the least RFC 4028 allows
	ShutdownTime   time.Duration // for the BYEs of calls that are up when Run is asked to stop; 0 means 2 seconds

	Log     *slog.Logger          // nil discards
	Metrics prometheus.Registerer // nil means a registry of its own
}

// Server is the edge: it reads, orders and dispatches SIP messages.
type Server struct {
	cfg     ServerConfig
	log     *slog.Logger
	metrics *metrics
	auth    *Authenticator
	reg     *Registrar
	lines   Lines
	handler Handler
	guard   *Guard

	flows     *flowTable
	out       outgoings
	boxes     *mailboxes
	txs       *transactions
	legs      *legTable
	subs      *subscriptions
	refer     ReferHandler // nil refuses; not changed once the server runs
	referrals referrals
	events    []string // for Allow-Events; not changed once the server runs
	draining  atomic.Bool
	serving   chan struct{}  // closed by Run
	wait      sync.WaitGroup // connections and delayed answers
}

// NewServer makes a server; Run starts it. auth and reg may be nil where nobody registers and only trunks call.
func NewServer(cfg ServerConfig, auth *Authenticator, reg *Registrar, lines Lines, h Handler) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "Passerelle"
	}
	if cfg.SessionExpires <= 0 {
		cfg.SessionExpires = 30 * time.Minute
	}
	cfg.MinSE = max(cfg.MinSE, leastMinSE)
	cfg.SessionExpires = max(cfg.SessionExpires, cfg.MinSE)
	if cfg.ShutdownTime <= 0 {
		cfg.ShutdownTime = 2 * time.Second
	}
	if cfg.Guard == nil {
		cfg.Guard = NewGuard(GuardConfig{Metrics: cfg.Metrics})
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Metrics),
		auth: auth, reg: reg, lines: lines, handler: h, guard: cfg.Guard,
		serving: make(chan struct{}), flows: newFlowTable(), legs: newLegTable(), subs: newSubscriptions(cfg.Subscriptions), events: cfg.AllowEvents,
	}
	s.txs = newTransactions(s.metrics)
	s.boxes = newMailboxes(s.work)
	return s
}

// Run serves until ctx is done. Then it refuses new calls, hangs up those that are left, waits for their BYEs up to
// ShutdownTime and closes everything. It returns nil only when asked to stop; a listener that fails ends it earlier.
func (s *Server) Run(ctx context.Context) error {
	// Sockets and connections outlive ctx by the time the BYEs take.
	run, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var readers sync.WaitGroup
	start := func(read func(context.Context) error) {
		readers.Go(func() { // ends when run does, which closes its socket
			defer s.recovered(ownerReader)
			if err := read(run); err != nil {
				stop(err)
			}
		})
	}
	for i, pc := range s.cfg.UDP {
		f := newUDPFlow(FlowID(i+1), pc)
		s.flows.add(f)
		closeWith(run, pc)
		start(func(ctx context.Context) error { return s.serveUDP(ctx, f) })
	}
	for kind, list := range map[string][]net.Listener{"TCP": s.cfg.TCP, "TLS": s.cfg.TLS, "WS": s.cfg.WS, "WSS": s.cfg.WSS} {
		for _, l := range list {
			closeWith(run, l)
			start(func(ctx context.Context) error { return s.serveListener(ctx, kind, l) })
		}
	}
	close(s.serving)
	select {
	case <-ctx.Done():
	case <-run.Done():
	}
	s.Drain()
	s.referrals.shutdown()
	s.subs.farewell()
	began := time.Now()
	s.legs.shutdown(s.cfg.ShutdownTime)
	s.subs.shutdown(s.cfg.ShutdownTime - time.Since(began))
	s.referrals.wait.Wait() // their last NOTIFYs take ShutdownTime at most
	fault := context.Cause(run)
	stop(errStopped)
	s.flows.closeAll()
	readers.Wait()
	s.wait.Wait()
	s.boxes.wait.Wait()
	s.txs.terminateAll()
	s.legs.wait.Wait()
	s.subs.wait.Wait()
	if errors.Is(fault, errStopped) {
		return nil
	}
	return fault
}

var errStopped = errors.New("stopped")

func closeWith(ctx context.Context, c interface{ Close() error }) {
	context.AfterFunc(ctx, func() { _ = c.Close() })
}

// Serving is closed once Run has its sockets, so that requests of ours can leave.
func (s *Server) Serving() <-chan struct{} { return s.serving }

// Drain refuses new calls with 503 and Retry-After from now on; calls that are up go on.
func (s *Server) Drain() { s.draining.Store(true) }

// Legs returns how many legs are alive.
func (s *Server) Legs() int { return s.legs.count() }

// recovered ends the panic of an owner, counts it and leaves the rest of the server running. It is deferred.
func (s *Server) recovered(who owner) {
	if p := recover(); p != nil {
		s.panicked(who, p)
	}
}

func (s *Server) panicked(who owner, p any) {
	s.metrics.panics.WithLabelValues(string(who)).Inc()
	s.log.Error("panic", "owner", string(who), "err", p, "stack", string(debug.Stack()))
}
