package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/media"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/auditor"
	"passerelle/portal/events"
	"passerelle/portal/httpd"
	"passerelle/portal/token"
	"passerelle/store"
)

// serveCmd runs the server.
type serveCmd struct {
	Config     kong.ConfigFlag `help:"File whose keys are these flags' names, in YAML; flags and environment win over it." placeholder:"F" env:"PASSERELLE_CONFIG"`
	storeFlags `embed:""`

	Site       []string      `help:"Site files to import when the store is empty." placeholder:"F"`
	SIP        []string      `name:"sip" help:"SIP addresses, UDP and TCP each." default:":5060" placeholder:"HOST:PORT"`
	TLS        []string      `name:"tls" help:"SIP over TLS addresses." placeholder:"HOST:PORT"`
	WS         []string      `name:"ws" help:"SIP over WebSocket addresses." placeholder:"HOST:PORT"`
	WSS        []string      `name:"wss" help:"SIP over secure WebSocket addresses." placeholder:"HOST:PORT"`
	Cert       string        `help:"Certificate chain (PEM) of TLS, WSS and HTTPS." placeholder:"F"`
	Key        string        `help:"Private key (PEM) of TLS, WSS and HTTPS." placeholder:"F"`
	HTTP       string        `name:"http" help:"HTTP address: portal, API, metrics, health." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	HTTPS      string        `name:"https" help:"The same by TLS, for browsers and for phones that fetch their configuration." placeholder:"HOST:PORT"`
	PublicURL  string        `name:"public-url" help:"Where browsers open the portal, when it is not its own address." placeholder:"URL"`
	PhoneCA    string        `name:"phone-ca" help:"Authorities (PEM) whose certificates prove phones that fetch by HTTPS without a link." placeholder:"F"`
	RTP        string        `name:"rtp" help:"Media addresses." default:":10000-19999" placeholder:"HOST:MIN-MAX"`
	Advertise  string        `help:"Address that phones are told, when it is not the one they reach." placeholder:"IP"`
	Log        string        `help:"Log format." enum:"text,json" default:"json"`
	LogLevel   string        `help:"Least level that is logged." enum:"debug,info,warn,error" default:"info"`
	APIToken   string        `name:"api-token" help:"Bearer token of the API; without one it answers on the admin socket only." placeholder:"TOKEN"`
	AuditDays  int           `name:"audit-days" help:"For how many days the journal of changes keeps its entries." default:"365" placeholder:"N"`
	DrainLimit time.Duration `help:"How long calls may go on after SIGTERM before they are ended." default:"30s"`
	EventsKeep time.Duration `help:"How long the event log keeps an event." default:"168h"`
	EventsMost int           `help:"How many events the event log keeps." default:"500000"`
	OIDC       oidcFlags     `embed:"" prefix:"oidc-"`

	WebhookNetwork []string `help:"Private networks that webhooks may reach, beside the Internet." placeholder:"CIDR"`

	demo bool // the demo site when the store is empty
}

// demoDrain is the demo's drain limit: nobody waits for a demo.
const demoDrain = 2 * time.Second

// Help implements kong's help provider.
func (serveCmd) Help() string {
	return "Example: passerelle serve --data /var/lib/passerelle --site paris.yaml --sip 192.0.2.10:5060"
}

// Run serves until ctx is done.
func (c *serveCmd) Run(ctx context.Context, line commandLine) error {
	// From here on the signal asks for a reload, even while the server starts.
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	return c.serve(ctx, serveOptions{flags: line.serveFlags, hangUps: hangUps})
}

// serveOptions are what serve and demo do differently; the zero value is all nil.
type serveOptions struct {
	flags   func(context.Context) (*serveCmd, error)     // reads the flags anew; nil where they cannot change
	hangUps <-chan os.Signal                             // each asks for a reload
	started func(dir *directory.Directory, token string) // called once everything listens
}

// serve opens what the server stands on, runs it, and closes it.
func (c *serveCmd) serve(ctx context.Context, opts serveOptions) error {
	level := &slog.LevelVar{}
	level.Set(levelOf(c.LogLevel))
	log := newLogger(os.Stderr, c.Log, level)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	st, live, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer st.Close()
	st.KeepAudit(time.Duration(c.AuditDays) * 24 * time.Hour)
	ports, err := c.ports(media.NewMetrics(metrics))
	if err != nil {
		return err
	}
	listeners, err := c.listen(ctx)
	if err != nil {
		return err
	}
	defer listeners.close()

	happened := events.NewLog(events.Config{Store: st, Keep: c.EventsKeep, Most: c.EventsMost, Log: log, Metrics: metrics})
	if err := happened.Open(ctx); err != nil {
		return err
	}
	hooks, err := c.webhooks(ctx, happened, st, log, metrics)
	if err != nil {
		return err
	}
	happened.Post(events.Draft{Type: events.ServerStarted, Data: events.Server{Version: version}})
	journal, err := cdr.Open(cdr.Config{Dir: filepath.Join(c.Data, "calls"), Log: log, Observe: func(s cdr.Stage, r cdr.Record) { happened.Post(events.OfCall(s, r)) }})
	if err != nil {
		return err
	}
	defer journal.Close()
	mailboxes, err := st.LoadMailboxes(ctx)
	if err != nil {
		return err
	}
	config := &configuration{store: st, live: live, events: happened}
	h := newHouse(houseConfig{live: live, journal: journal, events: happened, webhooks: hooks, settings: byPhone{config}, mailboxes: mailboxes, associations: st, locations: st, listeners: listeners, ports: ports, advertise: c.Advertise,
		phones: st, reportsDir: filepath.Join(c.Data, "reports"), musicDir: filepath.Join(c.Data, "music"), drainLimit: c.DrainLimit, log: log, metrics: metrics})
	if err := h.registrar.Load(ctx); err != nil {
		return fmt.Errorf("load registrations: %w", err)
	}
	if err := h.desk.Load(ctx); err != nil {
		return err
	}
	if err := h.phones.Load(ctx); err != nil {
		return err
	}
	ready := &httpd.Readiness{}
	c.APIToken = c.apiToken()
	tokens, err := newSwitchedTokens(c.APIToken)
	if err != nil {
		return err
	}
	config.swapped = h.changed
	reloads := newReloader(reloadConfig{flags: c, again: opts.flags, certificates: listeners.certificates, sites: config, level: level, tokens: tokens,
		drainLimit: func(d time.Duration) { h.drainLimit.Store(int64(d)) }, journal: st, log: log, metrics: metrics})
	base, err := c.publicURL()
	if err != nil {
		return err
	}
	accounts := newAccounts(st, live, c.origin(base), log)
	pages, err := c.web(ctx, h, config, accounts, base, tokens, reloads, ready, metrics, log)
	if err != nil {
		return err
	}
	// HTTP serves until the last call has ended: health and metrics tell of the drain.
	serving, closeWeb := context.WithCancel(context.WithoutCancel(ctx))
	defer closeWeb()
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return pages.run(serving) })
	g.Go(func() error { return happened.Run(serving) })
	g.Go(func() error { return hooks.Run(serving) })
	g.Go(func() error {
		defer closeWeb()
		defer happened.Post(events.Draft{Type: events.ServerStopping, Data: events.Server{Version: version}})
		return h.run(running)
	})
	g.Go(func() error { return reloads.run(running, opts.hangUps) })
	context.AfterFunc(running, func() { ready.Set(httpd.StateDraining) })
	ready.Set(httpd.StateReady)
	log.InfoContext(ctx, "serving", "sip", c.SIP, "http", c.HTTP, "rtp", c.RTP, "version", version)
	if opts.started != nil {
		opts.started(live.Current(), c.APIToken)
	}
	if err := printSetup(ctx, os.Stdout, accounts, base); err != nil {
		log.WarnContext(ctx, "set-up link not made", "err", err)
	}
	err = g.Wait()
	log.InfoContext(ctx, "stopped", "err", err)
	return err
}

// apiToken is the token of --api-token; the demo has a fresh one, which it prints. Empty means that the admin socket is
// the API's only road.
func (c *serveCmd) apiToken() string {
	if c.APIToken == "" && c.demo {
		return rand.Text()
	}
	return c.APIToken
}

// web composes the HTTP side and opens its listeners.
func (c *serveCmd) web(ctx context.Context, h *house, config *configuration, accounts *account.Accounts, base string, tokens api.Identifier, reloads *reloader, ready *httpd.Readiness, metrics *prometheus.Registry, log *slog.Logger) (*web, error) {
	given, err := token.Open(ctx, config.store, accounts, log)
	if err != nil {
		return nil, err
	}
	provider, err := c.OIDC.provider(c.origin(base))
	if err != nil {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.HTTP)
	if err != nil {
		return nil, fmt.Errorf("--http %s: %w", c.HTTP, err)
	}
	secure, err := c.secureWeb(ctx, h.cfg.listeners.certificates)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	w := webConfig{
		api: api.Config{
			Version: version, Directory: h.cfg.live, Bridges: h.gateway, SpaceCalls: h.gateway, LiveCalls: h.root, Registrations: h.registrar, Legs: h.server,
			Ports: h.cfg.ports, Routes: routes{h.cfg.live, h.limits}, Limits: h.limits.Fraud, Trunks: h.trunks, TrunkCalls: h.limits.Channels, Gateways: config, Configuration: config,
			Events:    h.cfg.events,
			Webhooks:  h.cfg.webhooks,
			Mailboxes: h.events.waiting, Records: h.cfg.journal, Settings: config, Editor: config, HoldMusic: siteMusic{h.music, config}, Hoteling: h.desk, Phones: h.phones,
			Tokens: given, Answers: config.store.Answers(), Reloader: reloads, Accounts: portalAccounts{accounts, base}, Log: log,
			Audit: config, Auditor: auditor.New(h.cfg.live, config.store, log),
		},
		tokens:   api.Either{First: tokens, Second: given},
		accounts: accounts, provider: provider, desk: h.desk, phones: h.phones.Handler(), listener: ln, secure: secure, dataDir: c.Data, readiness: ready, metrics: metrics, log: log,
	}
	kept := h.newSources(accounts, config.store)
	w.api.Sources, w.api.Health = kept, h.newHealth(config.store, kept, reloads, c.Data)
	var pages *web
	if err = kept.Load(ctx); err == nil {
		pages, err = openWeb(w)
	}
	if err != nil {
		err = errors.Join(err, ln.Close())
		if secure != nil {
			err = errors.Join(err, secure.Close())
		}
		return nil, err
	}
	return pages, nil
}

// secureWeb opens the listener of --https; nil where there is none.
func (c *serveCmd) secureWeb(ctx context.Context, certs *certificates) (net.Listener, error) {
	if c.HTTPS == "" {
		return nil, nil
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.HTTPS)
	if err != nil {
		return nil, fmt.Errorf("--https %s: %w", c.HTTPS, err)
	}
	return tls.NewListener(ln, certs.webTLS()), nil
}

// open opens the store, fills an empty one, and reads the directory.
func (c *serveCmd) open(ctx context.Context, log *slog.Logger) (*store.Store, *directory.Live, error) {
	st, err := c.storeFlags.open(log)
	if err != nil {
		return nil, nil, err
	}
	live, err := c.fill(ctx, st)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, live, nil
}

func (c *serveCmd) fill(ctx context.Context, st *store.Store) (*directory.Live, error) {
	e, err := st.Load(ctx)
	if err != nil {
		return nil, err
	}
	if len(e.Sites) == 0 {
		fresh, err := c.fresh()
		if err != nil {
			return nil, err
		}
		if fresh != nil {
			if err := st.Import(ctx, fresh, nil); err != nil {
				return nil, err
			}
			if e, err = st.Load(ctx); err != nil {
				return nil, err
			}
		}
	}
	dir, err := directory.New(e)
	if err != nil {
		return nil, fmt.Errorf("stored directory: %w", err)
	}
	return directory.NewLive(dir), nil
}

// fresh is what an empty store is filled with: the demo site, the site files, or nothing.
func (c *serveCmd) fresh() (*directory.Enterprise, error) {
	if c.demo {
		return demoEnterprise(), nil
	}
	if len(c.Site) == 0 {
		return nil, nil
	}
	return readSites(c.Site)
}

// levelOf reads a level of --log-level.
func levelOf(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
