package sip

import (
	"bytes"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// receiveDatagram takes what came by UDP; b is the reader's.
func (s *Server) receiveDatagram(f flow, src Source, b []byte) {
	defer s.recovered(ownerReader)
	if len(b) <= 4 || len(bytes.Trim(b, "\r\n\x00")) == 0 { // keep-alives of phones behind a NAT
		s.drop(dropKeepAlive)
		return
	}
	if !s.admit(src, b) {
		return
	}
	for len(b) > 2 && b[0] == '\r' && b[1] == '\n' {
		b = b[2:]
	}
	raw := bytes.Clone(b)
	h, flaw := scanHead(raw)
	s.receive(f, src, raw, h, flaw)
}

// receiveStream takes a message that came on a connection; b is ours.
func (s *Server) receiveStream(f *streamFlow, b []byte, h head, flaw *malformed) {
	if src := f.source(); s.admit(src, b) {
		s.receive(f.flow(), src, b, h, flaw)
	}
}

// admit asks the guard; trunks are never limited.
func (s *Server) admit(src Source, b []byte) bool {
	if s.guard.Admit(src.Remote, b) {
		return true
	}
	if _, ok := s.lines.Trunk(src.Remote); ok {
		s.guard.Trust(src.Remote.Addr())
		return true
	}
	s.drop(dropGuard)
	return false
}

// receive puts a message into its mailbox, or refuses it here when it cannot be ordered or read.
func (s *Server) receive(f flow, src Source, raw []byte, h head, flaw *malformed) {
	if flaw != nil {
		s.refuseMalformed(f, src, raw, flaw)
		return
	}
	if why := s.boxes.post(delivery{raw: raw, head: h, src: src, flow: f}); why != "" {
		s.drop(why)
	}
}

func (s *Server) drop(why dropReason) { s.metrics.dropped.WithLabelValues(string(why)).Inc() }

// refuseMalformed answers a message that cannot be parsed from a scan of its raw bytes, as often as the guard allows.
func (s *Server) refuseMalformed(f flow, src Source, raw []byte, flaw *malformed) {
	s.log.Debug("malformed message", "remote", src.Remote, "transport", src.Transport, "code", flaw.code, "err", flaw.reason)
	s.drop(dropMalformed)
	s.answerRaw(f, src, raw, flaw)
}

// work handles one message in its mailbox.
func (s *Server) work(d delivery) {
	var in *inbound
	defer func() {
		if p := recover(); p != nil {
			s.panicked(ownerMailbox, p)
			s.abandon(in)
		}
	}()
	m, flaw := parse(d.raw, d.head)
	if flaw != nil {
		s.refuseMalformed(d.flow, d.src, d.raw, flaw)
		return
	}
	switch m := m.(type) {
	case *sipmsg.Request:
		m.SetSource(d.src.Remote.String())
		m.SetTransport(d.src.Transport)
		in = &inbound{Request: m, s: s, src: d.src, flow: d.flow, size: len(d.raw)}
		s.takeRequest(in)
	case *sipmsg.Response:
		if !s.txs.receive(m) {
			s.drop(dropStray)
		}
	}
}

// abandon ends what a panic left of a request: its transaction, and its sender's waiting.
func (s *Server) abandon(in *inbound) {
	defer s.recovered(ownerMailbox)
	if in == nil || in.key == "" {
		return
	}
	if tx := s.txs.findServer(in.key); tx != nil {
		if leg := tx.leg.Load(); leg != nil || tx.final.Load() != 0 {
			return // somebody cares for it
		}
		tx.Terminate()
	}
	in.answer(500, "")
}

// inbound is a request with the way it came.
type inbound struct {
	*sipmsg.Request
	s    *Server
	src  Source
	flow flow
	key  string
	size int // bytes of the message
}

// wire is where the answers go (RFC 3261 §18.2.2).
func (in *inbound) wire() *wire {
	to := in.src.Remote
	if in.src.Transport == "UDP" {
		to = responseTo(in.Request, in.src)
	}
	return &wire{s: in.s, flow: in.flow, to: to, from: in.src.Local.Addr()}
}

// takeRequest finds what a request belongs to: a transaction, a dialog, or neither.
func (s *Server) takeRequest(in *inbound) {
	in.key = serverKey(in.Request)
	markVia(in.Request, in.src)
	switch in.Method {
	case sipmsg.ACK:
		s.takeACK(in)
		return
	case sipmsg.CANCEL:
		s.takeCancel(in)
		return
	}
	if tx := s.txs.findServer(in.key); tx != nil {
		_ = tx.Receive(in.Request) // a retransmission: the state machine repeats our last answer
		return
	}
	if code, missing := s.unsupported(in); code != 0 {
		in.answer(code, "", missing...)
		return
	}
	if tag, _ := in.To().Params.Get("tag"); tag != "" {
		s.takeInDialog(in, LocalTag(tag))
		return
	}
	s.takeOutside(in)
}

// takeInDialog hands a request to the leg of its dialog (RFC 3261 §12.2.2).
func (s *Server) takeInDialog(in *inbound, local LocalTag) {
	leg := s.legs.find(dialogOf(in.Request, local))
	switch {
	case leg != nil:
		tx := s.txs.newServer(s, in.key, in.Request, in.wire())
		if !leg.post(requestArrived{in: in, tx: tx}) { // it ended this very moment
			_ = tx.respond(s.dress(newResponse(in.Request, 481, "", local)))
		}
	case in.Method == sipmsg.SUBSCRIBE:
		if sub := s.subs.find(dialogOf(in.Request, local)); sub != nil {
			s.takeRefresh(in, sub)
			return
		}
		in.answer(481, "")
	case in.Method == sipmsg.REGISTER || in.Method == sipmsg.OPTIONS:
		s.takeOutside(in) // some phones keep a To tag in their registrations
	default:
		if _, known := knownMethods[in.Method]; !known {
			s.takeOutside(in)
			return
		}
		in.answer(481, "")
	}
}

// takeACK hands an ACK to the transaction of a refused INVITE, or by its dialog to the leg that awaits it
// (RFC 3261 §13.2.2.4, §17.2.1).
func (s *Server) takeACK(in *inbound) {
	if tx := s.txs.findServer(in.key); tx != nil && tx.final.Load() >= 300 {
		_ = tx.Receive(in.Request)
		return
	}
	if tag, _ := in.To().Params.Get("tag"); tag != "" {
		if leg := s.legs.find(dialogOf(in.Request, LocalTag(tag))); leg != nil {
			leg.post(ackArrived{in: in})
			return
		}
	}
	s.drop(dropStray)
}

// takeCancel finds the INVITE that is to be cancelled; its leg answers both (RFC 3261 §9.2). The CANCEL itself needs no
// transaction: one that is repeated gets its answer again.
func (s *Server) takeCancel(in *inbound) {
	invite := s.txs.findServer(inviteKey(in.Request))
	if invite == nil {
		in.answer(481, "")
		return
	}
	leg := invite.leg.Load()
	if leg != nil && leg.post(cancelArrived{in: in, invite: invite}) {
		return
	}
	// The INVITE was answered and its leg is gone: the CANCEL has no effect but its own answer.
	tag := newTag()
	if leg != nil {
		tag = leg.id.LocalTag
	} else if was := invite.tag.Load(); was != nil {
		tag = *was
	}
	in.send(newResponse(in.Request, 200, "", tag))
}

func dialogOf(req *sipmsg.Request, local LocalTag) DialogID {
	remote, _ := req.From().Params.Get("tag")
	return DialogID{CallID: req.CallID().Value(), LocalTag: local, RemoteTag: RemoteTag(remote)}
}

// allowed are the methods we serve in any case, as Allow lists them.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, SUBSCRIBE, NOTIFY, REGISTER"

// knownMethods are the methods of the RFCs: those we do not serve get 405, all others 501 (RFC 3261 §8.2.1).
var knownMethods = map[sipmsg.RequestMethod]struct{}{
	sipmsg.INVITE: {}, sipmsg.ACK: {}, sipmsg.CANCEL: {}, sipmsg.BYE: {}, sipmsg.OPTIONS: {}, sipmsg.INFO: {},
	sipmsg.UPDATE: {}, sipmsg.NOTIFY: {}, sipmsg.REGISTER: {}, sipmsg.SUBSCRIBE: {}, sipmsg.REFER: {},
	sipmsg.MESSAGE: {}, sipmsg.PRACK: {}, sipmsg.PUBLISH: {},
}

// extensions are the option tags we understand (RFC 3261 §8.2.2.3): session timers, Replaces, reliable
// provisional answers, and Path and outbound in a
// registration. A tag here is a promise.
var extensions = map[sipmsg.RequestMethod][]string{
	sipmsg.INVITE: {"timer", "replaces", optionReliable}, sipmsg.UPDATE: {"timer"}, sipmsg.REGISTER: {"path", "outbound"},
}

// unsupported returns 420 with the option tags of Require that we do not know.
func (s *Server) unsupported(in *inbound) (code int, headers []sipmsg.Header) {
	var unknown []string
	for _, tag := range headerTokens(in.Request, "require") {
		known := false
		for _, have := range append(s.optionTags(in), extensions[in.Method]...) {
			known = known || strings.EqualFold(tag, have)
		}
		if !known {
			unknown = append(unknown, tag)
		}
	}
	if len(unknown) == 0 {
		return 0, nil
	}
	return 420, []sipmsg.Header{sipmsg.NewHeader("Unsupported", strings.Join(unknown, ", "))}
}
