package call

import (
	"context"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// negotiate offers the leg sound of ours: it may have been on hold, or hear another phone directly, or speak what we cannot
// play. A leg that refuses hears nothing.
func (p *parked) negotiate() {
	p.negotiating = true
	r, leg, old, ctx := p.root, p.member.leg, p.member.media, p.ctx
	r.spawn(func() { // ends with the answer, or with the leg
		side := old
		defer func() { p.negotiated <- side }()
		fresh := old
		if d, ok := old.(*direct); ok {
			src := leg.Invite().Source
			fresh = r.newSide(false, src.Local.Addr(), secureOf(src))
			d.hand(fresh)
		}
		offer, err := fresh.Offer(nil)
		var answer []byte
		if err == nil {
			answer, err = leg.Reoffer(ctx, offer)
		}
		if err == nil {
			err = fresh.Answered(answer)
		}
		switch {
		case err != nil:
			p.log.DebugContext(ctx, "parked leg takes no sound of ours", "err", err)
			if fresh != old {
				fresh.Close()
			}
		case fresh != old:
			side = fresh
			old.Close()
		}
	})
}

// hand lets a side that goes on with the leg know what its peer has described: each m= line keeps its place (RFC 3264 §8).
func (d *direct) hand(to mediaSide) {
	d.mu.Lock()
	said := d.said
	d.mu.Unlock()
	if said == nil || to.Offered(said) != nil {
		return
	}
	_, _ = to.Answer(nil) // nobody is told: the offer that follows says the same
}

// entertain plays music to the leg until the call is fetched.
func (p *parked) entertain(side mediaSide) {
	p.member.media = side
	sound := p.root.media.musicOf(directory.Caller{User: p.by, Site: p.by.Site})
	if s, ok := side.(relayed); ok && sound != nil {
		music := sound.Playback()
		music.Loop = true
		s.Play(music)
	}
}

// event serves what the parked phone does.
func (p *parked) event(e sip.LegEvent) {
	m := &p.member
	switch e := e.(type) {
	case sip.OfferEvent:
		if p.negotiating {
			_ = m.leg.Refuse(p.ctx, 491) // the leg's end is told otherwise
			return
		}
		var sdp []byte
		var err error
		if e.SDP == nil {
			sdp, err = m.media.Offer(nil)
		} else if err = m.media.Offered(e.SDP); err == nil {
			sdp, err = m.media.Answer(nil)
		}
		if err != nil {
			code, _ := sip.StatusOf(mediaStatus(err))
			_ = m.leg.Refuse(p.ctx, code)
			return
		}
		if err := m.leg.Accept(p.ctx, sdp); err != nil {
			p.log.DebugContext(p.ctx, "offer of a parked leg not answered", "err", err)
		}
	case sip.AnswerEvent: // to what an offerless re-INVITE got
		if !p.negotiating {
			_ = m.media.Answered(e.SDP) // else what was agreed stands
		}
	case sip.ReferEvent:
		_ = m.leg.RefuseRefer(p.ctx, e, 603) // there is nobody to transfer
	}
}

// ringBack rings at the phones of who parked the call.
func (p *parked) ringBack() {
	p.log.InfoContext(p.ctx, "parked call rings back")
	ctx, cancel := context.WithCancelCause(p.ctx)
	back := make(chan outcome, 1)
	p.back, p.stopBack = back, cancel
	m := p.member
	p.root.spawn(func() { // ends with the answer, or with stopBack
		defer cancel(nil)
		back <- p.reachBack(ctx, m)
	})
}

func (p *parked) reachBack(ctx context.Context, m member) (out outcome) {
	defer p.root.recovered(func() { out = outcome{err: sip.ErrPanic} })
	if !alive(m.media.State(), time.Time{}) {
		if err := m.leg.Probe(ctx); err != nil && ctx.Err() == nil { // nobody is to be called for a peer that is gone
			hangup(m.leg, vanished)
			return outcome{err: err}
		}
	}
	by, ok := p.root.dir.Current().UserByURI(p.by.Line(), p.by.Site.Domain)
	if !ok {
		return outcome{err: errNowhere}
	}
	o := &onward{
		root: p.root, leg: m.leg, log: p.log, from: m.from, hops: transferHops, media: m.media, offered: true, progress: func(int) {},
		caller: directory.Caller{User: by, Site: by.Site, Number: by.Line(), Language: by.Site.Language},
	}
	_, o.direct = m.media.(*direct)
	defer func() {
		o.media = nil // the parked call's
		o.close()
	}()
	won, err := o.byLine(ctx, by)
	if err != nil {
		return outcome{err: err}
	}
	return o.settle(ctx, won)
}
