package gateway

import (
	"context"
	"sync"

	"passerelle/media/prompts"
	"passerelle/party"
	"passerelle/sip"
)

// parties are those answered and not yet ended, with their language.
type parties struct {
	mu  sync.Mutex
	all map[*party.Party]string
}

// add remembers p until the returned func is called.
func (ps *parties) add(p *party.Party, lang string) (remove func()) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.all == nil {
		ps.all = make(map[*party.Party]string)
	}
	ps.all[p] = lang
	return func() {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		delete(ps.all, p)
	}
}

// language is what a party is spoken to in.
func (ps *parties) language(p *party.Party, otherwise string) string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if lang, ok := ps.all[p]; ok {
		return lang
	}
	return otherwise
}

// each calls f for every party, on goroutines of their own, and waits for them.
func (ps *parties) each(f func(p *party.Party, lang string)) {
	var wg sync.WaitGroup
	ps.mu.Lock()
	for p, lang := range ps.all {
		wg.Go(func() { f(p, lang) })
	}
	ps.mu.Unlock()
	wg.Wait()
}

// Drain refuses new calls; those that are up go on.
func (g *Gateway) Drain() { g.draining.Store(true) }

// Shutdown says goodbye to everybody who is still there, hangs up, and returns when the last bridge has ended or ctx is
// done. Call Drain first.
func (g *Gateway) Shutdown(ctx context.Context) {
	g.outcalls.cancelWaiting(ErrDraining, func(OutcallInfo) bool { return true })
	g.parties.each(func(p *party.Party, lang string) {
		p.Hush()
		select {
		case <-p.Say(prompts.Get(lang, prompts.Closing)):
		case <-p.Done():
			return
		case <-ctx.Done():
		}
		if err := p.Hangup(ctx, closing); err != nil {
			g.log.WarnContext(ctx, "not hung up", "call_id", p.Leg().CallID(), "err", err)
		}
	})
	ended := make(chan struct{})
	go func() { // ends when the last call of a space and the last bridge have
		g.outcalls.wg.Wait()
		g.bridges.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// closing is why a shutdown ends a leg.
var closing = sip.Reason{Protocol: "SIP", Cause: 503, Text: "Server is shutting down"}
