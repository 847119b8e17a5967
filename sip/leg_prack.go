package sip

import (
	"strconv"

	sipmsg "github.com/emiago/sipgo/sip"
)

// reliableSeq returns the RSeq of a provisional answer that wants a PRACK (RFC 3262 §4).
func reliableSeq(res *sipmsg.Response) (rseq uint32, ok bool) {
	if res.StatusCode <= 100 || !hasToken(res, "require", optionReliable) {
		return 0, false
	}
	n, err := strconv.ParseUint(headerValue(res, "rseq"), 10, 32)
	if err != nil || n == 0 {
		return 0, false
	}
	return uint32(n), true
}

// optionReliable is the option tag of reliable provisional answers (RFC 3262 §8.1).
const optionReliable = "100rel"

// takeReliable handles a reliable provisional answer. Those of one dialog count in the order of their numbers: one that was
// had already is dropped, and so is one ahead of its turn, which its sender repeats. It reports whether the answer is to be
// passed on, and as what.
func (l *Leg) takeReliable(d *earlyDialog, rseq uint32, sdp []byte, hasSDP bool) (e ProgressEvent, ok bool) {
	if d.rseq != 0 && rseq != d.rseq+1 {
		return ProgressEvent{}, false
	}
	d.rseq = rseq
	e.Reliable = true
	if !hasSDP || d.settled {
		l.prack(d, rseq, nil)
		return e, true
	}
	e.SDP = sdp
	if l.call.invite.delayed {
		if l.isOver { // it crossed our CANCEL: there will be no session
			return ProgressEvent{}, false
		}
		e.Offer = true
		d.answer = sdp
		l.call.offers = append(l.call.offers, earlyOffer{dialog: d, rseq: rseq})
		return e, true
	}
	d.settled, d.answer = true, sdp
	l.prack(d, rseq, nil)
	return e, true
}

// prack acknowledges a reliable provisional answer in its early dialog, with our answer when it brought an offer.
func (l *Leg) prack(d *earlyDialog, rseq uint32, answer []byte) {
	invite := l.call.invite
	c := &outCall{
		method: sipmsg.PRACK, in: d, body: answer,
		headers: []sipmsg.Header{sipmsg.NewHeader("RAck", strconv.FormatUint(uint64(rseq), 10)+" "+
			strconv.FormatUint(uint64(invite.seq), 10)+" INVITE")},
		done: func(res *sipmsg.Response, err error) {
			if res == nil || !res.IsSuccess() { // the final answer to the INVITE decides
				l.log.Debug("PRACK failed", "code", outcomeLabel(res, err), "err", err)
			}
		},
	}
	if err := l.send(c); err != nil {
		l.log.Debug("PRACK not sent", "err", err)
	}
}
