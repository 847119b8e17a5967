package party

import (
	"context"
	"runtime/debug"
	"time"

	"passerelle/media"
	"passerelle/sip"
)

// How the party looks after its peer.
const (
	readyWait  = 400 * time.Millisecond // for the first packet, before a prompt starts anyway
	watchEvery = 5 * time.Second        // how often life is looked for
	silenceMax = 60 * time.Second       // without RTP and RTCP until the peer's dialog is probed
)

// run owns the party until its leg ends.
func (p *Party) run() {
	defer p.close()
	defer p.recovered()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	ready := time.NewTimer(readyWait)
	defer ready.Stop()
	first := p.session.FirstPacket()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	probed := time.Now()
	probe := make(chan error, 1)
	probing := false
	var merger keyMerger

	isReady := func() {
		first = nil
		ready.Stop()
		select {
		case <-p.ready:
		default:
			close(p.ready)
		}
	}
	for _, e := range p.early {
		p.event(ctx, &merger, e)
	}
	p.early = nil
	for {
		select {
		case <-p.leg.Done():
			return
		case <-p.session.Broken():
			go func() { _ = p.leg.Hangup(ctx, broken) }() // returns when the leg has ended
			<-p.leg.Done()
			return
		case <-first:
			isReady()
		case <-ready.C:
			isReady()
		case d := <-p.digits:
			src := event
			if d.Source == media.InBand {
				src = inBand
			}
			p.key(&merger, src, d.Key, d.Time)
		case e, ok := <-p.leg.Events():
			if !ok {
				<-p.leg.Done()
				return
			}
			p.event(ctx, &merger, e)
		case <-watch.C:
			if probing || p.alive(probed) {
				continue
			}
			probing = true
			go func() { probe <- p.leg.Probe(ctx) }() // ends with ctx at the latest
		case err := <-probe:
			probing, probed = false, time.Now()
			if err == nil || ctx.Err() != nil {
				continue
			}
			p.log.Info("peer is gone: no media, and no answer in its dialog", "err", err)
			go func() { _ = p.leg.Hangup(ctx, gone) }() // returns when the leg has ended
		}
	}
}

// event takes what the peer did in the dialog.
func (p *Party) event(ctx context.Context, m *keyMerger, e sip.LegEvent) {
	switch e := e.(type) {
	case sip.InfoEvent:
		if key, ok := parseInfo(e.ContentType, e.Body); ok {
			p.key(m, info, key, time.Now())
		}
	case sip.OfferEvent:
		p.offered(ctx, e)
	case sip.AnswerEvent:
		if err := p.session.Complete(e.SDP); err != nil {
			p.log.Warn("answer to our offer refused", "err", err)
		}
	case sip.ReferEvent:
		if p.refer != nil {
			p.refer(p, e)
		} else if err := p.leg.RefuseRefer(ctx, e, 603); err != nil {
			p.log.Debug("REFER not refused", "err", err)
		}
	}
}

// recovered ends the leg of a party that panicked, and nothing else.
func (p *Party) recovered() {
	if r := recover(); r != nil {
		p.panics.Inc()
		p.log.Error("party panicked", "panic", r, "stack", string(debug.Stack()))
		go func() { _ = p.leg.Hangup(context.Background(), broken) }() // ends with the leg, at most 64*T1
	}
}

// broken is why a leg is ended over a fault of ours.
var broken = sip.Reason{Protocol: "SIP", Cause: 500, Text: "Internal error"}

// gone is why a leg is ended whose peer vanished.
var gone = sip.Reason{Protocol: "SIP", Cause: 408, Text: "No media and no answer"}

// key merges one arrival of a key and delivers it if it is a new press.
func (p *Party) key(m *keyMerger, src source, key byte, at time.Time) {
	if !m.add(src, key, at) {
		return
	}
	select {
	case p.keys <- key:
	default: // nobody reads: in a bridge keys mean nothing
	}
}

// offered answers a re-INVITE or UPDATE.
func (p *Party) offered(ctx context.Context, e sip.OfferEvent) {
	var sdp []byte
	var err error
	if e.SDP == nil {
		sdp, err = p.session.Offer()
	} else {
		sdp, err = p.session.Accept(e.SDP)
	}
	if err == nil {
		err = p.leg.Accept(ctx, sdp)
	} else {
		code, _ := sip.StatusOf(statusOf(err))
		p.log.InfoContext(ctx, "offer refused", "method", e.Method, "code", code, "err", err)
		err = p.leg.Refuse(ctx, code)
	}
	if err != nil && ctx.Err() == nil {
		p.log.InfoContext(ctx, "offer not answered", "method", e.Method, "err", err)
	}
}

// alive tells whether the peer gave a sign of life lately: media, RTCP or an answered probe.
func (p *Party) alive(probed time.Time) bool {
	s := p.session.State()
	for _, t := range []time.Time{s.LastRTP, s.LastRTCP, probed} {
		if time.Since(t) < silenceMax {
			return true
		}
	}
	return false
}
