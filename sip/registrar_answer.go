package sip

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// okLocked builds the outcome of a request that was worked off at a time: all bindings as they were then (step 8).
func (r *Registrar) okLocked(rec *record, rq *registration, at time.Time) outcome {
	o := outcome{code: 200, reason: "OK", at: at}
	if len(rec.bound) > 0 {
		o.contacts = make([]string, 0, len(rec.bound))
	}
	for _, b := range rec.bound {
		o.contacts = append(o.contacts, contactValue(&b.Binding, at))
		// Only over streams, where CRLF keeps the flow alive: over UDP the phone would expect STUN (RFC 5626 §4.4).
		o.outbound = o.outbound || rq.outbound && b.RegID != 0 && b.CallID == rq.callID && isStream(rq.src.Transport)
	}
	if rq.pathKnown {
		o.path = rq.path
	}
	return o
}

// contactValue spells a binding as in the 200: the URI as the phone gave it, the seconds left, its other parameters.
func contactValue(b *Binding, at time.Time) string {
	left := int64((b.Expires.Sub(at) + time.Second - 1) / time.Second)
	var num [20]byte
	secs := strconv.AppendInt(num[:0], left, 10)
	var s strings.Builder
	s.Grow(len(b.Contact) + len(b.Params) + len(secs) + len("<>;expires="))
	s.WriteByte('<')
	s.WriteString(b.Contact)
	s.WriteString(">;expires=")
	s.Write(secs)
	s.WriteString(b.Params)
	return s.String()
}

// answer puts an outcome into a message.
func (r *Registrar) answer(req *sipmsg.Request, rq *registration, o outcome) *sipmsg.Response {
	res := statelessResponse(req, o.code, o.reason)
	switch o.code {
	case 200:
		for _, c := range o.contacts {
			res.AppendHeader(sipmsg.NewHeader("Contact", c))
		}
		for _, p := range o.path {
			res.AppendHeader(sipmsg.NewHeader("Path", p))
		}
		if o.outbound {
			res.AppendHeader(sipmsg.NewHeader("Require", "outbound"))
		}
		res.AppendHeader(sipmsg.NewHeader("Supported", "path, outbound"))
		if r.allow != "" {
			res.AppendHeader(sipmsg.NewHeader("Allow-Events", r.allow))
		}
		res.AppendHeader(sipmsg.NewHeader("Date", r.date.at(o.at)))
	case 423:
		res.AppendHeader(sipmsg.NewHeader("Min-Expires", strconv.Itoa(int(r.cfg.MinExpires/time.Second))))
	default:
		if o.retry > 0 {
			res.AppendHeader(sipmsg.NewHeader("Retry-After", strconv.Itoa(int((o.retry+time.Second-1)/time.Second))))
		}
	}
	return res
}

// dateText keeps the text of the current second, which most answers share.
type dateText struct {
	last atomic.Pointer[secondText]
}

type secondText struct {
	unix int64
	text string
}

func (d *dateText) at(t time.Time) string {
	unix := t.Unix()
	if last := d.last.Load(); last != nil && last.unix == unix {
		return last.text
	}
	s := &secondText{unix: unix, text: t.UTC().Format(http.TimeFormat)} // SIP-date is RFC 1123 in GMT (RFC 3261 §20.17)
	d.last.Store(s)
	return s.text
}
