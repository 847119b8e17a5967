package sip

import (
	"bytes"
	"net/netip"
	"strconv"

	sipmsg "github.com/emiago/sipgo/sip"
)

// dress adds what all our answers carry.
func (s *Server) dress(res *sipmsg.Response) *sipmsg.Response {
	if s.cfg.UserAgent != "" && headerValue(res, "server") == "" {
		res.AppendHeader(sipmsg.NewHeader("Server", s.cfg.UserAgent))
	}
	if res.ContentLength() == nil {
		res.SetBody(res.Body())
	}
	return res
}

// answer refuses or answers a request without keeping anything of it (RFC 3261 §8.2.7): one datagram for one datagram.
func (in *inbound) answer(code int, reason string, headers ...sipmsg.Header) {
	if reason == "" {
		reason = StatusText(code)
	}
	res := statelessResponse(in.Request, code, reason)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	in.send(res)
}

// send sends an answer statelessly and counts it.
func (in *inbound) send(res *sipmsg.Response) {
	if in.Method == sipmsg.ACK {
		return
	}
	in.s.metrics.requests.WithLabelValues(methodLabel(in.Method), strconv.Itoa(res.StatusCode)).Inc()
	in.s.dress(res)
	if in.src.Transport == "UDP" && !tame(res, in.size) {
		in.s.drop(dropAmplify)
		return
	}
	if err := in.wire().WriteMsg(res); err != nil {
		in.s.log.Debug("answer not sent", "method", methodLabel(in.Method), "code", res.StatusCode, "remote", in.src.Remote, "err", err)
	}
}

// answerRaw answers a message that does not parse, as often as the guard allows and only when the answer is not much
// larger than what drew it.
func (s *Server) answerRaw(f flow, src Source, raw []byte, flaw *malformed) {
	res, ok := rawResponse(raw, src.Remote, flaw.code, flaw.reason)
	if !ok || !s.guard.Malformed(src.Remote) {
		return
	}
	if err := f.send(res, rawDestination(res, src), src.Local.Addr()); err != nil {
		s.metrics.sendErrors.Inc()
	}
}

// rawDestination finds where an answer by UDP goes from its own top Via (RFC 3261 §18.2.2).
func rawDestination(res []byte, src Source) netip.AddrPort {
	_, rest, _ := bytes.Cut(res, []byte("\r\nVia: "))
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	if i := bytes.IndexByte(line, ','); i >= 0 {
		line = line[:i]
	}
	h, err := viaParser(nil, string(line))
	via, ok := h.(*sipmsg.ViaHeader)
	if err != nil || !ok || src.Transport != "UDP" {
		return src.Remote
	}
	via.Params = tidy(via.Params)
	return viaDestination(via, src)
}

var viaParser = sipmsg.DefaultHeadersParser()["via"]
