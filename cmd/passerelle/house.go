package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/call/events"
	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/media"
	"passerelle/party"
	eventlog "passerelle/portal/events"
	"passerelle/provision"
	"passerelle/sip"
)

// houseConfig is what the signalling and media of a server stand on; tests give it a network in memory.
type houseConfig struct {
	live         *directory.Live
	locations    sip.Locations
	listeners    *listeners
	ports        *media.Ports
	advertise    string
	journal      *cdr.Journal  // of call records; nil keeps none
	events       *eventlog.Log // of what happens; nil keeps nothing
	webhooks     *eventlog.Webhooks
	settings     call.Settings    // what lines set by codes; nil keeps nothing
	mailboxes    events.Mailboxes // what waits for lines; nil forgets it at the end
	associations hoteling.Store   // who is signed in where; nil forgets it at the end
	phones       provision.Store  // what phones have fetched; nil forgets it at the end
	reportsDir   string           // of phones' problem reports; empty takes none
	musicDir     string           // of recordings for callers on hold; empty holds none
	drainLimit   time.Duration
	dns          trunks.DNS                                              // finds trunks by name; nil asks the system's name servers
	dial         func(context.Context, netip.AddrPort) (net.Conn, error) // connects to trunks; nil means the system's network
	log          *slog.Logger
	metrics      *prometheus.Registry
}

// house is the wired server without its HTTP side.
type house struct {
	cfg       houseConfig
	lobby     *media.Mixer
	root      *call.Root
	music     *music
	gateway   *gateway.Gateway
	registrar *sip.Registrar
	limits    call.Limits
	server    *sip.Server
	guard     *sip.Guard
	auth      *sip.Authenticator
	events    houseEvents
	trunks    *trunks.Trunks
	// trunksEnded is closed when nothing watches the trunks any more.
	trunksEnded chan struct{}
	desk        *hoteling.Desk
	phones      *provision.Phones
	drainLimit  atomic.Int64 // a time.Duration
}

// shutdownLimit bounds the goodbye and the BYEs of a shutdown.
const shutdownLimit = 15 * time.Second

// newHouse wires the house; nothing runs yet.
func newHouse(cfg houseConfig) *house {
	h := &house{cfg: cfg, trunksEnded: make(chan struct{})}
	h.drainLimit.Store(int64(cfg.drainLimit))
	mediaMetrics := media.NewMetrics(cfg.metrics)
	h.lobby = media.NewMixer(media.MixerConfig{Isolated: true, Name: "lobby", Log: cfg.log, Metrics: mediaMetrics})
	root := call.NewRoot(cfg.live, cfg.journal, cfg.log)
	root.Metrics(cfg.metrics)
	h.music = newMusic(cfg.musicDir, cfg.live, cfg.log)
	h.music.load()
	h.root = root
	parties := party.Config{Ports: cfg.ports, Lobby: h.lobby, Session: media.SessionConfig{Log: cfg.log, Metrics: mediaMetrics}, Begun: root.PartyBegun, Ended: root.PartyEnded, Referred: root.Referred, Log: cfg.log}
	root.Features(cfg.settings, parties)
	h.gateway = gateway.New(gateway.Config{
		Directory: cfg.live,
		Party:     parties,
		Mixer:     media.MixerConfig{Log: cfg.log, Metrics: mediaMetrics},
		Seated:    root.Seated,
		Changed:   cfg.logBridge,
		Dialer:    root,
		Log:       cfg.log,
		Metrics:   cfg.metrics,
	})
	root.Gateway(h.gateway)
	lines := &edgeLines{lines: lines{cfg.live}}
	h.registrar = sip.NewRegistrar(sip.RegistrarConfig{Log: cfg.log, Metrics: cfg.metrics}, cfg.locations)
	h.guard = sip.NewGuard(sip.GuardConfig{Metrics: cfg.metrics})
	h.auth = sip.NewAuthenticator(sip.AuthConfig{Log: cfg.log, Metrics: cfg.metrics}, lines)
	h.server = sip.NewServer(sip.ServerConfig{
		UDP: cfg.listeners.udp, TCP: cfg.listeners.tcp, TLS: cfg.listeners.tls, WS: cfg.listeners.ws, WSS: cfg.listeners.wss,
		TLSConfig: cfg.listeners.certificates.sipTLS(),
		Guard:     h.guard,
		Dial:      cfg.dial,
		DialTLS:   cfg.listeners.certificates.trunkTLS(),
		Advertise: cfg.advertise,
		UserAgent: "Passerelle/" + version,
		Log:       cfg.log,
		Metrics:   cfg.metrics,
	}, h.auth, h.registrar, lines, root)
	h.openTrunks(lines)
	h.openHoteling()
	h.openPhones()
	h.openEvents(root)
	h.logHouse()
	root.Calls(h.server, h.registrar)
	h.server.HandleRefer(root)
	root.Hotel(h.desk)
	root.Guests(codes{h.desk})
	root.Media(call.MediaConfig{
		Relay:     media.NewRelay(cfg.ports, media.RelayConfig{Log: cfg.log, Metrics: mediaMetrics}),
		HoldMusic: h.music.own, SiteMusic: h.music.of,
	})
	h.limits = call.Limits{
		Fraud:    call.NewFraudGuard(call.FraudConfig{Log: cfg.log, Metrics: cfg.metrics}),
		Channels: call.NewChannels(cfg.metrics),
		Health:   h.trunks,
		Ways:     h.trunks,
		Names:    h.trunks,
		Hotel:    h.desk,
	}
	root.Limit(h.limits)
	return h
}

// prune ends the registrations and subscriptions of lines that left the directory.
func (h *house) prune() {
	if n := h.registrar.Prune(lines{h.cfg.live}.registers); n > 0 {
		h.cfg.log.Info("registrations of lines that left", "ended", n)
	}
	if n := h.endSubscriptions(); n > 0 {
		h.cfg.log.Info("subscriptions of lines that left", "ended", n)
	}
}

// run serves until ctx is done and the drain is over. The order of the end: no new calls; calls may go on for the drain
// limit; a goodbye and BYEs; then signalling, media and the registrar's last write end together.
func (h *house) run(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, serving := errgroup.WithContext(serving)
	g.Go(func() error { return h.lobby.Run(serving) })
	g.Go(func() error { return h.registrar.Run(serving) })
	g.Go(func() error { return h.events.run(serving) })
	g.Go(func() error { return h.desk.Run(serving) })
	g.Go(func() error { return h.phones.Run(serving) })
	g.Go(func() error { return h.server.Run(serving) })
	g.Go(func() error { return h.runTrunks(ctx, serving) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			h.drain(serving)
			stop()
		case <-serving.Done(): // one of the above failed
		}
		return nil
	})
	return g.Wait()
}

// drain refuses new calls, waits for those that are up to end by themselves until the limit, and ends the rest.
func (h *house) drain(ctx context.Context) {
	h.cfg.log.InfoContext(ctx, "draining", "legs", h.server.Legs(), "limit", time.Duration(h.drainLimit.Load()))
	h.server.Drain()
	h.gateway.Drain()
	limit := time.NewTimer(time.Duration(h.drainLimit.Load()))
	defer limit.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for h.server.Legs() > 0 {
		select {
		case <-look.C:
			continue
		case <-limit.C:
		case <-ctx.Done():
			return
		}
		break
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownLimit)
	defer cancel()
	h.gateway.Shutdown(ctx)
	select {
	case <-h.trunksEnded: // our registrations end by the server
	case <-ctx.Done():
	}
}
