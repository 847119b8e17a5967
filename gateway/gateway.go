package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/media/prompts"
	"passerelle/party"
	"passerelle/sip"
)

// Config is what a Gateway needs; all but Dialer and Metrics is required.
type Config struct {
	Directory *directory.Live
	Party     party.Config
	// Mixer is the template of every bridge's mixer.
	Mixer media.MixerConfig
	// Seated, if not nil, is told of each leg that enters a space. It must not wait.
	Seated func(leg *sip.Leg, space *directory.Space)
	// Changed, if not nil, is told what happens on each bridge, in its order. It must not wait.
	Changed func(Change)
	// Dialer makes the calls of spaces; nil makes none.
	Dialer  Dialer
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Gateway answers calls to the sites' gateway numbers and keeps the live bridges.
type Gateway struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	guard    *guessGuard
	bridges  bridges
	seats    seatIndex
	draining atomic.Bool
	parties  parties
	outcalls outcalls
}

// New returns a gateway that does no work until a leg is served.
func New(cfg Config) *Gateway {
	g := &Gateway{cfg: cfg, log: cfg.Log, guard: newGuessGuard()}
	g.metrics = newMetrics(cfg.Metrics, g)
	return g
}

// ServeLeg takes one call to the site's gateway from its INVITE to its end; the attendant asks for the space ID when the
// request carries none. An error before the answer is the leg's status; after the answer, the reason of its BYE.
func (g *Gateway) ServeLeg(ctx context.Context, leg *sip.Leg, caller directory.Caller, site *directory.Site, spaceID directory.Secret) error {
	return g.serve(ctx, g.visitOf(leg, caller, site), spaceID)
}

// visitOf is the visit of a leg that has not been answered. Our end is the focus of what its caller comes to (RFC 4579 §4.1).
func (g *Gateway) visitOf(leg *sip.Leg, caller directory.Caller, site *directory.Site) visit {
	return visit{
		leg: leg, caller: caller, site: site, who: who(leg, caller), source: leg.Invite().Source.Remote.Addr().String(), lang: language(leg, site),
		enter: func(ctx context.Context) (*party.Party, error) {
			leg.SetFocus(true)
			return party.Answer(ctx, leg, g.cfg.Party)
		},
	}
}

// ServeParty is ServeLeg for somebody who is in a call already and is transferred to the gateway: bring makes its party, once
// it is sure that a space that is named takes it. It returns when the leg has ended; an error of bring is returned as it is.
func (g *Gateway) ServeParty(ctx context.Context, caller directory.Caller, site *directory.Site, spaceID directory.Secret, bring Bring) error {
	w := Who{Number: caller.Number}
	if caller.User != nil {
		w.User, w.Name = caller.User.Ref, caller.User.Name
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	return g.serve(ctx, visit{
		caller: caller, site: site, who: w, source: "transfer", lang: string(site.Language),
		enter: func(ctx context.Context) (*party.Party, error) {
			p, _, err := bring(ctx)
			if err == nil {
				go func() { // ends with the leg, as the context of a handler does
					<-p.Done()
					end(p.Leg().Cause())
				}()
			}
			return p, err
		},
	}, spaceID)
}

// visit is one who comes to a site's gateway.
type visit struct {
	leg    *sip.Leg // nil for one whose leg bring will tell
	caller directory.Caller
	site   *directory.Site
	who    Who
	source string // of the signalling, by which wrong IDs are counted
	lang   string
	enter  func(context.Context) (*party.Party, error) // makes the party; nothing is up before
}

func (g *Gateway) serve(ctx context.Context, v visit, spaceID directory.Secret) error {
	switch {
	case v.site.Gateway.Number == "":
		return ErrUnassigned
	case g.draining.Load():
		return drained()
	}
	if spaceID != "" {
		return g.serveDirect(ctx, v, spaceID)
	}
	return g.serveAttended(ctx, v)
}

// drained refuses a call during a shutdown.
func drained() error {
	return &sip.StatusError{Code: 503, Reason: "Service Unavailable", Err: ErrDraining, RetryAfter: drainRetry}
}

// drainRetry asks a caller who was refused during a shutdown to come back.
const drainRetry = 30 * time.Second

// serveDirect serves an INVITE that carries a space ID: in without prompts, or a status.
func (g *Gateway) serveDirect(ctx context.Context, v visit, spaceID directory.Secret) error {
	caller, site := v.caller, v.site
	if caller.Device == nil && g.guard.slowed(site.Domain, caller.Number, v.source, wrongIDsPerHour(site), time.Now()) {
		pause := time.NewTimer(guessPause)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	space, err := g.open(site, caller, v.source, spaceID)
	if err != nil {
		return err
	}
	return g.serveSeat(ctx, v, space)
}

// open finds the space of a site that an ID opens. A wrong one counts as a guess.
func (g *Gateway) open(site *directory.Site, caller directory.Caller, source string, spaceID directory.Secret) (*directory.Space, error) {
	space, ok := g.cfg.Directory.Current().SpaceByID(site, spaceID.Reveal())
	if ok {
		return space, nil
	}
	if !isSlip(site, spaceID.Reveal()) {
		g.guard.wrong(site.Domain, caller.Number, source, time.Now())
		g.metrics.wrongIDs.Inc()
	}
	return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: ErrUnknownSpace}
}

// serveSeat seats a caller without a word, and returns when its leg has ended.
func (g *Gateway) serveSeat(ctx context.Context, v visit, space *directory.Space) error {
	seat, err := g.take(ctx, space, v.who)
	if err != nil {
		return err
	}
	defer seat.leave()
	if v.leg != nil { // its phone may name the focus as soon as it has the answer
		g.seats.put(v.leg, seat)
		defer g.seats.drop(v.leg)
	}
	p, err := v.enter(ctx)
	if err != nil {
		return err
	}
	defer g.parties.add(p, v.lang)()
	select {
	case <-p.Ready():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return g.stay(ctx, seat, p)
}

// serveAttended answers, asks for the space ID and seats the caller.
func (g *Gateway) serveAttended(ctx context.Context, v visit) error {
	p, err := v.enter(ctx)
	if err != nil {
		return err
	}
	defer g.parties.add(p, v.lang)()
	a := &attendant{
		party:    p,
		site:     v.site,
		lang:     v.lang,
		live:     g.cfg.Directory,
		guard:    g.guard,
		caller:   v.caller.Number,
		source:   v.source,
		stranger: v.caller.Device == nil,
		wrong:    g.metrics.wrongIDs.Inc,
	}
	// When the caller has hung up, the party has the last word on what became of the media.
	defer func() {
		if ctx.Err() != nil {
			<-p.Done()
		}
	}()
	space, err := a.ask(ctx)
	if errors.Is(err, errNoID) || errors.Is(err, ErrUnassigned) {
		return g.dismiss(ctx, a, prompts.Goodbye, sip.Reason{Protocol: "SIP", Cause: 404, Text: "No valid space ID"})
	} else if err != nil {
		return err
	}
	seat, err := g.take(ctx, space, v.who)
	if errors.Is(err, ErrSpaceFull) {
		return g.dismiss(ctx, a, prompts.Full, sip.Reason{Protocol: "SIP", Cause: 486, Text: "Space full"})
	} else if errors.Is(err, ErrSpaceLocked) {
		return g.dismiss(ctx, a, prompts.Locked, sip.Reason{Protocol: "SIP", Cause: 480, Text: "Space locked"})
	} else if err != nil {
		return err
	}
	defer seat.leave()
	return g.stay(ctx, seat, p)
}

// dismiss speaks a last prompt and hangs up.
func (g *Gateway) dismiss(ctx context.Context, a *attendant, prompt prompts.Name, r sip.Reason) error {
	if err := a.say(ctx, prompt); err != nil {
		return err
	}
	return a.party.Hangup(ctx, r)
}

// stay keeps the participant on the bridge until its leg ends.
func (g *Gateway) stay(ctx context.Context, seat *Participant, p *party.Party) error {
	if err := seat.sit(ctx, p); errors.Is(err, errRemoved) {
		_ = p.Hangup(ctx, removed) // the leg ends by its own timers at the latest
		return nil
	} else if err != nil {
		return fmt.Errorf("sit down: %w", err)
	}
	g.seated(p, seat)
	defer g.seats.drop(p.Leg())
	select {
	case <-p.Done():
	case <-ctx.Done():
		<-p.Done() // the leg has ended; its party ends at once
	}
	return nil
}

func (g *Gateway) take(ctx context.Context, space *directory.Space, who Who) (*Participant, error) {
	p, err := g.bridges.take(ctx, space, who, func() *Bridge {
		mixer := g.cfg.Mixer
		mixer.Name = space.Ref
		b := newBridge(space, media.NewMixer(mixer), soundOf(space), g.metrics.panics, g.log)
		b.brief, b.tell = isConference(space), g.cfg.Changed
		return b
	})
	if errors.Is(err, ErrSpaceFull) {
		g.metrics.full.Inc()
	}
	if errors.Is(err, ErrSpaceLocked) {
		g.metrics.locked.Inc()
	}
	return p, err
}

// who names the caller for the live view: the line's user, else what the trunk asserted.
func who(leg *sip.Leg, c directory.Caller) Who {
	w := Who{Name: leg.Invite().From.Display, Number: c.Number, CallID: leg.CallID()}
	if c.User != nil {
		w.User, w.Name = c.User.Ref, c.User.Name
	}
	return w
}

// wrongIDsPerHour is the site's limit of wrong space IDs.
func wrongIDsPerHour(site *directory.Site) int {
	if site.WrongIDsPerHour > 0 {
		return site.WrongIDsPerHour
	}
	return 20
}
