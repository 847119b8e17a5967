package gateway

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/sip"
)

// Bridge is the live session of a space. One goroutine, run, owns its seats; the others ask it through do. It exists
// from its first participant to its last.
type Bridge struct {
	space *directory.Space
	since time.Time
	mixer *media.Mixer
	sound sound
	brief bool         // a conference, which ends when one is left
	tell  func(Change) // who observes; nil for nobody
	log   *slog.Logger
	// panics counts what turn recovered from.
	panics prometheus.Counter
	inbox  chan func()
	done   chan struct{} // closed when run is over and the registry has forgotten the bridge

	// ---- owned by run ----
	seats []*Participant // in order of arrival
	tone  time.Time      // when the last entry or exit tone sounded
	// locked lets nobody in but the space's owner, and whom the owner brings.
	locked bool
}

// lastParticipant numbers the participants of this server.
var lastParticipant atomic.Uint64

// newBridge returns a bridge of which nothing runs yet.
func newBridge(space *directory.Space, mixer *media.Mixer, snd sound, panics prometheus.Counter, log *slog.Logger) *Bridge {
	return &Bridge{
		space:  space,
		since:  time.Now(),
		mixer:  mixer,
		sound:  snd,
		panics: panics,
		log:    log.With("bridge", space.Ref),
		inbox:  make(chan func()),
		done:   make(chan struct{}),
	}
}

// run serves the bridge until its last seat is free, then calls forget. The mixer stops with it.
func (b *Bridge) run(forget func()) {
	ctx, stop := context.WithCancel(context.Background())
	mixed := make(chan struct{})
	go func() { // stopped by ctx, waited for below
		defer close(mixed)
		if err := b.mixer.Run(ctx); err != nil {
			b.log.Error("mixer ended", "err", err)
		}
	}()
	b.log.Info("bridge opened")
	b.told(BridgeBegan, nil)
	for len(b.seats) > 0 {
		select {
		case f := <-b.inbox:
			b.turn(f)
		case <-mixed: // by a fault of ours: nobody hears anybody any more
			b.abandon()
		}
	}
	stop()
	<-mixed
	b.told(BridgeEnded, nil)
	forget()
	close(b.done)
	b.log.Info("bridge closed", "after", time.Since(b.since).Round(time.Second))
}

// turn runs one request. A panic ends this bridge and the calls on it, nothing else.
func (b *Bridge) turn(f func()) {
	defer func() {
		if r := recover(); r != nil {
			b.panics.Inc()
			b.log.Error("bridge panicked", "panic", r, "stack", string(debug.Stack()))
			b.abandon()
		}
	}()
	f()
}

// abandon frees all seats and hangs up on who sits.
func (b *Bridge) abandon() {
	for _, p := range b.seated() {
		go func() { _ = p.party.Hangup(context.Background(), broken) }() // ends with the leg, at most 64*T1
		b.told(ParticipantLeft, p)
	}
	b.seats = nil
}

// broken is why a bridge that panicked ends its legs.
var broken = sip.Reason{Protocol: "SIP", Cause: 500, Text: "Internal error"}

// do runs f on the owner's goroutine and returns when it has run.
func (b *Bridge) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case b.inbox <- func() { f(); close(ran) }:
		select {
		case <-ran:
			return nil
		case <-b.done: // f panicked
			return errBridgeEnded
		}
	case <-b.done:
		return errBridgeEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take reserves a seat, so that the cap holds under any race; the participant sits down later.
func (b *Bridge) take(ctx context.Context, who Who) (*Participant, error) {
	var p *Participant
	barred := false
	err := b.do(ctx, func() {
		barred = b.locked && who.User != b.space.Owner.Ref
		if !barred && len(b.seats) < directory.MaxParticipants {
			p = b.seat(who)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case barred:
		return nil, ErrSpaceLocked
	case p == nil:
		return nil, ErrSpaceFull
	}
	return p, nil
}

// seat adds a seat; only run and the bridge's maker, before run, call it.
func (b *Bridge) seat(who Who) *Participant {
	p := &Participant{
		id:     strconv.FormatUint(lastParticipant.Add(1), 10),
		who:    who,
		since:  time.Now(),
		bridge: b,
	}
	b.seats = append(b.seats, p)
	return p
}

// info is the bridge as the live view shows it.
func (b *Bridge) info(ctx context.Context) (BridgeInfo, error) {
	info := BridgeInfo{Space: b.space.Ref, Owner: b.space.Owner.Name, Site: b.space.Site.Domain, Since: b.since}
	err := b.do(ctx, func() {
		info.Locked = b.locked
		for _, p := range b.seats {
			info.Participants = append(info.Participants, p.info())
		}
	})
	return info, err
}
