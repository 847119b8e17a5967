package media

import (
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"sync"
)

// RelayConfig is what all relayed calls of a server share.
type RelayConfig struct {
	// Codecs are what a peer is offered, and its offer answered with, when there is nobody whose formats could be; nil means
	// PCMA, PCMU and G.722.
	Codecs []Codec
	// Loops is how many goroutines move packets; zero is one for every two processors.
	Loops int
	// Log may be nil.
	Log *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
}

// Relay carries the media of calls through the server without decoding it. A call has a [Side] for each of its legs; [Join]
// lets the packets of two of them pass to each other. It may be used from any goroutine.
type Relay struct {
	ports *Ports
	cfg   RelayConfig
	loops []*relayLoop

	// mu makes one negotiation at a time: they are short, and each may look at two sides.
	mu sync.Mutex
}

// NewRelay makes a relay; it starts to work with its first side.
func NewRelay(p *Ports, cfg RelayConfig) *Relay {
	if cfg.Codecs == nil {
		cfg.Codecs = []Codec{PCMA, PCMU, G722}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = p.cfg.Metrics
	}
	if cfg.Loops <= 0 {
		cfg.Loops = max(1, runtime.GOMAXPROCS(0)/2)
	}
	r := &Relay{ports: p, cfg: cfg}
	for range cfg.Loops {
		r.loops = append(r.loops, &relayLoop{log: cfg.Log, metrics: cfg.Metrics})
	}
	return r
}

// quietest is the loop with the fewest sides.
func (r *Relay) quietest() *relayLoop {
	return slices.MinFunc(r.loops, func(a, b *relayLoop) int { return a.load() - b.load() })
}

// SideConfig is about one leg.
type SideConfig struct {
	// Secure says how the leg may be secured; it is NoSRTP unless the leg's signalling is secured itself.
	Secure SRTPPolicy
	// Local is the address where the leg's signalling arrived; see [SessionConfig].
	Local netip.Addr
	// Dialog is what was described in the leg's dialog before, by [Session.Dialog] or [Side.Dialog]; nil begins anew.
	Dialog *Dialog
	// HoldMusic is heard by the leg's peer while the other side of the call holds; nil is silence, or what the holding side
	// sends itself.
	HoldMusic *Sound
	// Log may be nil.
	Log *slog.Logger
}

// NewSide makes the side of a leg. It takes port pairs as descriptions need them.
func (r *Relay) NewSide(cfg SideConfig) *Side {
	if cfg.Log == nil {
		cfg.Log = r.cfg.Log
	}
	if cfg.Dialog == nil {
		cfg.Dialog = newDialog()
	}
	s := &Side{relay: r, cfg: cfg, dialog: cfg.Dialog, pressed: make(chan Digit, keysWaiting)}
	s.lines = s.dialog.lines()
	if cfg.HoldMusic != nil {
		cfg.HoldMusic.at(mixRate) // bring it to the rate here, not on the loop
	}
	r.cfg.Metrics.relaySides.Inc()
	return s
}
