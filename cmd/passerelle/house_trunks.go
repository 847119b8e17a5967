package main

import (
	"context"
	"net/netip"

	"passerelle/call/trunks"
	"passerelle/sip"
)

// edgeLines are the lines with the trunks that we register with, as the edge asks for them.
type edgeLines struct {
	lines
	trunks *trunks.Trunks // set before the server runs
}

var (
	_ sip.Lines       = (*edgeLines)(nil)
	_ sip.LineFinder  = (*edgeLines)(nil)
	_ sip.TrunkFinder = (*edgeLines)(nil)
)

// Trunk implements sip.Lines.
func (l *edgeLines) Trunk(src netip.AddrPort) (string, bool) {
	if name, ok := l.lines.Trunk(src); ok {
		return name, true
	}
	return l.trunks.BySource(src)
}

// TrunkOf implements sip.TrunkFinder.
func (l *edgeLines) TrunkOf(src sip.Source, target sip.URI) (string, bool) {
	return l.trunks.TrunkOf(src, target)
}

// openTrunks makes what watches the trunks, and joins it to the edge, before anything runs.
func (h *house) openTrunks(edge *edgeLines) {
	h.trunks = trunks.New(trunks.Config{Directory: h.cfg.live, Requests: h.server, DNS: h.cfg.dns, Log: h.cfg.log, Metrics: h.cfg.metrics})
	edge.trunks = h.trunks
}

// runTrunks watches the trunks until ctx or serving is done; their registrations end before it returns, while the server
// still serves.
func (h *house) runTrunks(ctx, serving context.Context) error {
	defer close(h.trunksEnded)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(serving, cancel)()
	select {
	case <-h.server.Serving(): // no address is down for a socket of ours that is not there yet
	case <-ctx.Done():
	}
	return h.trunks.Run(ctx)
}
