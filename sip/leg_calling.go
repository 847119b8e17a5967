package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/icholy/digest"

	sipmsg "github.com/emiago/sipgo/sip"
)

// ourCall is what a leg needs as long as it calls. It belongs to the owner, but for answered.
type ourCall struct {
	invite      *outCall
	credentials func(realm string) (username, password string, ok bool)
	reliable    bool           // we know reliable provisional answers
	early       []*earlyDialog // until one is answered, and then that one
	offers      []earlyOffer   // that Acknowledge has not answered
	answered    chan ackResult // the one result
	reason      Reason         // of the CANCEL
	strays      map[string]*sipmsg.Request
}

func (l *Leg) inviteCall() *outCall {
	if l.call == nil {
		return nil
	}
	return l.call.invite
}

// Answered waits until a call of ours is answered and returns the peer's SDP: the one of the 200, or of the reliable
// provisional answer that settled it before (RFC 3262 §5). The 200 has been acknowledged then. When the INVITE had no offer
// the SDP is the peer's offer, and Acknowledge answers it; it is nil when Acknowledge answered an earlier one already. When
// the call ends unanswered the error holds its Cause.
func (l *Leg) Answered(ctx context.Context) (answer []byte, err error) {
	if l.call == nil {
		return nil, fmt.Errorf("answered: %w", ErrWrongState)
	}
	r, err := await(ctx, l, l.call.answered)
	if err != nil {
		return nil, err
	}
	return r.sdp, r.err
}

// progress passes a provisional answer on.
func (l *Leg) progress(res *sipmsg.Response) {
	if res.StatusCode <= 100 {
		return
	}
	l.methods(res)
	sdp, hasSDP := l.s.sdpOf(res)
	d := l.earlyOf(res)
	e := ProgressEvent{SDP: sdp}
	if rseq, asks := reliableSeq(res); asks && d != nil {
		var ok bool
		if e, ok = l.takeReliable(d, rseq, sdp, hasSDP); !ok {
			return
		}
	} else if l.call.invite.delayed {
		e.SDP = nil // an offer has no place here (RFC 3261 §13.2.1)
	}
	if res.StatusCode < 180 && !e.Offer {
		return
	}
	e.Code = res.StatusCode
	if d != nil {
		e.Dialog = d.tag
	}
	l.emit(e)
}

// establish takes the dialog of the first 2xx (RFC 3261 §12.1.2, §13.2.2.4).
func (l *Leg) establish(res *sipmsg.Response) {
	end := l.endOf(res)
	id := l.id
	id.RemoteTag = RemoteTag(tagOf(res.To()))
	d := l.early(id.RemoteTag)
	l.call.early = nil
	if d != nil {
		end.seq, end.heard = d.end.seq, d.end.heard
		l.call.early = []*earlyDialog{d}
	}
	l.call.offers = slices.DeleteFunc(l.call.offers, func(o earlyOffer) bool { return o.dialog != d })
	l.setEnd(end)
	l.named.Store(&id)
	l.ringsAt.Store(nil)
	l.up.Store(true)
}

// answeredWith is what the peer has said of the session when it answers a call of ours.
func (l *Leg) answeredWith(res *sipmsg.Response) (sdp []byte, ok bool) {
	sdp, ok = l.s.sdpOf(res)
	d := l.early(RemoteTag(tagOf(res.To())))
	switch {
	case d == nil || !d.settled && d.answer == nil:
		return sdp, ok
	case l.call.invite.delayed:
		return nil, true
	case ok:
		return sdp, true
	}
	return d.answer, true
}

func tagOf(to *sipmsg.ToHeader) string {
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}

func tagOfPeer(in *inbound) RemoteTag {
	tag, _ := in.From().Params.Get("tag")
	return RemoteTag(tag)
}

// isPeer reports whether a request comes from the dialog that was established.
func (l *Leg) isPeer(in *inbound) bool {
	id := l.named.Load()
	return id != nil && id.RemoteTag == tagOfPeer(in)
}

// concludeCall is what the final answer to our INVITE means.
func (l *Leg) concludeCall(res *sipmsg.Response, err error) {
	l.call.invite.stopLimit()
	switch {
	case res != nil && res.IsSuccess() && l.isOver:
		// It crossed our CANCEL: the call is up, and ended at once (RFC 3261 §9.1).
		l.state = legConfirmed
		l.bye(l.call.reason)
	case res != nil && res.IsSuccess():
		l.state = legConfirmed
		l.log.Info("leg answered")
		l.session.told(l, res)
		sdp, ok := l.answeredWith(res)
		if !ok {
			l.tell(l.call.answered, ackResult{err: ErrNoAnswer})
			l.hangup(Reason{Protocol: "SIP", Cause: 488, Text: "No SDP answer"}, ErrNoAnswer)
			return
		}
		l.tell(l.call.answered, ackResult{sdp: sdp})
	case res != nil:
		l.over(&StatusError{Code: res.StatusCode, Reason: res.Reason, Err: reasonError(res), Contacts: redirects(res)})
		l.state = legTerminated
	default:
		if !l.call.invite.begun && l.call.invite.tries == 0 {
			err = errors.Join(ErrNoResponse, err)
		}
		l.over(&StatusError{Code: 408, Err: err})
		l.state = legTerminated
	}
}

// reasonError is the Reason header of a refusal as an error, nil if there is none.
func reasonError(res *sipmsg.Response) error {
	if v := parseReason(headerValue(res, "reason")).String(); v != "" {
		return errors.New(v)
	}
	return nil
}

// forked ends the further dialogs of a call that a proxy forked: each gets its ACK and a BYE (RFC 3261 §13.2.2.4). It reports
// whether the answer was one of those.
func (l *Leg) forked(res *sipmsg.Response) bool {
	if res == nil || !res.IsSuccess() {
		return false
	}
	tag := tagOf(res.To())
	id := l.named.Load()
	if id == nil || id.RemoteTag == RemoteTag(tag) {
		return false
	}
	ack, known := l.call.strays[tag]
	if known {
		l.sendACK(&outCall{acked: ack})
		return true
	}
	d := &earlyDialog{end: l.endOf(res)}
	c := &outCall{seq: l.call.invite.seq}
	l.within(d, func() { l.ackFor(c, nil) })
	if c.acked != nil {
		l.call.strays[tag] = c.acked
	}
	bye := &outCall{method: sipmsg.BYE, in: d, done: func(*sipmsg.Response, error) {}}
	if err := l.send(bye); err != nil {
		l.log.Debug("BYE to a forked dialog not sent", "err", err)
	}
	return true
}

// retry repeats a request that was challenged, with credentials, twice at most: the second time for a stale nonce
// (RFC 3261 §22.2).
func (l *Leg) retry(c *outCall, res *sipmsg.Response) bool {
	if res == nil || res.StatusCode != 401 && res.StatusCode != 407 || l.call == nil || l.call.credentials == nil ||
		c.challenged >= 2 || c.cancel {
		return false
	}
	name, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		name, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, h := range res.Headers() {
		if !sameHeader(h.Name(), name) {
			continue
		}
		ch, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(ch) || c.challenged == 1 && !ch.Stale {
			continue
		}
		username, password, ok := l.call.credentials(ch.Realm)
		if !ok {
			continue
		}
		cred, err := digest.Digest(ch, digest.Options{
			Method: string(c.method), URI: c.req.Recipient.String(), Username: username, Password: password, Count: 1,
		})
		if err != nil {
			continue
		}
		c.headers = slices.DeleteFunc(slices.Clone(c.headers), func(h sipmsg.Header) bool { return sameHeader(h.Name(), answer) })
		c.headers = append(c.headers, sipmsg.NewHeader(answer, cred.String()))
		c.challenged++
		l.again(c)
		return true
	}
	return false
}

// maxTries bounds how often one request is sent anew, for whatever reason.
const maxTries = 5

// again sends a request anew, in a transaction of its own.
func (l *Leg) again(c *outCall) {
	c.tries++
	if c == l.inviteCall() {
		l.call.early, l.call.offers = nil, nil
		l.ringsAt.Store(nil)
	}
	if err := l.send(c); err != nil {
		c.final = true
		c.done(nil, err)
	}
}

// cancelCall cancels an INVITE of ours: at once if a provisional answer came, else as soon as one does (RFC 3261 §9.1). No
// final answer within 64*T1 of the CANCEL ends the waiting.
func (l *Leg) cancelCall(c *outCall) {
	if c.final || c.cancel {
		return
	}
	c.cancel = true
	if c.begun {
		l.sendCancel(c)
	}
}

func (l *Leg) sendCancel(c *outCall) {
	if c.cancelled {
		return
	}
	c.cancelled = true
	c.stopLimit()
	req := sipmsg.NewRequest(sipmsg.CANCEL, *c.req.Recipient.Clone())
	req.SetTransport(c.req.Transport())
	req.AppendHeader(c.req.Via().Clone())
	for _, name := range []string{"route", "from", "to", "call-id"} {
		sipmsg.CopyHeaders(name, c.req, req)
	}
	hops := sipmsg.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(&sipmsg.CSeqHeader{SeqNo: c.seq, MethodName: sipmsg.CANCEL})
	if l.call != nil && c == l.call.invite {
		header(req, "Reason", l.call.reason.String())
	}
	l.s.dressRequest(req)
	if _, err := l.s.txs.newClient(req, c.wire, func(*sipmsg.Response, error) {}); err != nil {
		l.log.Debug("CANCEL not sent", "err", err)
	}
	try := c.tries
	c.limit = l.after(ackLimit, func() {
		if !c.final && try == c.tries {
			c.tries++ // what still comes is of an earlier try
			c.final = true
			c.tx.tx.Terminate()
			c.done(nil, fmt.Errorf("no final answer to a cancelled %s: %w", c.method, sipmsg.ErrTransactionTimeout))
		}
	})
}
