package call

import (
	"time"

	"passerelle/media"
	"passerelle/sip"
)

// How a call looks after its peers.
const (
	watchEvery = 5 * time.Second  // how often life is looked for
	silenceMax = 60 * time.Second // without RTP and RTCP until the peer's dialog is probed
)

// watch looks for peers that vanished: no media for a minute, and no answer in their dialog. Silence alone ends no call: who
// is held or muted may be silent for hours. It belongs to the owner of its call.
type watch struct {
	ticker  *time.Ticker
	probing [2]bool
	seen    [2]time.Time // when a probe was answered, or the leg came
	results chan probeResult
}

type probeResult struct {
	side side
	leg  *sip.Leg
	err  error
}

func newWatch() *watch {
	now := time.Now()
	return &watch{ticker: time.NewTicker(watchEvery), seen: [2]time.Time{now, now}, results: make(chan probeResult, 4)}
}

// C ticks when it is time to look.
func (w *watch) C() <-chan time.Time { return w.ticker.C }

func (w *watch) stop() { w.ticker.Stop() }

// renew begins anew for a leg that took the place of another.
func (w *watch) renew(s side) { w.probing[s], w.seen[s] = false, time.Now() }

// look probes the peers that gave no sign of life lately.
func (t *twoParty) look() {
	w := t.watch
	for s := range t.legs {
		if w.probing[s] || alive(t.legs[s].media.State(), w.seen[s]) {
			continue
		}
		w.probing[s] = true
		leg := t.legs[s].leg
		t.root.spawn(func() { // ends with the answer, or with the call
			err := leg.Probe(t.ctx)
			select {
			case w.results <- probeResult{side(s), leg, err}:
			case <-t.ctx.Done():
			}
		})
	}
}

// alive tells whether a peer gave a sign of life lately: media, RTCP or an answered probe.
func alive(s media.SideState, seen time.Time) bool {
	for _, at := range []time.Time{s.Audio.LastRTP, s.Audio.LastRTCP, s.Video.LastRTP, s.Video.LastRTCP, seen} {
		if time.Since(at) < silenceMax {
			return true
		}
	}
	return false
}

// probed hangs up a peer that is gone; the end of its leg ends the call.
func (t *twoParty) probed(r probeResult) {
	if t.legs[r.side].leg != r.leg {
		return
	}
	t.watch.probing[r.side], t.watch.seen[r.side] = false, time.Now()
	if r.err == nil {
		return
	}
	t.log.InfoContext(t.ctx, "peer is gone: no media, and no answer in its dialog", "side", r.side.String(), "err", r.err)
	t.root.spawn(func() { hangup(r.leg, vanished) }) // returns when the leg has ended
}

// vanished is why a leg is ended whose peer is gone.
var vanished = sip.Reason{Protocol: "SIP", Cause: 408, Text: "No media and no answer"}
