package sip

import (
	"strconv"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// newResponse builds an answer (RFC 3261 §8.2.6). tag becomes the To tag unless the request has one; 100 gets none.
func newResponse(req *sipmsg.Request, code int, reason string, tag LocalTag) *sipmsg.Response {
	if reason == "" {
		reason = StatusText(code)
	}
	res := sipmsg.NewResponse(code, reason)
	for _, h := range req.GetHeaders("via") {
		res.AppendHeader(sipmsg.HeaderClone(h))
	}
	if code > 100 && code < 300 && req.Method != sipmsg.REGISTER {
		for _, h := range req.GetHeaders("record-route") { // RFC 3261 §12.1.1
			res.AppendHeader(sipmsg.HeaderClone(h))
		}
	}
	res.AppendHeader(sipmsg.HeaderClone(req.From()))
	to := sipmsg.HeaderClone(req.To()).(*sipmsg.ToHeader)
	if code > 100 && tag != "" && !to.Params.Has("tag") {
		to.Params.Add("tag", string(tag))
	}
	res.AppendHeader(to)
	callID := *req.CallID()
	res.AppendHeader(&callID)
	res.AppendHeader(sipmsg.HeaderClone(req.CSeq()))
	if code == 100 {
		if h := req.GetHeader("timestamp"); h != nil {
			res.AppendHeader(sipmsg.HeaderClone(h))
		}
	}
	res.SetTransport(req.Transport())
	return res
}

// withBody sets a body and its type; Content-Length comes last, also without one (RFC 3261 §18.4).
func withBody(m interface {
	AppendHeader(sipmsg.Header)
	SetBody([]byte)
}, contentType string, body []byte) {
	if len(body) > 0 {
		m.AppendHeader(sipmsg.NewHeader("Content-Type", contentType))
	}
	m.SetBody(body)
}

// header appends a header unless its value is empty.
func header(m interface{ AppendHeader(sipmsg.Header) }, name, value string) {
	if value != "" {
		m.AppendHeader(sipmsg.NewHeader(name, value))
	}
}

// addHeaders appends what a handler wants to have said besides.
func addHeaders(m interface{ AppendHeader(sipmsg.Header) }, list []Header) {
	for _, h := range ofOurs(list) {
		m.AppendHeader(h)
	}
}

// ofOurs are headers as the messages have them.
func ofOurs(list []Header) []sipmsg.Header {
	all := make([]sipmsg.Header, 0, len(list))
	for _, h := range list {
		if h.Value != "" {
			all = append(all, sipmsg.NewHeader(h.Name, h.Value))
		}
	}
	return all
}

func seconds(n int) string { return strconv.Itoa(n) }

// headerValue returns the value of the first header of that name; compact forms count as their long names.
func headerValue(m headerList, name string) string {
	for _, h := range m.Headers() {
		if sameHeader(h.Name(), name) {
			return h.Value()
		}
	}
	return ""
}

// headerTokens returns the members of all comma-separated headers of that name.
func headerTokens(m headerList, name string) []string {
	var all []string
	for _, h := range m.Headers() {
		if !sameHeader(h.Name(), name) {
			continue
		}
		rest := h.Value()
		for rest != "" {
			var one string
			one, rest = cutUnquoted(rest, ',')
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

// hasToken reports whether a comma-separated header lists a token; tokens compare without case.
func hasToken(m headerList, name, token string) bool {
	for _, t := range headerTokens(m, name) {
		if strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}

type headerList interface{ Headers() []sipmsg.Header }

// mediaType returns the type of a Content-Type value in lower case, without parameters.
func mediaType(v string) string {
	v, _, _ = strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(v))
}
