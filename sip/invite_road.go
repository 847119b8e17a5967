package sip

import (
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// takeInvite makes a leg of an INVITE outside a dialog (RFC 3261 §13.3.1), once it is known who calls.
func (s *Server) takeInvite(in *inbound) {
	who, known := s.identify(in)
	if !known {
		return
	}
	if s.draining.Load() && !s.urgent(in, who) {
		in.answer(503, "", sipmsg.NewHeader("Retry-After", "30"))
		return
	}
	if s.legs.merged(in.Request) {
		in.answer(482, "") // the same request by another path (RFC 3261 §8.2.2.2)
		return
	}
	offer, code, headers := s.readBody(in.Request)
	if code == 0 {
		code, headers = s.checkInterval(in.Request)
	}
	if code != 0 {
		in.answer(code, "", headers...)
		return
	}
	tx := s.txs.newServer(s, in.key, in.Request, in.wire())
	leg := s.newLeg(in, tx, who, offer)
	leg.keep(tx)
	if !s.legs.add(leg) {
		_ = tx.respond(s.dress(newResponse(in.Request, 503, "", leg.id.LocalTag)))
		return
	}
	_ = tx.respond(s.dress(newResponse(in.Request, 100, "", "")))
	leg.start()
}

// urgent tells a call that no drain may stand before.
func (s *Server) urgent(in *inbound, who Identity) bool {
	h, ok := s.handler.(Urgent)
	return ok && h.Urgent(newInvite(in, who))
}

// identify tells who sends an INVITE. A registered connection or a valid digest wins, then the source of a trunk; anybody
// else is challenged, and answered here.
func (s *Server) identify(in *inbound) (who Identity, known bool) {
	if name, ok := s.registeredFlow(in); ok {
		return Identity{Username: name}, true
	}
	trunk, isTrunk := s.trunkOf(in)
	if isTrunk && !hasCredentials(in.Request) && !s.phoneAt(in) {
		s.guard.Trust(in.src.Remote.Addr())
		return Identity{Trunk: trunk}, true
	}
	if isTrunk && s.auth != nil {
		// A trunk may send credentials meant for somebody else; wrong ones make it no stranger.
		if v := s.auth.Check(in.Request, in.src); v.Line != nil {
			return callerOf(v.Line), true
		} else if !s.phoneAt(in) {
			return Identity{Trunk: trunk}, true
		}
	}
	line := s.prove(in)
	if line == nil {
		return Identity{}, false
	}
	return callerOf(line), true
}

// callerOf is who proved the credentials of a line, or of a trunk.
func callerOf(line *Line) Identity {
	if line.Trunk != "" {
		return Identity{Trunk: line.Trunk}
	}
	return Identity{Username: line.Username}
}

// trunkOf finds the trunk that a request comes from by where it came from and, of one that we registered with, by the Contact
// it was sent to.
func (s *Server) trunkOf(in *inbound) (name string, ok bool) {
	if f, can := s.lines.(TrunkFinder); can {
		if name, ok = f.TrunkOf(in.src, newURI(&in.Recipient)); ok {
			return name, true
		}
	}
	return s.lines.Trunk(in.src.Remote)
}

// registeredFlow tells the line whose proven registration came by the same connection. A UDP source proves nothing, it can
// be forged; a phone there is challenged.
func (s *Server) registeredFlow(in *inbound) (username string, ok bool) {
	if s.reg == nil || !reliable(in.src.Transport) {
		return "", false
	}
	for _, b := range s.bindingsOfSender(in) {
		if b.Source.Flow == in.src.Flow {
			return b.Username, true
		}
	}
	return "", false
}

// phoneAt reports whether a phone registered from the very source of the request: then it is that phone, also where a
// trunk has the same address.
func (s *Server) phoneAt(in *inbound) bool {
	for _, b := range s.bindingsOfSender(in) {
		if b.Source.Remote == in.src.Remote && b.Source.Transport == in.src.Transport {
			return true
		}
	}
	return false
}

func (s *Server) bindingsOfSender(in *inbound) []Binding {
	if s.reg == nil {
		return nil
	}
	from := newURI(&in.From().Address)
	aor, ok := s.lines.AOR(from.User, from.Host)
	if !ok {
		return nil
	}
	return s.reg.Bindings(aor)
}

func hasCredentials(req *sipmsg.Request) bool {
	return req.GetHeader("authorization") != nil || req.GetHeader("proxy-authorization") != nil
}

// readBody finds the SDP of a request and refuses bodies that we cannot read (RFC 3261 §8.2.3).
func (s *Server) readBody(req *sipmsg.Request) (sdp []byte, code int, headers []sipmsg.Header) {
	body := req.Body()
	if accept := headerTokens(req, "accept"); len(accept) > 0 && !accepts(accept, "application/sdp") {
		return nil, 406, []sipmsg.Header{sipmsg.NewHeader("Accept", acceptTypes)}
	}
	if len(body) == 0 {
		return nil, 0, nil
	}
	if enc := headerValue(req, "content-encoding"); enc != "" && !strings.EqualFold(strings.TrimSpace(enc), "identity") {
		return nil, 415, []sipmsg.Header{sipmsg.NewHeader("Accept-Encoding", "identity")}
	}
	contentType := headerValue(req, "content-type")
	switch kind := mediaType(contentType); {
	case kind == "application/sdp" || kind == "":
		return body, 0, nil
	case strings.HasPrefix(kind, "multipart/"):
		if sdp, ok := partOf(contentType, body, "application/sdp"); ok {
			return sdp, 0, nil
		}
	case optionalBody(req):
		return nil, 0, nil
	}
	return nil, 415, []sipmsg.Header{sipmsg.NewHeader("Accept", acceptTypes), sipmsg.NewHeader("Accept-Encoding", "identity")}
}

// accepts reports whether an Accept header allows a media type (RFC 3261 §20.1).
func accepts(ranges []string, kind string) bool {
	major, _, _ := strings.Cut(kind, "/")
	for _, r := range ranges {
		switch mediaType(r) {
		case kind, major + "/*", "*/*":
			return true
		}
	}
	return false
}

// optionalBody reports whether a body may be left unread (RFC 3261 §20.11).
func optionalBody(req *sipmsg.Request) bool {
	_, params, _ := strings.Cut(strings.ToLower(headerValue(req, "content-disposition")), ";")
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); k == "handling" {
			return strings.TrimSpace(v) == "optional"
		}
	}
	return false
}

// sdpOf returns the SDP of an answer.
func (s *Server) sdpOf(res *sipmsg.Response) ([]byte, bool) {
	body := res.Body()
	switch kind := mediaType(headerValue(res, "content-type")); {
	case len(body) == 0:
		return nil, false
	case strings.HasPrefix(kind, "multipart/"):
		return partOf(headerValue(res, "content-type"), body, "application/sdp")
	}
	return body, true
}
