package main

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"passerelle/call/trunks"
)

// names is the DNS of a world: it knows nothing until a test says so.
type names struct {
	mu    sync.Mutex
	black bool // it answers nothing
	hosts map[string][]netip.Addr
}

var _ trunks.DNS = (*names)(nil)

// set changes the world.
func (n *names) set(black bool, hosts map[string][]netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.black, n.hosts = black, hosts
}

func (n *names) SRV(ctx context.Context, _ string) ([]trunks.SRV, time.Duration, error) {
	_, _, err := n.Addrs(ctx, "")
	return nil, 0, err
}

func (n *names) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	n.mu.Lock()
	black, addrs := n.black, n.hosts[host]
	n.mu.Unlock()
	switch {
	case black:
		<-ctx.Done()
		return nil, 0, context.Cause(ctx)
	case len(addrs) == 0:
		return nil, 0, trunks.ErrNoRecords
	}
	return addrs, time.Minute, nil
}
