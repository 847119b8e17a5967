package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/portal/events"
	"passerelle/store"
)

// webhooks reads who is to be sent what happens; nothing is sent yet.
func (c *serveCmd) webhooks(ctx context.Context, log *events.Log, st *store.Store, to *slog.Logger, metrics prometheus.Registerer) (*events.Webhooks, error) {
	cfg := events.WebhooksConfig{Events: log, Store: st, Agent: "Passerelle/" + version, Log: to, Metrics: metrics}
	for _, text := range c.WebhookNetwork {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("--webhook-network %s: want a network such as 10.0.0.0/8: %w", text, err)
		}
		cfg.Networks = append(cfg.Networks, p.Masked())
	}
	w := events.NewWebhooks(cfg)
	return w, w.Load(ctx)
}
