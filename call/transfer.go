package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// transfer is a REFER under way: its sender wants the other side of the call to be with somebody else. Until that has come
// about the call stays as it is; when it fails, nothing has happened.
type transfer struct {
	by    side // who asked
	event sip.ReferEvent
	gone  bool // who asked has hung up already
}

// outcome is what became of a transfer.
type outcome struct {
	member member
	parked *parked // the place where the other side is to wait instead
	err    error
}

// referred begins a transfer.
func (t *twoParty) referred(from side, e sip.ReferEvent) {
	m := &t.legs[from]
	code := 0
	switch {
	case m.caller.User == nil:
		code = 403 // whoever is outside does not call on our account
	case t.transfer != nil:
		code = 491
	}
	if code != 0 {
		if err := m.leg.RefuseRefer(t.ctx, e, code); err != nil {
			t.log.DebugContext(t.ctx, "REFER not refused", "err", err)
		}
		return
	}
	t.log.InfoContext(t.ctx, "transfer asked for", "side", from.String(), "line", m.caller.User.Line(), "attended", e.Replaces != nil)
	t.transfer = &transfer{by: from, event: e}
	asker, referee := *m, t.legs[from.other()]
	t.root.spawn(func() { // ends with the outcome, or with the call
		decided := false
		defer func() {
			if !decided { // a panic, which spawn survives
				t.dropTransfer(asker.leg, e)
			}
		}()
		if t.intoSpace(asker, from.other(), e) {
			decided = true
			return
		}
		o := outcome{}
		if o.err = t.accept(asker.leg, e); o.err == nil {
			o = t.reach(asker, referee, e)
		}
		if g, ok := errors.AsType[*atGateway](o.err); ok { // whom it was for forwards to the gateway
			t.goIn(asker, from.other(), e, roadIn{visit: g.route}, func() {})
			decided = true
			return
		}
		decided = true
		if err := t.do(context.Background(), func() { t.transferred(o) }); err != nil && o.err == nil { // the call ended meanwhile
			if o.parked != nil {
				o.parked.cancel()
			} else {
				o.member.leave(t.root, elsewhere)
			}
		}
	})
}

// dropTransfer leaves the call as it was when its transfer has come to nothing by a fault of ours.
func (t *twoParty) dropTransfer(asker *sip.Leg, e sip.ReferEvent) {
	refused := asker.RefuseRefer(context.WithoutCancel(t.ctx), e, 500) == nil
	_ = t.do(context.Background(), func() { // the call may have ended
		if refused {
			t.transfer = nil
			return
		}
		t.transferred(outcome{err: sip.ErrPanic})
	})
}

// accept answers a REFER 202 and tells that the transfer is tried.
func (t *twoParty) accept(leg *sip.Leg, e sip.ReferEvent) error {
	if err := leg.AcceptRefer(t.ctx, e); err != nil {
		return fmt.Errorf("accept REFER: %w", err)
	}
	t.tell(leg, e, 100)
	return nil
}

// tell tells who asked how far the transfer is.
func (t *twoParty) tell(leg *sip.Leg, e sip.ReferEvent, code int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), hangupLimit)
	defer cancel()
	if err := leg.NotifyRefer(ctx, e, code, ""); err != nil {
		t.log.DebugContext(ctx, "transfer's progress not told", "code", code, "err", err)
	}
}

// reach brings about the leg that the referee is to be with.
func (t *twoParty) reach(asker, referee member, e sip.ReferEvent) (out outcome) {
	defer t.root.recovered(func() { out = outcome{err: sip.ErrPanic} })
	if e.Replaces != nil {
		m, err := t.takeOver(asker, e)
		return outcome{member: m, err: err}
	}
	route := Plan(t.root.dir.Current(), asker.caller, e.To)
	if err := route.Err(); err != nil {
		t.root.barred(t.ctx, asker.caller.User, route)
		return outcome{err: err}
	}
	if route.Kind == ToFeature {
		return t.parkFor(asker, e, route)
	}
	payer := asker.caller
	o := &onward{
		root: t.root, leg: referee.leg, log: t.log, caller: payer, from: referee.from, hops: transferHops,
		media: referee.media, offered: true,
		progress: func(code int) {
			if code == 180 {
				t.root.spawn(func() { t.tell(asker.leg, e, code) }) // returns with the answer to the NOTIFY
			}
		},
	}
	defer func() {
		o.media = nil // the referee's call has it
		o.close()
	}()
	_, o.direct = referee.media.(*direct)
	won, err := o.find(t.ctx, route)
	if err != nil {
		return outcome{err: err}
	}
	return o.settle(t.ctx, won)
}

// transferHops is the Max-Forwards of a call that a REFER asks for.
const transferHops = 69

// takeOver takes the peer of another call of the asker's, or who answers it if it still rings.
func (t *twoParty) takeOver(asker member, e sip.ReferEvent) (member, error) {
	leg, ok := t.root.legs.Replaced(*e.Replaces)
	if !ok {
		return member{}, errNotInCall
	}
	if o := t.root.unanswered.of(leg); o != nil {
		m, err := o.take(&handover{
			ctx: t.ctx, asker: asker, agreed: make(chan error, 1), result: make(chan outcome, 1),
			tell: func(code int) {
				if code == 180 {
					t.root.spawn(func() { t.tell(asker.leg, e, code) }) // returns with the answer to the NOTIFY
				}
			},
		})
		if !errors.Is(err, errDecidedAlready) {
			return m, err
		}
	}
	t.root.joinedSoon(leg)
	for range 5 {
		m, err := t.root.take(t.ctx, leg, func(self, _ *member) error {
			if self.leg == asker.leg {
				return errNotYours
			}
			return ownedBy(self, asker.caller)
		})
		if !errors.Is(err, errNegotiate) {
			return m, err
		}
		select { // a hold that is under way
		case <-time.After(500 * time.Millisecond):
		case <-t.ctx.Done():
			return member{}, context.Cause(t.ctx)
		}
	}
	return member{}, errNegotiate
}

func sameUser(a, b directory.Caller) bool {
	return a.User != nil && b.User != nil && a.User.Ref == b.User.Ref
}

// ownedBy tells whether a leg is of a caller's line: nil, or errNotYours.
func ownedBy(m *member, caller directory.Caller) error {
	if !sameUser(m.caller, caller) {
		return errNotYours
	}
	return nil
}

// transferred puts the new leg in the place of the one that asked, or leaves all as it was.
func (t *twoParty) transferred(o outcome) {
	tr := t.transfer
	t.transfer = nil
	asker := t.legs[tr.by]
	if o.err != nil {
		code, _ := sip.StatusOf(o.err)
		t.log.InfoContext(t.ctx, "transfer failed", "code", code, "err", o.err)
		if !tr.gone {
			t.root.spawn(func() { t.tell(asker.leg, tr.event, code) }) // returns with the answer to the NOTIFY
		}
		return
	}
	if o.parked != nil {
		t.park(tr.by, o.parked)
		return
	}
	t.log.InfoContext(t.ctx, "transferred", "side", tr.by.String())
	t.root.joined.drop(asker.leg, t)
	t.legs[tr.by] = o.member
	t.pending[sideA], t.pending[sideB] = false, false
	t.keys = [2]keyRoad{}
	t.root.joined.put(o.member.leg, t)
	t.watch.renew(tr.by)
	t.rename(tr.by)
	if tr.event.Replaces != nil { // it knows the one who asked, and not who was called on
		t.rename(tr.by.other())
	}
	t.root.spawn(func() { // returns when the leg has ended
		if !tr.gone {
			t.tell(asker.leg, tr.event, 200)
		}
		asker.leave(t.root, transferDone)
	})
	t.join()
}

// transferDone tells who transferred a call that it is rid of it.
var transferDone = sip.Reason{Protocol: "SIP", Cause: 200, Text: "Transferred"}

// serveReplacing serves an INVITE with Replaces: the caller takes the place of a leg (RFC 3891 §3). Who may: the line of
// either side of that call.
func (r *Root) serveReplacing(ctx context.Context, leg *sip.Leg, caller directory.Caller, replaces sip.Replaces) error {
	old, ok := r.legs.Replaced(replaces)
	if !ok {
		return errNotInCall
	}
	if g := r.ringers.of(old); g != nil {
		return r.pickUp(ctx, leg, caller, []*ringer{g})
	}
	if who, ok := r.seats.of(old); ok {
		return r.serveReplacingSeat(ctx, leg, caller, old, replaces, who)
	}
	if replaces.EarlyOnly && r.joined.of(old) != nil {
		return &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("the dialog is confirmed")}
	}
	if leg.Offer() == nil {
		return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: errors.New("INVITE with Replaces and without offer")}
	}
	r.joinedSoon(old)
	c := newComer(leg, caller)
	other, err := r.take(ctx, old, func(self, other *member) error {
		if ownedBy(self, caller) != nil && ownedBy(other, caller) != nil {
			return errNotYours
		}
		return c.meet(r, other) // refused, it leaves the call that it names as it is (RFC 3891 §3)
	})
	if err != nil {
		c.close()
		return fmt.Errorf("replace: %w", err)
	}
	return c.joinTo(ctx, r, other, func(reason sip.Reason) { other.leave(r, reason) })
}
