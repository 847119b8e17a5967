package softphone

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// HoldForm is how a phone says hold.
type HoldForm int

// The forms: RFC 3264 §8.4 with and without our music, and the old one of RFC 2543.
const (
	HoldSendOnly HoldForm = iota
	HoldInactive
	HoldZero // c=0.0.0.0
)

// Hold puts the peer on hold by a re-INVITE.
func (c *Call) Hold(ctx context.Context, form HoldForm) error {
	return c.reinvite(ctx, func(l *localSDP) {
		switch form {
		case HoldSendOnly:
			l.direction = SendOnly
		case HoldInactive:
			l.direction = Inactive
		case HoldZero:
			l.zeroAddr = true
		}
	})
}

// Resume ends a hold.
func (c *Call) Resume(ctx context.Context) error {
	return c.reinvite(ctx, func(l *localSDP) { l.direction, l.zeroAddr = SendRecv, false })
}

// Reinvite offers the session anew, as it is; with codecs, by these only.
func (c *Call) Reinvite(ctx context.Context, codecs ...Codec) error {
	return c.reinvite(ctx, func(l *localSDP) {
		if len(codecs) > 0 {
			l.codecs = codecs
		}
	})
}

// Update offers the session as it is by UPDATE (RFC 3311).
func (c *Call) Update(ctx context.Context) error {
	if err := c.lockOffer(ctx); err != nil {
		return err
	}
	defer c.unlockOffer()
	body := c.offerAnew(func(*localSDP) {})
	resp, err := c.ask(ctx, "UPDATE", func(m *Message) {
		c.sessionHeaders(m)
		m.add("Contact", c.p.display(c.p.contact()))
		m.add("Content-Type", "application/sdp")
		m.Body = body
	})
	if err != nil {
		return err
	}
	c.learnTarget(resp)
	c.learnTimer(resp)
	return c.applyAnswer(resp.Body)
}

// Refresh refreshes the session without changing it: by UPDATE without SDP when the peer takes that (RFC 4028 §7.4).
func (c *Call) Refresh(ctx context.Context) error {
	c.mu.Lock()
	updates := c.updates
	c.mu.Unlock()
	if !updates {
		return c.Reinvite(ctx)
	}
	resp, err := c.ask(ctx, "UPDATE", func(m *Message) {
		c.sessionHeaders(m)
		m.add("Contact", c.p.display(c.p.contact()))
		m.add("Supported", c.o.Supported)
	})
	if err == nil {
		c.learnTimer(resp)
	}
	return err
}

// Assert tells the peer who is there now, by UPDATE without an offer (RFC 3311, RFC 3325), as a carrier does. identity is a
// name-addr.
func (c *Call) Assert(ctx context.Context, identity string) error {
	_, err := c.ask(ctx, "UPDATE", func(m *Message) {
		m.add("Contact", c.p.display(c.p.contact()))
		m.add("P-Asserted-Identity", identity)
	})
	return err
}

// lockOffer waits until no other offer of ours is under way.
func (c *Call) lockOffer(ctx context.Context) error {
	select {
	case c.offering <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return ErrEnded
	}
}

func (c *Call) unlockOffer() { <-c.offering }

// offerAnew changes our description and writes it as an offer.
func (c *Call) offerAnew(change func(*localSDP)) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.sdp)
	c.sdp.version++
	return []byte(c.o.EditSDP(c.sdp.String()))
}

// reinvite changes the session. A peer that does the same at that moment wins the first round (RFC 3261 §14.1).
func (c *Call) reinvite(ctx context.Context, change func(*localSDP)) error {
	for {
		err := c.reinviteOnce(ctx, change)
		if StatusOf(err) != 491 {
			return err
		}
		// We own the Call-ID: 2.1 to 4 s in units of 10 ms.
		select {
		case <-time.After(2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return ErrEnded
		}
	}
}

func (c *Call) reinviteOnce(ctx context.Context, change func(*localSDP)) error {
	if err := c.lockOffer(ctx); err != nil {
		return err
	}
	defer c.unlockOffer()
	c.mu.Lock()
	before := c.sdp
	c.mu.Unlock()
	body := c.offerAnew(change)
	m := c.request("INVITE", c.nextSeq())
	m.add("Contact", c.p.display(c.p.contact()))
	c.sessionHeaders(m)
	c.p.finishRequest(m)
	m.add("Allow", methods)
	m.add("Supported", c.o.Supported)
	m.add("Content-Type", "application/sdp")
	m.Body = body
	resp, err := c.inviteAuth(ctx, m, c.destination(), &c.o)
	if err != nil {
		c.mu.Lock()
		before.version = c.sdp.version
		c.sdp = before
		c.mu.Unlock()
		return fmt.Errorf("re-INVITE: %w", err)
	}
	c.learnTarget(resp)
	c.learnTimer(resp)
	err = c.applyAnswer(resp.Body)
	c.sendACK(m, nil)
	return err
}

// pendingAnswer is our 2xx to an INVITE, sent again until its ACK comes (RFC 3261 §13.3.1.4).
type pendingAnswer struct {
	seq      int
	offered  bool // it carried an offer: the ACK carries the answer
	timer    *time.Timer
	interval time.Duration
	deadline time.Time
}

// serveOffer answers the peer's re-INVITE or UPDATE.
func (c *Call) serveOffer(m *Message, from netip.AddrPort) {
	p := c.p
	refuse := func(code int) { p.reply(m, p.response(m, code), from) }
	if c.o.Refuse != 0 {
		refuse(c.o.Refuse)
		return
	}
	select {
	case c.offering <- struct{}{}:
		defer c.unlockOffer()
	default:
		if len(m.Body) > 0 || m.Method == "INVITE" {
			refuse(491)
			return
		}
	}
	c.mu.Lock()
	busy := c.waiting != nil
	c.mu.Unlock()
	if busy && m.Method == "INVITE" {
		refuse(491)
		return
	}
	r := p.response(m, 200)
	r.add("Contact", "<"+p.contact()+">")
	r.add("Allow", methods)
	if se := m.Header("Session-Expires"); se != "" {
		if !strings.Contains(se, "refresher") {
			se += ";refresher=uac"
		}
		r.add("Require", "timer")
		r.add("Session-Expires", se)
		c.refreshed()
	}
	switch {
	case len(m.Body) > 0:
		answer, err := c.applyOffer(m.Body)
		if err != nil {
			refuse(488)
			return
		}
		r.Body = answer
	case m.Method == "INVITE":
		r.Body = c.offerAnew(func(*localSDP) {})
	}
	if r.Body != nil {
		r.add("Content-Type", "application/sdp")
	}
	c.learnTarget(m)
	c.learnPeer(m)
	if m.Method == "INVITE" {
		n, _ := m.cseq()
		c.awaitACK(r.marshal(), from, n, len(m.Body) == 0)
	}
	p.reply(m, r, from)
}

// awaitACK sends a 2xx again until its ACK comes, and hangs up when it never does.
func (c *Call) awaitACK(answer []byte, to netip.AddrPort, seq int, offered bool) {
	t1 := c.p.cfg.T1
	w := &pendingAnswer{seq: seq, offered: offered, interval: t1, deadline: time.Now().Add(64 * t1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.waiting = w
	// finish stops it.
	w.timer = time.AfterFunc(t1, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.waiting != w || c.ended {
			return
		}
		if !time.Now().Before(w.deadline) {
			c.waiting = nil
			c.p.spawn(c.giveUp)
			return
		}
		_ = c.p.link.send(answer, to)
		w.interval = min(2*w.interval, t2)
		w.timer.Reset(min(w.interval, time.Until(w.deadline)))
	})
}

func (c *Call) giveUp() {
	err := c.byeOnce(context.Background())
	c.finish(Ending{Reason: "no ACK", Err: err})
}

// serveACK ends the wait for an ACK, and takes the answer it may carry.
func (c *Call) serveACK(m *Message) {
	n, _ := m.cseq()
	c.mu.Lock()
	w := c.waiting
	if w == nil || w.seq != n {
		c.mu.Unlock()
		return
	}
	c.waiting = nil
	w.timer.Stop()
	c.mu.Unlock()
	if w.offered && len(m.Body) > 0 {
		_ = c.applyAnswer(m.Body) // a peer that answers nonsense hears nothing
	}
}
