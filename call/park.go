package call

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// parkLimit is how long a call stays parked, however often it rang back.
const parkLimit = 30 * time.Minute

// parking holds the parked calls, one at a line at most (RFC 5359 §2.13). The zero value is ready.
type parking struct {
	mu sync.Mutex
	at map[uint64]*parked // by Ref of the line
}

// parked is a call that waits at a line to be fetched, and rings back at who parked it when nobody does. Its goroutine owns
// it from begin on, until its leg is over or is in another call.
type parked struct {
	root   *Root
	log    *slog.Logger
	at, by *directory.User

	fetching chan chan member // asks for the leg; the channel is closed when there is none
	ended    chan struct{}    // closed when it is parked no longer

	// ---- owned by run ----

	member      member
	lamp        LineCall
	ctx         context.Context // ends with run
	negotiating bool
	negotiated  chan mediaSide
	back        chan outcome  // of ringing back, nil while it does not
	stopBack    func(error)   // ends ringing back, with what the phones are told
	wanted      chan<- member // who fetches it
}

var (
	errParkTaken   = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("a call is parked there already")}
	errNotParked   = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("no call is parked there")}
	errNothingHeld = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("the phone has no other call to park")}
)

// reserve takes the place of a line for a call that begin parks there, or cancel does not.
func (r *Root) reserve(at, by *directory.User) (*parked, error) {
	p := &parked{
		root: r, at: at, by: by, fetching: make(chan chan member), ended: make(chan struct{}), negotiated: make(chan mediaSide, 1),
		log: r.log.With("parked_at", at.Line(), "parked_by", by.Line()),
	}
	r.parking.mu.Lock()
	defer r.parking.mu.Unlock()
	if r.parking.at[at.Ref] != nil {
		return nil, errParkTaken
	}
	if r.parking.at == nil {
		r.parking.at = make(map[uint64]*parked)
	}
	r.parking.at[at.Ref] = p
	return p, nil
}

// parkedAt returns the call that is parked at a line, nil if there is none.
func (r *Root) parkedAt(u *directory.User) *parked {
	r.parking.mu.Lock()
	defer r.parking.mu.Unlock()
	return r.parking.at[u.Ref]
}

// cancel gives the place of the line back.
func (p *parked) cancel() {
	p.root.parking.mu.Lock()
	defer p.root.parking.mu.Unlock()
	if p.root.parking.at[p.at.Ref] == p {
		delete(p.root.parking.at, p.at.Ref)
		close(p.ended)
	}
}

// begin parks a leg, which is in no call any more.
func (p *parked) begin(m member) {
	p.member = m
	p.root.spawn(p.run) // ends with the leg, or when another call has it
}

// fetch takes the leg, which is parked no longer.
func (p *parked) fetch(ctx context.Context) (member, error) {
	reply := make(chan member, 1)
	select {
	case p.fetching <- reply:
	case <-p.ended:
		return member{}, errNotParked
	case <-ctx.Done():
		return member{}, context.Cause(ctx)
	}
	m, ok := <-reply // at once, or when it rings back no longer
	if !ok {
		return member{}, errNotParked
	}
	return m, nil
}

// run owns the call while it is parked.
func (p *parked) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.ctx = ctx
	given := false
	defer func() {
		if !given { // a panic
			p.cancel()
			if p.wanted != nil {
				close(p.wanted)
			}
			p.member.leave(p.root, broken)
		}
	}()
	p.log.InfoContext(ctx, "call parked")
	p.lamp = LineCall{AOR: lineAOR(p.at), ID: rand.Text(), State: CallParked, Answered: true, Since: time.Now()}
	p.root.records.lines.tell(p.lamp)
	limit, again := time.NewTimer(parkLimit), time.NewTimer(p.patience())
	defer limit.Stop()
	defer again.Stop()
	p.negotiate()
	next := p.wait(limit.C, again)
	given = true
	p.release()
	next()
}

// wait waits until the call is parked no longer, and returns what is to be done with its leg then.
func (p *parked) wait(limit <-chan time.Time, again *time.Timer) (next func()) {
	for {
		fetching := p.fetching
		if p.negotiating || p.wanted != nil {
			fetching = nil
		}
		select {
		case e, ok := <-p.member.leg.Events():
			if !ok {
				return p.over
			}
			p.event(e)
		case side := <-p.negotiated:
			p.negotiating = false
			p.entertain(side)
		case reply := <-fetching:
			p.wanted = reply
			if p.back == nil {
				return p.hand
			}
			p.stopBack(errDecided)
		case o := <-p.back:
			p.back = nil
			switch {
			case p.wanted != nil:
				if o.err == nil {
					p.root.spawn(func() { o.member.leave(p.root, elsewhere) }) // returns when the leg has ended
				}
				return p.hand
			case o.err == nil:
				return func() { p.join(o.member) }
			}
			p.log.InfoContext(p.ctx, "parked call rang back in vain", "err", o.err)
			again.Reset(p.patience())
		case <-again.C:
			if p.negotiating {
				again.Reset(time.Second)
				continue
			}
			p.ringBack()
		case <-limit:
			p.log.InfoContext(p.ctx, "parked call given up", "after", parkLimit)
			p.root.spawn(func() { hangup(p.member.leg, parkedTooLong) }) // the leg's end ends the wait
		}
	}
}

// patience is how long the call waits before it rings back.
func (p *parked) patience() time.Duration {
	return time.Duration(p.at.Site.ParkSeconds) * time.Second
}

// parkedTooLong is why a call is ended that nobody fetched.
var parkedTooLong = sip.Reason{Protocol: "Q.850", Cause: 102, Text: "Nobody took the parked call"}

// release ends what shows and plays while the call is parked.
func (p *parked) release() {
	p.cancel()
	if side, ok := p.member.media.(relayed); ok {
		side.StopPlayback()
	}
	p.lamp.State = CallOver
	p.root.records.lines.tell(p.lamp)
}

// hand gives the leg to who fetches it.
func (p *parked) hand() { p.wanted <- p.member }

// over closes the account of a leg that has hung up.
func (p *parked) over() {
	if p.wanted != nil {
		close(p.wanted)
	}
	if p.negotiating { // its offer ends with the leg
		p.member.media = <-p.negotiated
	}
	if p.back != nil {
		p.stopBack(nil)
		if o := <-p.back; o.err == nil {
			o.member.leave(p.root, elsewhere)
		}
	}
	p.member.finished(p.root)
}

// join makes a call with who parked the leg.
func (p *parked) join(m member) {
	t := &twoParty{root: p.root, log: p.log, legs: [2]member{p.member, m}}
	t.rename(sideB)
	_ = t.run(context.Background()) // the legs' accounts tell
}
