package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// outCall is a request of ours in the dialog. done runs on the owner, once, with the final answer or an error.
type outCall struct {
	method  sipmsg.RequestMethod
	headers []sipmsg.Header
	body    []byte
	hops    int          // Max-Forwards, 0 for 70
	kind    string       // type of the body; empty means application/sdp
	in      *earlyDialog // that it belongs to; nil is the leg's dialog
	delayed bool         // an INVITE without offer: the peer makes it, and the answer goes into the ACK
	done    func(res *sipmsg.Response, err error)

	seq        uint32
	req        *sipmsg.Request
	wire       *wire
	tx         *clientTx
	begun      bool // a provisional answer came
	final      bool
	tries      int             // counts up with each repetition
	challenged int             // how many of them were with credentials
	cancel     bool            // to be cancelled as soon as that is allowed
	cancelled  bool            // CANCEL was sent
	limit      *time.Timer     // when to stop waiting, nil for the transaction's own
	acked      *sipmsg.Request // ACK of a 2xx, repeated with it
}

func (c *outCall) stopLimit() {
	if c.limit != nil {
		c.limit.Stop()
	}
}

// send sends a request in the dialog. The result comes to c.done unless send returns an error.
func (l *Leg) send(c *outCall) (err error) {
	l.within(c.in, func() { err = l.sendHere(c) })
	return err
}

// sendHere sends a request in the dialog that the leg is in now.
func (l *Leg) sendHere(c *outCall) error {
	w, err := l.wire()
	if err != nil {
		return fmt.Errorf("send %s: %w", c.method, err)
	}
	l.localSeq++
	c.seq = l.localSeq
	req := l.build(c, w)
	if wide, ok := l.wideWire(len(req.String())); ok {
		w = wide
		req = l.build(c, w)
	}
	c.req, c.wire, c.begun, c.final = req, w, false, false
	try := c.tries
	tx, err := l.s.txs.newClient(req, w, func(res *sipmsg.Response, err error) {
		l.post(replyArrived{call: c, try: try, res: res, err: err})
	})
	if err != nil {
		return err
	}
	c.tx = tx
	l.sent = append(slices.DeleteFunc(l.sent, func(tx *clientTx) bool { return isDone(tx.tx.Done()) }), tx)
	return nil
}

// build makes the request of c.
func (l *Leg) build(c *outCall, w *wire) *sipmsg.Request {
	req := l.request(c.method, c.seq, w)
	for _, h := range c.headers {
		req.AppendHeader(h)
	}
	if m := req.MaxForwards(); m != nil && c.hops > 0 {
		*m = sipmsg.MaxForwardsHeader(c.hops)
	}
	withBody(req, cmp.Or(c.kind, "application/sdp"), c.body)
	return req
}

// request builds a request in the dialog (RFC 3261 §12.2.1.1).
func (l *Leg) request(method sipmsg.RequestMethod, seq uint32, w *wire) *sipmsg.Request {
	target, routes := l.target, l.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") { // a strict router
		target = routes[0]
		routes = append(append([]sipmsg.Uri{}, routes[1:]...), l.target)
	}
	req := sipmsg.NewRequest(method, *target.Clone())
	transport := w.flow.transport()
	req.SetTransport(transport)
	local := w.flow.local(w.to)
	if w.from.IsValid() && !w.from.IsUnspecified() {
		local = netip.AddrPortFrom(w.from, local.Port())
	}
	host, port := l.s.host(local)
	req.AppendHeader(&sipmsg.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: transport, Host: host, Port: port,
		Params: sipmsg.HeaderParams{{K: "branch", V: newBranch()}, {K: "rport"}},
	})
	for _, r := range routes {
		req.AppendHeader(&sipmsg.RouteHeader{Address: r})
	}
	hops := sipmsg.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(sipmsg.HeaderClone(&l.local))
	req.AppendHeader(sipmsg.HeaderClone(&l.remote))
	callID := sipmsg.CallIDHeader(l.id.CallID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipmsg.CSeqHeader{SeqNo: seq, MethodName: method})
	if method == sipmsg.INVITE || method == sipmsg.UPDATE {
		header(req, "Contact", l.contact())
		header(req, "Allow", legAllowed)
		header(req, "Supported", l.supported())
	}
	header(req, "User-Agent", l.s.cfg.UserAgent)
	header(req, "Session-ID", l.sessionID.header())
	return req
}

// wire is where requests of the dialog go: to the peer's own connection, or by UDP to the address its requests come from
// when it is a phone, and to the address it names when it is a trunk that has several.
func (l *Leg) wire() (*wire, error) {
	w := &wire{s: l.s, flow: l.flow, to: l.peer.Remote, from: l.peer.Local.Addr()}
	if reliable(l.peer.Transport) {
		if l.s.flows.get(l.peer.Flow) != nil {
			return w, nil
		}
		if w = l.anew(); w != nil {
			return w, nil
		}
		return nil, ErrFlowGone
	}
	if l.invite.Identity.Trunk == "" {
		return w, nil
	}
	next := &l.target
	if len(l.routes) > 0 {
		next = &l.routes[0]
	}
	if to, ok := numeric(next); ok && (!isInside(to.Addr()) || isInside(l.peer.Remote.Addr())) {
		w.to = to
	}
	return w, nil
}

// numeric is the address of a URI that names one; names are not resolved here.
func numeric(u *sipmsg.Uri) (netip.AddrPort, bool) {
	host := u.Host
	if maddr, ok := u.UriParams.Get("maddr"); ok {
		host = maddr
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil || a.IsUnspecified() || a.IsMulticast() {
		return netip.AddrPort{}, false
	}
	port := u.Port
	if port <= 0 || port > 65535 {
		port = 5060
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), true
}

// takeReply handles an answer to a request of ours.
func (l *Leg) takeReply(c *outCall, try int, res *sipmsg.Response, err error) {
	if try != c.tries {
		return // of an earlier try
	}
	if c.final {
		if c == l.inviteCall() && l.forked(res) {
			return
		}
		if res != nil && res.IsSuccess() && c.acked != nil {
			l.sendACK(c) // the 2xx was repeated: so is its ACK (RFC 3261 §13.2.2.4)
		}
		return
	}
	if res != nil && res.IsProvisional() {
		c.begun = true
		if c.cancel {
			l.sendCancel(c)
		}
		if c == l.inviteCall() {
			l.progress(res)
		}
		return
	}
	c.final = true
	if l.retry(c, res) || l.lengthen(c, res) {
		return
	}
	code := "timeout"
	if res != nil {
		code = strconv.Itoa(res.StatusCode)
	} else if !isTimeout(err) {
		code = "transport"
	}
	l.s.metrics.sent.WithLabelValues(methodLabel(c.method), code).Inc()
	if res != nil && res.IsSuccess() {
		if c == l.inviteCall() {
			l.establish(res)
		}
		if c.method == sipmsg.INVITE || c.method == sipmsg.UPDATE {
			l.retarget(res)
		}
		switch {
		case c.method != sipmsg.INVITE:
		case l.offersIn(c, res):
			l.oweACK(c)
		default:
			l.ackFor(c, nil)
		}
	}
	c.done(res, err)
}

// ackFor builds and sends the ACK of a 2xx, a request of its own with the credentials of the INVITE (RFC 3261 §13.2.2.4); sdp is
// our answer to an offer in the 2xx.
func (l *Leg) ackFor(c *outCall, sdp []byte) {
	w, err := l.wire()
	if err != nil {
		return
	}
	if wide, ok := l.wideWire(len(sdp)); ok {
		w = wide
	}
	c.acked = l.request(sipmsg.ACK, c.seq, w)
	if c.req != nil {
		for _, name := range []string{"authorization", "proxy-authorization"} {
			sipmsg.CopyHeaders(name, c.req, c.acked)
		}
	}
	withBody(c.acked, "application/sdp", sdp)
	l.s.dressRequest(c.acked)
	l.sendACK(c)
}

func (l *Leg) sendACK(c *outCall) {
	w, err := l.wire()
	if wide, ok := l.wideWire(len(c.acked.Body())); ok {
		w, err = wide, nil
	}
	if err == nil {
		err = w.WriteMsg(c.acked)
	}
	if err != nil {
		l.log.Debug("ACK not sent", "err", err)
	}
}

// dialogGone reports whether a result means that the peer has lost the dialog (RFC 3261 §12.2.1.2).
func dialogGone(res *sipmsg.Response, err error) bool {
	if res == nil {
		return err != nil
	}
	return res.StatusCode == 481 || res.StatusCode == 408
}

// Probe sends OPTIONS in the dialog. Any answer but 481 and 408 proves that the peer's dialog lives; else the error is
// ErrDialogGone, and the leg is left to its handler.
func (l *Leg) Probe(ctx context.Context) error {
	result := make(chan error, 1)
	err := l.do(ctx, func() error {
		if l.state != legConfirmed {
			return fmt.Errorf("probe: %w", ErrWrongState)
		}
		return l.send(&outCall{method: sipmsg.OPTIONS, done: func(res *sipmsg.Response, err error) {
			if dialogGone(res, err) {
				result <- errors.Join(ErrDialogGone, err)
				return
			}
			result <- nil
		}})
	})
	if err != nil {
		return err
	}
	answer, err := await(ctx, l, result)
	return errors.Join(answer, err)
}
