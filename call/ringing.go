package call

import (
	"context"
	"errors"
	"slices"
	"time"

	"passerelle/call/cdr"
	"passerelle/sip"
)

// ring rings attempts at once; the media of those that do not win is closed.
func (o *onward) ring(ctx context.Context, limit time.Duration, attempts []*attempt) (*forkEvent, error) {
	call := o.root.records.callOf(o.leg)
	f := &forking{
		calls: o.root.calls, ring: limit, again: o.plainly, failed: o.failed,
		progress: func(e *forkEvent) { o.rings(ctx, e) },
		begun:    func(a *attempt, leg *sip.Leg) { o.account(call, leg, a) },
		ended:    o.root.records.end, recovered: o.root.recovered,
		handovers: o.handovers, handOver: func(h *handover) error { return o.handOver(ctx, h) },
		offered: func(e *forkEvent) { o.calleeOffers(ctx, e) },
	}
	if o.alone() {
		f.caller, f.called = o.leg.Events(), func(e sip.LegEvent) { o.callerTells(ctx, e) }
	}
	if u := attempts[0].user; u != nil && o.space == nil {
		g := o.root.ringers.open(u)
		defer o.root.ringers.close(g)
		f.taken, f.pick = g.taken, func(p *pickup) (*forkEvent, error) {
			o.root.records.with(p.leg, func(r *cdr.Record) { r.Call = call })
			return o.pick(p)
		}
		f.begun = func(a *attempt, leg *sip.Leg) {
			o.account(call, leg, a)
			o.root.ringers.rings(g, leg)
		}
	}
	won, err := f.run(ctx, attempts)
	if won != nil {
		o.winner = won.leg
	} else {
		o.sounding = nil
	}
	o.sides = slices.DeleteFunc(o.sides, func(s mediaSide) bool {
		if won != nil && s == won.attempt.media {
			return false
		}
		s.Close()
		return true
	})
	return won, err
}

// failed demotes a phone that is where it registered no more: other registrations of it are tried first, and this one is given up
// sooner.
func (o *onward) failed(a *attempt, err error) {
	if a.binding == nil || !isGone(err) {
		return
	}
	o.root.phones.Demote(a.binding.Key())
	o.log.Info("phone does not answer where it registered", "line", a.user.Line(), "device", a.binding.Username, "remote", a.binding.Source.Remote.String(), "err", err)
}

// isGone tells whether nothing at all answers where somebody was called.
func isGone(err error) bool {
	return errors.Is(err, sip.ErrNoResponse) || errors.Is(err, sip.ErrFlowGone)
}

// plainly repeats an attempt that offered secured media to a phone that knows none.
func (o *onward) plainly(a *attempt, err error) *attempt {
	if code, _ := sip.StatusOf(err); a.binding == nil || a.late || a.secure == 0 || code != 488 && code != 415 && code != 606 {
		return nil
	}
	b, err := o.phoneAttempt(a.user, a.binding, 0)
	if err != nil {
		return nil
	}
	return b
}

// rings tells the caller that it rings: 180 once, and what is to be heard before the answer.
func (o *onward) rings(ctx context.Context, e *forkEvent) {
	code, sdp := e.ringing.Code, []byte(nil)
	o.root.records.rings(e.leg, o.from)
	if o.progress != nil {
		o.settled(e)
		o.progress(code)
		return
	}
	if o.handed != nil {
		o.handed.tell(code)
		return
	}
	if e.ringing.SDP != nil && o.offered {
		if err := e.attempt.media.Answered(e.ringing.SDP); err == nil {
			if sdp, err = o.media.Answer(e.attempt.media); err == nil {
				o.media.Join(e.attempt.media)
				o.sounding = e.attempt.media
				code = max(code, 183)
			}
		}
	}
	if code < 180 || code <= o.rung {
		return
	}
	o.rung = code
	o.sounded = o.sounded || sdp != nil
	o.root.records.rings(o.leg, o.from)
	_, id := o.who(e.attempt)
	if err := o.leg.Ring(ctx, code, sdp, id.shownTo(o.caller).connected()...); err != nil && ctx.Err() == nil {
		o.log.InfoContext(ctx, "ringing not told", "err", err)
	}
}
