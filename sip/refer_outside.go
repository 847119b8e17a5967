package sip

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Referral is a REFER outside any call of its sender with us (RFC 3515 §2.4.2): it wants a call made for it, or a participant
// taken into a conference or out of it (RFC 4579 §5.5, §5.10). Its methods are for the goroutine of ServeRefer.
type Referral struct {
	RequestURI URI
	From, To   Address
	Identity   Identity // who sent it, proven
	Source     Source   // how it came

	ReferTo      URI       // whom to call
	Method       string    // "INVITE", or "BYE" for somebody who is to leave
	Replaces     *Replaces // the dialog to take over there, nil for none
	ReferredBy   string    // as the sender wrote it (RFC 3892)
	TargetDialog *Replaces // a dialog that the sender has with us and speaks of (RFC 4538), nil for none

	in       *inbound
	tx       *serverTx
	id       DialogID
	silent   bool        // the sender wants no NOTIFY (RFC 4488)
	answered atomic.Bool // a final status was sent
	accepted bool
	told     bool // the last NOTIFY was sent, or its receiver is gone
	seq      uint32
}

// ReferHandler serves REFERs outside dialogs. ServeRefer is called once for each, on a goroutine of its own, when it is proven
// who sent it. It must Accept within ten seconds, or return an error, which becomes the answer by StatusOf; no error is 603 then.
// Once it has accepted, its result tells the sender how its wish ended, where Notify has not done so. ctx ends when the
// server does.
type ReferHandler interface {
	ServeRefer(ctx context.Context, r *Referral) error
}

// HandleRefer sets who serves REFERs outside dialogs, before Run; without one they are answered 405.
func (s *Server) HandleRefer(h ReferHandler) { s.refer = h }

// referrals are the REFERs outside dialogs that are served.
type referrals struct {
	mu     sync.Mutex
	live   map[*Referral]context.CancelCauseFunc
	closed bool
	wait   sync.WaitGroup
}

// maxReferrals bounds the REFERs outside dialogs that are served at once.
const maxReferrals = 1000

func (t *referrals) add(r *Referral, cancel context.CancelCauseFunc) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.live) >= maxReferrals {
		return false
	}
	if t.live == nil {
		t.live = make(map[*Referral]context.CancelCauseFunc)
	}
	t.live[r] = cancel
	t.wait.Add(1)
	return true
}

func (t *referrals) remove(r *Referral) {
	t.mu.Lock()
	delete(t.live, r)
	t.mu.Unlock()
	t.wait.Done()
}

// shutdown ends the contexts of all handlers.
func (t *referrals) shutdown() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, cancel := range t.live {
		cancel(ErrShutdown)
	}
}

// takeReferOutside serves a REFER outside dialogs, once it is known who sends it.
func (s *Server) takeReferOutside(in *inbound) {
	who, known := s.identify(in)
	if !known {
		return
	}
	e, method, ok := readRefer(in.Request)
	c := in.Contact()
	switch {
	case s.draining.Load():
		in.answer(503, "", sipmsg.NewHeader("Retry-After", "30"))
		return
	case !ok:
		in.answer(400, "Bad Refer-To")
		return
	case c == nil || c.Address.Host == "" || c.Address.Wildcard:
		in.answer(400, "Missing Contact")
		return
	}
	r := &Referral{
		RequestURI: newURI(&in.Recipient), Identity: who, Source: in.src,
		From:    newAddress(in.From().DisplayName, &in.From().Address, in.From().Params),
		To:      newAddress(in.To().DisplayName, &in.To().Address, in.To().Params),
		ReferTo: e.To, Method: method, Replaces: e.Replaces, ReferredBy: e.ReferredBy,
		in: in, silent: wantsNoNotify(in.Request), seq: newCSeq(),
		id: dialogOf(in.Request, newTag()),
	}
	if d, sound := parseTargetDialog(headerValue(in.Request, "target-dialog")); sound {
		r.TargetDialog = &d
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	if !s.referrals.add(r, cancel) {
		cancel(nil)
		in.answer(503, "", sipmsg.NewHeader("Retry-After", "5"))
		return
	}
	r.tx = s.txs.newServer(s, in.key, in.Request, in.wire())
	go func() { // ends with the handler, whose ctx shutdown ends
		defer s.referrals.remove(r)
		defer cancel(nil)
		s.serveReferral(ctx, r)
	}()
}

func (s *Server) serveReferral(ctx context.Context, r *Referral) {
	limit := time.AfterFunc(referLimit, func() {
		defer s.recovered(ownerHandler)
		_ = r.answer(500)
	})
	defer limit.Stop()
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				s.panicked(ownerHandler, p)
				err = ErrPanic
			}
		}()
		return s.refer.ServeRefer(ctx, r)
	}()
	code := 200
	if err != nil {
		code, _ = StatusOf(err)
	} else if !r.accepted {
		code = 603
	}
	if r.answer(code) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTime)
	defer cancel()
	_ = r.Notify(ctx, code, "") // what its receiver misses it hears by no other way
}

// answer sends the final status of the REFER, once.
func (r *Referral) answer(code int) error {
	if !r.answered.CompareAndSwap(false, true) {
		return fmt.Errorf("answer REFER: %w", ErrWrongState)
	}
	s := r.in.s
	res := newResponse(r.in.Request, code, "", r.id.LocalTag)
	if code < 300 {
		header(res, "Contact", s.contactOf(r.id.LocalTag, r.in.flow, r.in.src))
		if r.silent {
			header(res, "Refer-Sub", "false")
		}
	}
	if err := r.tx.respond(s.dress(res)); err != nil {
		s.log.Debug("answer not sent", "method", "REFER", "code", code, "err", err)
	}
	return nil
}

// Accept answers 202; Notify then tells the sender what becomes of its wish, the first time at once, with 100.
func (r *Referral) Accept() error {
	if err := r.answer(202); err != nil {
		return err
	}
	r.accepted = true
	return nil
}

// Notify tells the sender how far the call is that it asked for, by a status line (RFC 3515 §2.4.5); a final status is the last.
// It returns when the NOTIFY has been answered. ErrDialogGone means that the sender wants to hear no more. Who asked for no NOTIFY
// gets none.
func (r *Referral) Notify(ctx context.Context, code int, reason string) error {
	if !r.accepted {
		return fmt.Errorf("NOTIFY: %w", ErrWrongState)
	}
	if r.silent || r.told {
		return nil
	}
	r.told = code >= 200
	s := r.in.s
	w, err := s.wireTo(r.in.src)
	if err != nil {
		return fmt.Errorf("NOTIFY: %w", err)
	}
	local, remote := r.in.To().AsFrom(), r.in.From().AsTo()
	local.Params.Add("tag", string(r.id.LocalTag))
	r.seq++
	p := requestParts{
		method: sipmsg.NOTIFY, target: target(r.in.Contact(), r.in.From().Address), local: &local, remote: &remote,
		callID: r.id.CallID, seq: r.seq, wire: w,
	}
	for _, h := range r.in.GetHeaders("record-route") {
		if rr, ok := h.(*sipmsg.RecordRouteHeader); ok {
			p.routes = append(p.routes, *rr.Address.Clone())
		}
	}
	req := s.newRequest(p)
	header(req, "Contact", s.contactOf(r.id.LocalTag, r.in.flow, r.in.src))
	dressReferNotify(req, "refer", code, reason)
	header(req, "User-Agent", s.cfg.UserAgent)
	res, err := s.exchange(ctx, req, w)
	switch {
	case err != nil:
		return fmt.Errorf("NOTIFY: %w", err)
	case res.StatusCode == 481 || res.StatusCode == 408:
		r.told = true
		return fmt.Errorf("NOTIFY: %w", ErrDialogGone)
	case !res.IsSuccess():
		return fmt.Errorf("NOTIFY: %w", &StatusError{Code: res.StatusCode, Reason: res.Reason})
	}
	return nil
}

// dressReferNotify adds what a NOTIFY of a REFER carries (RFC 3515 §2.4.4, §2.4.5).
func dressReferNotify(req *sipmsg.Request, event string, code int, reason string) {
	for _, h := range referNotifyHeaders(event, code) {
		req.AppendHeader(h)
	}
	withBody(req, sipfragType, referStatus(code, reason))
}

const sipfragType = "message/sipfrag;version=2.0"

func referNotifyHeaders(event string, code int) []sipmsg.Header {
	state := "active;expires=180"
	if code >= 200 {
		state = "terminated;reason=noresource"
	}
	return []sipmsg.Header{sipmsg.NewHeader("Event", event), sipmsg.NewHeader("Subscription-State", state)}
}

func referStatus(code int, reason string) []byte {
	if reason == "" {
		reason = StatusText(code)
	}
	return []byte("SIP/2.0 " + strconv.Itoa(code) + " " + reason + "\r\n")
}

func wantsNoNotify(req *sipmsg.Request) bool {
	return strings.EqualFold(strings.TrimSpace(headerValue(req, "refer-sub")), "false")
}

// parseTargetDialog reads a Target-Dialog header (RFC 4538 §7). Its tags are named from the side of who sends it, so that
// Server.Replaced finds the dialog.
func parseTargetDialog(v string) (r Replaces, ok bool) {
	return parseDialog(v, "remote-tag", "local-tag")
}
