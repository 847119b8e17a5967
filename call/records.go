package call

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// records keeps the account of each leg while it is up.
type records struct {
	journal *cdr.Journal

	mu   sync.Mutex
	open map[*sip.Leg]*cdr.Record
}

// begin opens the account of an incoming leg. dialled is what the caller meant, never a space ID.
func (rs *records) begin(leg *sip.Leg, caller directory.Caller, dialled string, route Route) {
	r := &cdr.Record{
		ID: rand.Text(), Call: rand.Text(), CallID: leg.CallID(), Direction: cdr.In,
		Number: dialled, Route: route.Kind.String(), Start: time.Now().UTC(),
	}
	if caller.Site != nil {
		r.Site = caller.Site.Domain
	}
	if caller.User != nil {
		r.User, r.Device = caller.User.Line(), caller.Device.Username
	}
	if caller.Trunk != nil {
		r.Trunk = caller.Trunk.Name
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.open == nil {
		rs.open = make(map[*sip.Leg]*cdr.Record)
	}
	rs.open[leg] = r
	rs.journal.Begin(*r)
}

// with changes the account of a leg that is up.
func (rs *records) with(leg *sip.Leg, change func(*cdr.Record)) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.open[leg]; r != nil {
		change(r)
	}
}

// end closes the account: err is what the destination returned.
func (rs *records) end(leg *sip.Leg, err error) {
	rs.mu.Lock()
	r := rs.open[leg]
	delete(rs.open, leg)
	rs.mu.Unlock()
	if r == nil {
		return
	}
	r.End = time.Now().UTC()
	r.Ended, r.Cause = cdr.Server, "hung up"
	cause := leg.Cause()
	if cause == nil {
		cause = err // refused: the status follows from the error
	}
	switch {
	case errors.Is(cause, sip.ErrBye), errors.Is(cause, sip.ErrCancelled):
		r.Ended = cdr.Peer
	case errors.Is(cause, sip.ErrNoACK), errors.Is(cause, sip.ErrDialogGone), errors.Is(cause, sip.ErrSessionExpired):
		r.Ended = cdr.Peer
	}
	if cause != nil {
		r.Cause = cause.Error()
	}
	r.Code = 200
	if r.Answer.IsZero() {
		r.Code, _ = sip.StatusOf(cause)
	}
	rs.journal.End(*r)
}

// Seated notes the space that a leg entered.
func (r *Root) Seated(leg *sip.Leg, space *directory.Space) {
	r.records.with(leg, func(rec *cdr.Record) { rec.Space = space.Ref })
}

// PartyEnded notes what became of the media of a leg.
func (r *Root) PartyEnded(p *party.Party) {
	s := p.Session().State()
	r.records.with(p.Leg(), func(rec *cdr.Record) {
		rec.Answer = p.Since().UTC()
		rec.Codec = s.Codec.String()
		rec.Received = cdr.NewQuality(s.Received, s.Lost, s.Jitter, s.Delay)
		rec.Sent = cdr.NewQuality(s.Sent, s.RemoteLost, s.RemoteJitter, s.RoundTripTime/2)
	})
}
