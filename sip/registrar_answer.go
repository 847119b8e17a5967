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
	o := outcome{code: 200, reason: "OK", at: at, contacts: rq.values[:0]}
	for _, b := range rec.bound {
		o.contacts = append(o.contacts, contactValue(&b.Binding, at))
		// Only over streams, where CRLF keeps the flow alive: over UDP the phone would expect STUN (RFC 5626 §4.4).
		o.outbound = o.outbound || rq.outbound && b.RegID != 0 && b.CallID == rq.callID && isStream(rq.src.Transport)
	}
	rq.values = o.contacts // release clears what grew
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
		res.AppendHeader(r.supported)
		if r.allow != nil {
			res.AppendHeader(r.allow)
		}
		res.AppendHeader(r.date.at(o.at))
	case 423:
		res.AppendHeader(sipmsg.NewHeader("Min-Expires", strconv.Itoa(int(r.cfg.MinExpires/time.Second))))
	default:
		if o.retry > 0 {
			res.AppendHeader(sipmsg.NewHeader("Retry-After", strconv.Itoa(int((o.retry+time.Second-1)/time.Second))))
		}
	}
	return res
}

// dateHeader keeps the Date header of the current second, which most answers share.
type dateHeader struct {
	last atomic.Pointer[secondHeader]
}

type secondHeader struct {
	unix   int64
	header sipmsg.Header
}

func (d *dateHeader) at(t time.Time) sipmsg.Header {
	unix := t.Unix()
	if last := d.last.Load(); last != nil && last.unix == unix {
		return last.header
	}
	s := &secondHeader{unix: unix, header: sipmsg.NewHeader("Date", t.UTC().Format(http.TimeFormat))} // RFC 3261 §20.17
	d.last.Store(s)
	return s.header
}
