package call

import (
	"context"
	"errors"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// member is one leg of a call of two parties, with all that goes with it when it is handed to another call.
type member struct {
	leg      *sip.Leg
	media    mediaSide
	caller   directory.Caller // who it is, as one that calls
	from     callerID         // the same, as others may see it
	early    []sip.LegEvent   // told before the two were joined
	releases []func()         // of limits that count the leg
}

// finished closes the account of a leg that has ended, and what it holds.
func (m *member) finished(root *Root) {
	root.records.media(m.leg, m.media.State())
	root.records.end(m.leg, nil)
	m.media.Close()
	for _, release := range m.releases {
		release()
	}
}

// leave hangs the leg up and closes its account.
func (m *member) leave(root *Root, r sip.Reason) {
	hangup(m.leg, r)
	m.finished(root)
}

// registry knows which call an answered leg is in. The zero value is ready.
type registry struct {
	mu    sync.Mutex
	calls map[*sip.Leg]*twoParty
}

func (r *registry) put(leg *sip.Leg, t *twoParty) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = make(map[*sip.Leg]*twoParty)
	}
	r.calls[leg] = t
}

// drop forgets the leg if it is still in that call.
func (r *registry) drop(leg *sip.Leg, t *twoParty) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[leg] == t {
		delete(r.calls, leg)
	}
}

func (r *registry) of(leg *sip.Leg) *twoParty {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[leg]
}

// joinedSoon is the call that a leg is in, nil if it is in none. It waits a little for a leg that was answered just now: its
// phone may be quicker with its next request than we are.
func (r *Root) joinedSoon(leg *sip.Leg) *twoParty {
	for range 20 {
		if t := r.joined.of(leg); t != nil || leg.Cause() != nil {
			return t
		}
		time.Sleep(50 * time.Millisecond)
	}
	return r.joined.of(leg)
}

var (
	errNotInCall = &sip.StatusError{Code: 481, Err: errors.New("the dialog is in no call of two parties")}
	errNotYours  = &sip.StatusError{Code: 403, Reason: "Forbidden", Err: errors.New("the dialog is another line's")}
	errNegotiate = &sip.StatusError{Code: 491, Err: errors.New("the call negotiates")}
)

// do runs f on the owner of the call; an error means that the call has ended first.
func (t *twoParty) do(ctx context.Context, f func()) error {
	select {
	case t.inbox <- f:
		return nil
	case <-t.ended:
		return errNotInCall
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take takes the leg that is joined to this one out of its call, which ends: the leg named is hung up. allowed decides, on the owner of
// that call; it may be asked though the call cannot part with the leg now.
func (r *Root) take(ctx context.Context, leg *sip.Leg, allowed func(self, other *member) error) (member, error) {
	t := r.joined.of(leg)
	if t == nil {
		return member{}, errNotInCall
	}
	type result struct {
		m   member
		err error
	}
	given := make(chan result, 1)
	err := t.do(ctx, func() {
		m, err := t.give(leg, allowed)
		given <- result{m, err}
	})
	if err != nil {
		return member{}, err
	}
	select {
	case g := <-given:
		return g.m, g.err
	case <-t.ended:
		select {
		case g := <-given:
			return g.m, g.err
		default:
			return member{}, errNotInCall
		}
	}
}

// give parts with the other leg than the one named; run ends then.
func (t *twoParty) give(leg *sip.Leg, allowed func(self, other *member) error) (member, error) {
	s := sideA
	if t.legs[sideB].leg == leg {
		s = sideB
	}
	other := s.other()
	if t.legs[s].leg != leg {
		return member{}, errNotInCall
	}
	err := allowed(&t.legs[s], &t.legs[other])
	switch {
	case err != nil:
		return member{}, err
	case t.given != nil || t.transfer != nil || t.pending[sideA] || t.pending[sideB]:
		return member{}, errNegotiate
	}
	t.given = &other
	t.root.joined.drop(t.legs[other].leg, t)
	return t.legs[other], nil
}
