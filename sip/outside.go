package sip

import (
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// takeOutside serves a request that belongs to no dialog.
func (s *Server) takeOutside(in *inbound) {
	switch in.Method {
	case sipmsg.INVITE:
		s.takeInvite(in)
	case sipmsg.REGISTER:
		s.takeRegister(in)
	case sipmsg.OPTIONS:
		s.takeOptions(in)
	case sipmsg.NOTIFY:
		s.takeNotify(in)
	case sipmsg.SUBSCRIBE:
		s.takeSubscribe(in)
	case sipmsg.REFER:
		if s.refer == nil {
			in.answer(405, "", s.allows())
			return
		}
		s.takeReferOutside(in)
	case sipmsg.PUBLISH:
		in.answer(489, "", s.allowEvents()...)
	case sipmsg.BYE, sipmsg.INFO, sipmsg.UPDATE, sipmsg.PRACK:
		in.answer(481, "")
	default:
		code := 405
		if _, known := knownMethods[in.Method]; !known {
			code = 501
		}
		in.answer(code, "", s.allows())
	}
}

// takeOptions tells what we can (RFC 3261 §11.2). It proves nothing about a user.
func (s *Server) takeOptions(in *inbound) {
	in.answer(200, "", s.abilities()...)
}

// abilities are the headers of an answer to OPTIONS.
func (s *Server) abilities() []sipmsg.Header {
	return append([]sipmsg.Header{
		s.allows(),
		sipmsg.NewHeader("Accept", acceptTypes),
		sipmsg.NewHeader("Accept-Encoding", "identity"),
		sipmsg.NewHeader("Supported", supported),
	}, s.allowEvents()...)
}

// allows lists the methods we serve.
func (s *Server) allows() sipmsg.Header {
	if s.refer != nil {
		return sipmsg.NewHeader("Allow", allowed+", REFER")
	}
	return sipmsg.NewHeader("Allow", allowed)
}

func (s *Server) allowEvents() []sipmsg.Header {
	if len(s.events) == 0 {
		return nil
	}
	return []sipmsg.Header{sipmsg.NewHeader("Allow-Events", strings.Join(s.events, ", "))}
}

const (
	supported   = "timer, replaces, 100rel, path"
	acceptTypes = "application/sdp, application/dtmf-relay, application/dtmf"
)

// takeRegister proves the line and hands the request to the registrar, which keeps the answer for retransmissions; there
// is no transaction.
func (s *Server) takeRegister(in *inbound) {
	if s.auth == nil || s.reg == nil {
		in.answer(405, "", s.allows())
		return
	}
	line := s.prove(in)
	if line == nil {
		return
	}
	if res := s.reg.Register(in.Request, in.src, line, s.lines); res != nil {
		in.send(res)
	}
}

// prove checks the credentials of a request. When they prove no line the request is answered here and the result is nil.
func (s *Server) prove(in *inbound) *Line {
	if s.auth == nil {
		in.answer(403, "")
		return nil
	}
	v := s.auth.Check(in.Request, in.src)
	switch {
	case v.Line != nil && v.Line.Trunk != "" && in.Method != sipmsg.INVITE:
		in.answer(403, "")
		return nil
	case v.Line != nil:
		s.guard.Trust(in.src.Remote.Addr())
		return v.Line
	case v.Response == nil:
		s.drop(dropAuth)
	case v.Delay > 0:
		s.later(v.Delay, func() { in.send(v.Response) })
	default:
		in.send(v.Response)
	}
	return nil
}

// later runs f after a while unless the server has ended; the authenticator bounds how many wait.
func (s *Server) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		defer s.recovered(ownerMailbox)
		f()
	})
}
