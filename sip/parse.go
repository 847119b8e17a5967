package sip

import (
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

var (
	parser         = sipmsg.NewParser()
	registerParser = sipmsg.NewParser(sipmsg.WithHeadersParsers(headerParsers())) // the registrar reads Contact itself
)

// parse reads a whole message that scanHead found no flaw in. What the parser of sipgo lets pass too freely is put right:
// methods keep their case, and white space around parameters goes.
func parse(raw []byte, h head) (sipmsg.Message, *malformed) {
	if h.bodyLength > len(raw)-h.length {
		return nil, &malformed{400, "Body Shorter Than Content-Length"}
	}
	if h.bodyLength >= 0 {
		raw = raw[:h.length+h.bodyLength] // what follows in a datagram is no part of the message (RFC 3261 §18.3)
	}
	p := parser
	if string(h.method) == string(sipmsg.REGISTER) {
		p = registerParser
	}
	m, err := p.ParseSIP(raw)
	if err != nil || m == nil {
		return nil, &malformed{400, "Malformed Header"}
	}
	via, from, to, cseq := m.Via(), m.From(), m.To(), m.CSeq()
	if via == nil || from == nil || to == nil || cseq == nil || m.CallID() == nil {
		return nil, &malformed{400, "Missing Header"}
	}
	for _, x := range m.GetHeaders("via") {
		if v, ok := x.(*sipmsg.ViaHeader); ok {
			tidyVia(v)
		}
	}
	if h.odd {
		for _, x := range m.GetHeaders("contact") {
			if c, ok := x.(*sipmsg.ContactHeader); ok {
				c.Params = tidy(c.Params)
				tidyURI(&c.Address)
			}
		}
	}
	from.Params, to.Params = tidy(from.Params), tidy(to.Params)
	tidyURI(&from.Address)
	tidyURI(&to.Address)
	cseq.MethodName = sipmsg.RequestMethod(h.cseqMethod)
	if !strings.EqualFold(via.ProtocolName, "SIP") || via.ProtocolVersion != "2.0" || via.Host == "" {
		return nil, &malformed{400, "Malformed Via"}
	}
	req, ok := m.(*sipmsg.Request)
	if ok != h.request {
		return nil, &malformed{400, "Malformed Start Line"}
	}
	if ok {
		req.Method = sipmsg.RequestMethod(h.method)
		if len(req.Recipient.Headers) > 0 { // RFC 3261 §19.1.1: not allowed there
			return nil, &malformed{400, "Headers In Request-URI"}
		}
	}
	return m, nil
}

// tidyVia finds the transport when white space stands before it (RFC 3261 §25.1, sent-protocol).
func tidyVia(v *sipmsg.ViaHeader) {
	v.Params = tidy(v.Params)
	v.Host = strings.TrimSpace(v.Host)
	if f := strings.Fields(v.Host); v.Transport == "" && len(f) == 2 {
		v.Transport, v.Host = f[0], f[1]
	}
}

// tidy takes white space off parameters and drops empty ones; names fall to lower case, as they compare (RFC 3261 §7.3.1).
func tidy(params sipmsg.HeaderParams) sipmsg.HeaderParams {
	clean := true
	for _, p := range params {
		if p.K == "" || p.K != strings.ToLower(strings.TrimSpace(p.K)) || p.V != strings.TrimSpace(p.V) {
			clean = false
			break
		}
	}
	if clean {
		return params
	}
	kept := make(sipmsg.HeaderParams, 0, len(params))
	for _, p := range params {
		k := strings.ToLower(strings.Trim(p.K, " \t;"))
		if k == "" {
			continue
		}
		kept = append(kept, sipmsg.HeaderKV{K: k, V: strings.TrimSpace(p.V)})
	}
	return kept
}

func tidyURI(u *sipmsg.Uri) {
	u.Host = strings.TrimSpace(u.Host)
	u.UriParams = tidyValues(u.UriParams)
}

// tidyValues takes white space off without touching the case: URI parameters may be shown as they were written.
func tidyValues(params sipmsg.HeaderParams) sipmsg.HeaderParams {
	for i := range params {
		params[i].K, params[i].V = strings.TrimSpace(params[i].K), strings.TrimSpace(params[i].V)
	}
	return params
}
