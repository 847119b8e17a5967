package sip

import (
	"errors"
	"fmt"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// answering makes work that owes a SUBSCRIBE its answer: a panic in it is answered 500.
func (s *Subscription) answering(tx *serverTx, f func()) func() {
	return s.guarded(func() {
		defer func() {
			if tx.final.Load() == 0 {
				s.respond(tx, 500, "")
			}
		}()
		f()
	})
}

// begin asks the package whether it takes the subscription, answers, and sends the first NOTIFY (RFC 6665 §4.2.1.2).
func (s *Subscription) begin(in *inbound, tx *serverTx) {
	if s.stage == subscriptionOver { // its phone started anew meanwhile
		s.respond(tx, 481, "")
		return
	}
	if err := s.pkg.Subscribe(s.ctx, s); err != nil {
		code, reason := StatusOf(err)
		s.log.Info("subscription refused", "event", s.pkg.Name(), "username", s.Username(), "code", code, "err", err)
		s.respond(tx, code, reason, retryAfterHeader(err)...)
		s.over(fmt.Errorf("%w: %w", ErrRejected, err))
		return
	}
	asked := s.facts.first
	s.log.Info("subscription begun", "event", s.pkg.Name(), "username", s.Username(), "resource_line", s.facts.aor,
		"expires", asked.Expires, "remote", in.src.Remote, "transport", in.src.Transport)
	s.stage = subscriptionActive
	s.accept(tx, asked.Expires)
	if reliable(s.peer.Transport) && s.s.flows.get(s.peer.Flow) == nil {
		s.over(ErrFlowGone) // it closed before the subscription was known by it
		return
	}
	s.settleAfter(asked.Expires)
}

// settleAfter lets NOTIFYs leave once all that a SUBSCRIBE made the package say has been said: each SUBSCRIBE is owed one
// (RFC 6665 §4.2.1.2), and one that ends the subscription gets the last.
func (s *Subscription) settleAfter(expires time.Duration) {
	s.held, s.leaving = true, expires == 0
	s.post(func() {
		s.held = false
		switch {
		case expires == 0:
			s.end(EndTimeout, 0, ErrUnsubscribed)
		case s.localSeq == s.firstSeq && len(s.queue) == 0:
			s.enqueue(notification{given: true}) // the package has no state yet
		}
		s.pump()
	})
}

// refresh handles a further SUBSCRIBE of the dialog.
func (s *Subscription) refresh(in *inbound, tx *serverTx) {
	name, _, _ := parseEvent(headerValue(in.Request, "event"))
	seq := in.CSeq().SeqNo
	switch {
	case s.stage != subscriptionActive || s.leaving:
		s.respond(tx, 481, "")
		return
	case seq <= s.remoteSeq: // RFC 3261 §12.2.2
		s.respond(tx, 500, "")
		return
	case s.s.subs.packages[strings.ToLower(name)] != s.pkg: // one dialog, one subscription (RFC 6665 §4.5.2)
		s.remoteSeq = seq
		s.respond(tx, 489, "", s.s.allowEvents()...)
		return
	}
	s.remoteSeq = seq
	expires, brief := s.s.subs.cfg.grant(expiresOf(in.Request))
	if brief {
		s.respond(tx, 423, "", s.s.minExpires())
		return
	}
	s.follow(in)
	s.accept(tx, expires)
	s.log.Debug("subscription refreshed", "event", s.pkg.Name(), "expires", expires, "body_bytes", len(in.Body()))
	if s.onRefresh != nil {
		s.onRefresh(askedBy(in, expires))
	} else if expires > 0 {
		s.enqueue(notification{full: true})
	}
	s.settleAfter(expires)
}

// follow takes the way and the target of the latest SUBSCRIBE: NOTIFYs go by that flow and no other.
func (s *Subscription) follow(in *inbound) {
	moved := s.peer.Flow != in.src.Flow || s.peer.Transport != in.src.Transport
	s.flow, s.peer = in.flow, in.src
	s.target = target(in.Contact(), s.target)
	s.sessionID.hear(headerValue(in.Request, "session-id"))
	if moved {
		s.s.subs.moved(s, s.peer)
	}
}

// accept answers 200 and sets the clock.
func (s *Subscription) accept(tx *serverTx, expires time.Duration) {
	s.expires = time.Now().Add(expires)
	if s.expiry == nil {
		s.expiry = time.AfterFunc(expires, func() { s.post(s.expired) })
	} else {
		s.expiry.Reset(expires)
	}
	s.respond(tx, 200, "", sipmsg.NewHeader("Expires", seconds(wholeSeconds(expires))))
}

func (s *Subscription) expired() {
	if s.stage == subscriptionActive && !s.leaving && !time.Now().Before(s.expires) {
		s.end(EndTimeout, 0, ErrSubscriptionExpired)
	}
}

// respond answers a SUBSCRIBE.
func (s *Subscription) respond(tx *serverTx, code int, reason string, headers ...sipmsg.Header) {
	res := newResponse(tx.req, code, reason, s.id.LocalTag)
	if code < 300 {
		res.AppendHeader(sipmsg.NewHeader("Contact", s.s.contactOf(s.id.LocalTag, s.flow, s.peer)))
		for _, tag := range s.require {
			res.AppendHeader(sipmsg.NewHeader("Require", tag))
		}
	}
	for _, h := range headers {
		res.AppendHeader(h)
	}
	header(res, "Session-ID", s.sessionID.header())
	if err := tx.respond(s.s.dress(res)); err != nil {
		s.log.Debug("answer not sent", "code", code, "err", err)
	}
}

// end stops the subscription with a last NOTIFY. What waited as a state is told by that; what was given is sent before.
func (s *Subscription) end(reason EndReason, retryAfter time.Duration, cause error) {
	if s.stage != subscriptionActive {
		if s.stage == subscriptionNew {
			s.over(cause) // Terminate before Subscribe has returned: refused
		}
		return
	}
	s.stage = subscriptionEnding
	s.expiry.Stop()
	last := notification{full: true, last: true, reason: reason, retryAfter: retryAfter}
	kept := s.queue[:0]
	for _, n := range s.queue {
		if n.given {
			kept = append(kept, n)
		}
	}
	if n := len(kept); s.state == nil && n > 0 { // its package sends bodies only: the last NOTIFY carries the last of them
		last.given, last.contentType, last.body = true, kept[n-1].contentType, kept[n-1].body
		kept = kept[:n-1]
	}
	s.queue = append(kept, last)
	s.close(cause)
	s.pump()
}

// close ends the subscription for its package.
func (s *Subscription) close(cause error) {
	if s.ctx.Err() != nil {
		return
	}
	s.cancel(cause)
	s.s.metrics.subs.ended.WithLabelValues(s.pkg.Name(), string(endOf(cause))).Inc()
	s.log.Info("subscription over", "event", s.pkg.Name(), "username", s.Username(), "cause", cause)
}

// over ends the dialog.
func (s *Subscription) over(cause error) {
	if s.stage == subscriptionOver {
		return
	}
	s.stage = subscriptionOver
	s.close(cause)
	s.turns.close()
	s.queue = nil
	for _, t := range []*time.Timer{s.expiry, s.pause} {
		if t != nil {
			t.Stop()
		}
	}
	if s.outgoing != nil {
		s.outgoing.tx.tx.Terminate() // its phone would not know the dialog
		s.outgoing = nil
	}
	s.s.subs.remove(s)
	for _, f := range s.whenSent {
		f()
	}
	s.whenSent = nil
	s.s.metrics.subs.live.WithLabelValues(s.pkg.Name()).Dec()
}

// expiresOf reads the Expires header in seconds, -1 when there is none.
func expiresOf(req *sipmsg.Request) int64 {
	if v := strings.TrimSpace(headerValue(req, "expires")); v != "" {
		return parseExpires(v)
	}
	return -1
}

// retryAfterHeader is the Retry-After an error asks for.
func retryAfterHeader(err error) []sipmsg.Header {
	if d := retryAfterOf(err); d > 0 {
		return []sipmsg.Header{sipmsg.NewHeader("Retry-After", seconds(wholeSeconds(d)))}
	}
	return nil
}

// endOf sorts the causes for the count.
func endOf(cause error) subscriptionEnd {
	for _, e := range []struct {
		err error
		end subscriptionEnd
	}{
		{ErrUnsubscribed, endUnsubscribed}, {ErrSubscriptionExpired, endExpired}, {ErrDialogGone, endGone}, {ErrFlowGone, endFlow},
		{ErrReplaced, endReplaced}, {ErrTerminated, endTerminated}, {ErrShutdown, endShutdown}, {ErrRejected, endRefused},
	} {
		if errors.Is(cause, e.err) {
			return e.end
		}
	}
	return endFault
}
