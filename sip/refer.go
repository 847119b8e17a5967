package sip

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// ReferEvent is a REFER in the dialog: the peer wants the other side of the call to be with somebody else (RFC 3515). It must
// be met with AcceptRefer or RefuseRefer.
type ReferEvent struct {
	To         URI       // whom to call
	Replaces   *Replaces // the dialog to take over there, nil for a blind transfer
	ReferredBy string    // as the peer wrote it (RFC 3892)

	pending *pendingRefer
}

func (ReferEvent) legEvent() {}

// pendingRefer is a REFER and what it is owed. It belongs to the owner of its leg.
type pendingRefer struct {
	in     *inbound
	tx     *serverTx
	seq    uint32
	first  bool // the first of the dialog needs no id in its Event (RFC 3515 §2.4.6)
	silent bool // the peer wants no NOTIFY (RFC 4488)
	done   bool // answered with a final status, or not any more to be answered
}

// referLimit is for the handler to answer a REFER, in time for its transaction.
const referLimit = 10 * time.Second

func (l *Leg) takeRefer(in *inbound, tx *serverTx) {
	e, method, ok := readRefer(in.Request)
	if !ok || method != string(sipmsg.INVITE) {
		l.respond(tx, l.reply(in.Request, 400, "Bad Refer-To"))
		return
	}
	p := &pendingRefer{
		in: in, tx: tx, seq: in.CSeq().SeqNo, first: !l.referred,
		silent: wantsNoNotify(in.Request),
	}
	e.pending, l.referred = p, true
	l.after(referLimit, func() {
		if !p.done {
			l.answerRefer(p, 500)
		}
	})
	if l.state != legConfirmed || !l.emit(e) {
		l.answerRefer(p, 603)
	}
}

// readRefer reads Refer-To and what comes with it; ok is false unless there is exactly one URI, and INVITE or BYE for it.
func readRefer(req *sipmsg.Request) (e ReferEvent, method string, ok bool) {
	v := headerValue(req, "refer-to")
	if v == "" {
		v = headerValue(req, "r")
	}
	var uri sipmsg.Uri
	var params sipmsg.HeaderParams
	if _, err := sipmsg.ParseAddressValue(v, &uri, &params); err != nil || uri.User == "" && uri.Host == "" {
		return ReferEvent{}, "", false
	}
	method = string(sipmsg.INVITE)
	if m, _ := uri.UriParams.Get("method"); m != "" {
		if method = strings.ToUpper(m); method != string(sipmsg.INVITE) && method != string(sipmsg.BYE) {
			return ReferEvent{}, "", false
		}
		uri.UriParams = slices.DeleteFunc(slices.Clone(uri.UriParams), func(kv sipmsg.HeaderKV) bool { return strings.EqualFold(kv.K, "method") })
	}
	for _, h := range uri.Headers {
		if !strings.EqualFold(h.K, "Replaces") {
			continue
		}
		r, sound := parseReplaces(unescape(h.V))
		if !sound {
			return ReferEvent{}, "", false
		}
		e.Replaces = &r
	}
	uri.Headers = nil
	e.To, e.ReferredBy = newURI(&uri), headerValue(req, "referred-by")
	return e, method, true
}

func (l *Leg) answerRefer(p *pendingRefer, code int) {
	p.done = true
	res := l.reply(p.in.Request, code, "")
	if code == 202 {
		res.AppendHeader(sipmsg.NewHeader("Contact", l.contact()))
		if p.silent {
			res.AppendHeader(sipmsg.NewHeader("Refer-Sub", "false"))
		}
	}
	l.respond(p.tx, res)
}

// AcceptRefer answers 202; NotifyRefer then tells the peer what becomes of the call.
func (l *Leg) AcceptRefer(ctx context.Context, e ReferEvent) error {
	return l.do(ctx, func() error {
		if e.pending.done {
			return fmt.Errorf("accept REFER: %w", ErrWrongState)
		}
		l.answerRefer(e.pending, 202)
		return nil
	})
}

// RefuseRefer answers with a final error status.
func (l *Leg) RefuseRefer(ctx context.Context, e ReferEvent, code int) error {
	return l.do(ctx, func() error {
		if e.pending.done {
			return fmt.Errorf("refuse REFER: %w", ErrWrongState)
		}
		l.answerRefer(e.pending, code)
		return nil
	})
}

// NotifyRefer tells the peer how far the call is that it asked for, by a status line (RFC 3515 §2.4.5); a final status ends
// its subscription. It returns when the NOTIFY has been answered.
func (l *Leg) NotifyRefer(ctx context.Context, e ReferEvent, code int, reason string) error {
	if e.pending.silent {
		return nil
	}
	event := "refer"
	if !e.pending.first {
		event += ";id=" + strconv.FormatUint(uint64(e.pending.seq), 10)
	}
	result := make(chan error, 1)
	err := l.do(ctx, func() error {
		if l.state != legConfirmed {
			return fmt.Errorf("NOTIFY: %w", ErrWrongState)
		}
		return l.send(&outCall{
			method:  sipmsg.NOTIFY,
			headers: append(referNotifyHeaders(event, code), sipmsg.NewHeader("Contact", l.contact())),
			body:    referStatus(code, reason),
			kind:    sipfragType,
			done:    func(_ *sipmsg.Response, err error) { result <- err },
		})
	})
	if err != nil {
		return err
	}
	answer, err := await(ctx, l, result)
	if err != nil {
		return err
	}
	return answer
}
