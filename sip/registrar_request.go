package sip

import (
	"maps"
	"strings"
	"sync"

	sipmsg "github.com/emiago/sipgo/sip"
)

// headerParsers are sipgo's without the one for Contact, which loses parameters with quoted semicolons or equals signs and
// cannot tell a bare URI with headers. A Contact stays as it was written; Request.Contact reads it when asked.
func headerParsers() map[string]sipmsg.HeaderParser {
	m := maps.Clone(sipmsg.DefaultHeadersParser())
	delete(m, "contact")
	delete(m, "m")
	return m
}

// registration is what a REGISTER asks for, read from its headers once.
type registration struct {
	aor      AOR
	username string
	src      Source

	callID    string
	cseq      uint32
	branch    string // of the top Via
	contacts  []contact
	expires   int64    // Expires header in seconds, -1 if absent
	path      []string // Path header values
	userAgent string

	pathKnown bool     // Supported: path (RFC 3327 §5.3)
	values    []string // room for the Contact values of the answer
	outbound  bool     // Supported: outbound, and the request came without a proxy (RFC 5626 §6)
}

// registrations keeps used registrations for their slices.
var registrations = sync.Pool{New: func() any {
	return &registration{contacts: make([]contact, 0, 2), values: make([]string, 0, 4)}
}}

func takeRegistration() *registration { return registrations.Get().(*registration) }

// release gives a registration back, without what it points to.
func (rq *registration) release() {
	clear(rq.contacts)
	clear(rq.values)
	*rq = registration{contacts: rq.contacts[:0], values: rq.values[:0]}
	registrations.Put(rq)
}

// read reads a REGISTER; an error means 400.
func (rq *registration) read(req *sipmsg.Request) error {
	rq.expires = -1
	if id := req.CallID(); id != nil {
		rq.callID = string(*id)
	}
	if cseq := req.CSeq(); cseq != nil {
		rq.cseq = cseq.SeqNo
	}
	vias := 0
	for _, h := range req.Headers() {
		switch name := h.Name(); len(name) {
		case 1:
			switch name[0] | 0x20 {
			case 'm':
				if err := rq.readContacts(h); err != nil {
					return err
				}
			case 'k':
				rq.readSupported(h.Value())
			}
		case len("Via"):
			if via, ok := h.(*sipmsg.ViaHeader); ok {
				if vias++; vias == 1 {
					rq.branch, _ = via.Params.Get("branch")
				}
			}
		case len("Path"):
			if strings.EqualFold(name, "Path") {
				rq.path = append(rq.path, splitList(h.Value())...)
			}
		case len("Contact"): // and Expires
			if strings.EqualFold(name, "Contact") {
				if err := rq.readContacts(h); err != nil {
					return err
				}
			} else if strings.EqualFold(name, "Expires") {
				rq.expires = parseExpires(strings.TrimSpace(h.Value()))
			}
		case len("Supported"):
			if strings.EqualFold(name, "Supported") {
				rq.readSupported(h.Value())
			}
		case len("User-Agent"):
			if strings.EqualFold(name, "User-Agent") {
				rq.userAgent = h.Value()
			}
		}
	}
	// A proxy in between owns the flow, unless it says by Path;ob that it takes part.
	rq.outbound = rq.outbound && vias == 1 && len(rq.path) == 0
	return nil
}

func (rq *registration) readContacts(h sipmsg.Header) (err error) {
	rq.contacts, err = parseContacts(rq.contacts, h.Value())
	return err
}

func (rq *registration) readSupported(list string) {
	for list != "" {
		var option string
		option, list, _ = strings.Cut(list, ",")
		switch option = strings.TrimSpace(option); {
		case strings.EqualFold(option, "path"):
			rq.pathKnown = true
		case strings.EqualFold(option, "outbound"):
			rq.outbound = true
		}
	}
}

// splitList splits a header value at the commas outside angle brackets and quotes.
func splitList(s string) []string {
	var list []string
	inQuotes, inBrackets, start := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == '<':
			inBrackets = true
		case c == '>':
			inBrackets = false
		case c == ',' && !inBrackets:
			list = append(list, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		list = append(list, last)
	}
	return list
}
