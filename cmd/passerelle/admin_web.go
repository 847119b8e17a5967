package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/httpd"
	"passerelle/portal/signin"
	portal "passerelle/portal/web"
)

// webConfig is the HTTP side of a server.
type webConfig struct {
	api       api.Config
	tokens    api.Identifier    // who calls by the network
	accounts  *account.Accounts // of the portal; nil serves none
	provider  signin.Provider   // where people may sign in to the portal too; nil for nowhere
	desk      portal.Desk
	phones    http.Handler // what phones fetch; nil serves none
	listener  net.Listener // of the network; the web closes it
	secure    net.Listener // the same by TLS; nil for none
	dataDir   string       // where the admin socket lies
	readiness *httpd.Readiness
	metrics   *prometheus.Registry
	log       *slog.Logger
}

// web serves the network, where a token proves the caller, and the admin socket, which is the owner's alone.
type web struct {
	network, admin *httpd.Server
	secure         *httpd.Server // nil for none
}

// openWeb opens the admin socket and composes both servers; nothing runs yet.
func openWeb(cfg webConfig) (*web, error) {
	a, err := api.New(cfg.api)
	if err != nil {
		return nil, err
	}
	front := httpd.NewFront(httpd.Config{
		API: a, Pages: pages(cfg), Phones: cfg.phones, Readiness: cfg.readiness, Version: cfg.api.Version, Gatherer: cfg.metrics, Metrics: cfg.metrics, Log: cfg.log,
	})
	socket, err := listenAdmin(cfg.dataDir)
	if err != nil {
		return nil, err
	}
	w := &web{
		network: httpd.NewServer(httpd.ServerConfig{Listener: cfg.listener, Log: cfg.log}, front.Handler(cfg.tokens)),
		admin:   httpd.NewServer(httpd.ServerConfig{Listener: socket, Log: cfg.log}, front.Handler(api.Owner{})),
	}
	if cfg.secure != nil {
		w.secure = httpd.NewServer(httpd.ServerConfig{Listener: cfg.secure, Log: cfg.log}, front.Handler(cfg.tokens))
	}
	return w, nil
}

// run serves until ctx is done and the requests in flight have ended. It closes the listeners.
func (w *web) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.network.Run(ctx) })
	g.Go(func() error { return w.admin.Run(ctx) })
	if w.secure != nil {
		g.Go(func() error { return w.secure.Run(ctx) })
	}
	return g.Wait()
}
