package gateway

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// A conference is a bridge that the conference key of a phone opens (RFC 4579 §5.4). It has a space of its own for as long as it
// lives, which no ID opens: who is in comes by the key, or is brought by somebody who is in. It ends when one is left.

// conferenceRef begins the refs of the spaces of conferences.
const conferenceRef = "conference-"

var lastConference atomic.Uint64

// newConference is the space of a conference of a line.
func newConference(owner *directory.User) *directory.Space {
	sp := &directory.Space{
		Ref:   conferenceRef + strconv.FormatUint(lastConference.Add(1), 10),
		Owner: owner, Site: owner.Site, Tones: true, Alone: directory.AloneSilence,
	}
	if owner.Site.Spaces.Tones != nil {
		sp.Tones = *owner.Site.Spaces.Tones
	}
	return sp
}

func isConference(sp *directory.Space) bool { return strings.HasPrefix(sp.Ref, conferenceRef) }

// lastOne is why the last leg of a conference is ended.
var lastOne = sip.Reason{Protocol: "Q.850", Cause: 16, Text: "Conference is over"}

// ServeConference opens a conference with a line as its first participant, and returns when its leg has ended. Its errors are
// those of ServeLeg.
func (g *Gateway) ServeConference(ctx context.Context, leg *sip.Leg, caller directory.Caller) error {
	switch {
	case caller.User == nil:
		return &sip.StatusError{Code: 403, Reason: "Forbidden", Err: errors.New("conferences are for lines")}
	case g.draining.Load():
		return drained()
	}
	return g.serveSeat(ctx, g.visitOf(leg, caller, caller.Site), newConference(caller.User))
}

// Conference brings somebody into the conference of a line that was opened last, or opens one. It returns when the party that bring
// makes sits.
func (g *Gateway) Conference(ctx context.Context, owner *directory.User, bring Bring) error {
	var last *Bridge
	for _, b := range g.bridges.all() {
		if isConference(b.space) && b.space.Owner.Ref == owner.Ref && (last == nil || b.since.After(last.since)) {
			last = b
		}
	}
	if last != nil {
		return g.admit(ctx, last.space, owner.Ref, bring)
	}
	return g.admit(ctx, newConference(owner), owner.Ref, bring)
}

// Beside brings somebody into the space where a leg sits, and returns when the party that bring makes sits.
func (g *Gateway) Beside(ctx context.Context, leg *sip.Leg, bring Bring) error {
	seat := g.seats.of(leg)
	if seat == nil {
		return ErrNotSeated
	}
	return g.admitBeside(ctx, seat, bring)
}

// Join brings somebody whom a leg names by Replaces: into the conference where the leg sits, beside it, and into a space, or a
// full conference, in its place, which replaced tells; then the leg is the caller's to hang up.
func (g *Gateway) Join(ctx context.Context, asker *sip.Leg, bring Bring) (replaced bool, err error) {
	if seat := g.seats.of(asker); seat != nil && isConference(seat.bridge.space) {
		if err := g.admitBeside(ctx, seat, bring); !errors.Is(err, ErrSpaceFull) {
			return false, err
		}
	}
	err = g.Replace(ctx, asker, bring)
	return err == nil, err
}

// admitBeside seats the party that somebody who has a seat brings.
func (g *Gateway) admitBeside(ctx context.Context, asker *Participant, bring Bring) error {
	var by uint64
	switch err := asker.bridge.do(ctx, func() { by = asker.who.User }); {
	case errors.Is(err, errBridgeEnded):
		return ErrNotSeated
	case err != nil:
		return err
	}
	return g.admit(ctx, asker.bridge.space, by, bring)
}

// admit seats the party that bring makes on the word of a user once a seat is sure, and looks after it until it ends.
func (g *Gateway) admit(ctx context.Context, space *directory.Space, by uint64, bring Bring) error {
	if g.draining.Load() {
		return drained()
	}
	seat, err := g.take(ctx, space, Who{User: by})
	if err != nil {
		return err
	}
	sits := false
	var p *party.Party
	defer func() {
		if sits {
			return
		}
		seat.leave()
		if p != nil {
			why := turnedAway(err)
			go func() { _ = p.Hangup(context.Background(), why) }() // ends with the leg, at most 64*T1
		}
	}()
	var caller directory.Caller
	if p, caller, err = bring(ctx); err != nil {
		p = nil
		return err
	}
	err = seat.become(ctx, whoCalled(p, caller, caller.Number))
	if err == nil {
		err = seat.sit(ctx, p)
	}
	if err != nil {
		return err
	}
	sits = true
	remove := g.parties.add(p, g.languageOf(caller, space))
	g.seated(p, seat)
	g.bridges.wg.Go(func() { // ends with the leg
		<-p.Done()
		remove()
		g.seats.drop(p.Leg())
		seat.leave()
	})
	return nil
}

// languageOf is what to speak to somebody whose phone has not told what it likes.
func (g *Gateway) languageOf(caller directory.Caller, space *directory.Space) string {
	if caller.Language != "" {
		return string(caller.Language)
	}
	return string(space.Site.Language)
}
