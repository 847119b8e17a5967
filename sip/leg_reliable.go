package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// reliability sends provisional answers reliably (RFC 3262 §3): one at a time, each repeated until its PRACK. It belongs to the
// owner of its leg.
type reliability struct {
	rseq    uint32         // of the latest, 0 before the first
	waiting *unacked       // sent, its PRACK not here yet
	queue   []*provisional // to be sent after it
	acked   bool           // a PRACK came: the caller knows the early dialog
	settled bool           // offer and answer have been exchanged
	sdp     []byte         // what we said in that exchange
	amended []byte         // what we have to say since, offered when the call is up
	held    func()         // sends the 200, which waits for a PRACK or for an answer of ours
}

// provisional is a provisional answer that is to be sent reliably.
type provisional struct {
	res   *sipmsg.Response
	sdp   []byte
	offer bool // sdp is our offer, the PRACK answers it
}

// unacked is a reliable provisional answer that waits for its PRACK.
type unacked struct {
	*provisional
	rseq     uint32
	interval time.Duration
	again    *time.Timer
	limit    *time.Timer
}

func (u *unacked) stop() {
	u.again.Stop()
	u.limit.Stop()
}

// ring sends a provisional answer: reliably when the caller requires it, and when it can and the answer brings a session
// description, whose loss would be heard.
func (l *Leg) ring(code int, sdp []byte, headers []Header) error {
	if l.state != legEarly || l.rel.held != nil || code <= 100 || code >= 200 {
		return fmt.Errorf("ring with %d: %w", code, ErrWrongState)
	}
	if l.described() {
		sdp = nil // the session is settled
	}
	res := l.reply(l.req, code, "")
	addHeaders(res, headers)
	if l.invite.requires(optionReliable) || sdp != nil && l.invite.Supports(optionReliable) {
		withBody(res, "application/sdp", sdp)
		l.rel.queue = append(l.rel.queue, &provisional{res: res, sdp: sdp, offer: sdp != nil && l.offer == nil})
		l.ringing = func() {
			if l.rel.waiting == nil {
				_ = l.ring(code, nil, headers) // the state allows it as it did before
			}
		}
		l.nextProvisional()
	} else {
		if l.offer == nil {
			sdp = nil // an offer may be lost here (RFC 3262 §5)
		}
		withBody(res, "application/sdp", sdp)
		if sdp != nil {
			l.sdp = sdp
		}
		l.ringing = func() { l.respond(l.tx, res) }
		l.ringing()
	}
	l.armExpires()
	return nil
}

// described tells whether our session description went out in a reliable answer, or waits to.
func (l *Leg) described() bool {
	if l.rel.settled || l.rel.waiting != nil && l.rel.waiting.sdp != nil {
		return true
	}
	for _, p := range l.rel.queue {
		if p.sdp != nil {
			return true
		}
	}
	return false
}

// nextProvisional sends the next reliable answer when none waits for its PRACK.
func (l *Leg) nextProvisional() {
	if l.rel.waiting != nil || len(l.rel.queue) == 0 || l.state != legEarly {
		return
	}
	u := &unacked{provisional: l.rel.queue[0], interval: timerT1}
	l.rel.queue = l.rel.queue[1:]
	if l.rel.rseq == 0 {
		l.rel.rseq = rand.Uint32N(1 << 30) // RFC 3262 §3: any but 0, with room to count
	}
	l.rel.rseq++
	u.rseq = l.rel.rseq
	u.res.AppendHeader(sipmsg.NewHeader("Require", optionReliable))
	u.res.AppendHeader(sipmsg.NewHeader("RSeq", strconv.FormatUint(uint64(u.rseq), 10)))
	l.rel.waiting = u
	if u.sdp != nil && !u.offer {
		l.rel.settled, l.rel.sdp, l.sdp = true, u.sdp, u.sdp
	}
	l.respond(l.tx, u.res)
	u.again = l.after(u.interval, func() {
		if l.rel.waiting == u && l.state == legEarly {
			l.respond(l.tx, u.res)
			u.interval *= 2
			u.again.Reset(u.interval)
		}
	})
	u.limit = l.after(ackLimit, func() {
		if l.rel.waiting == u && l.state == legEarly {
			l.final(504, "", Reason{})
			l.over(ErrNoPRACK)
			l.state = legTerminated
		}
	})
}

// takePrack matches a PRACK to the answer that waits for it (RFC 3262 §3).
func (l *Leg) takePrack(in *inbound, tx *serverTx) {
	u := l.rel.waiting
	rseq, cseq, ok := parseRAck(headerValue(in.Request, "rack"))
	switch {
	case !ok:
		l.respond(tx, l.reply(in.Request, 400, "Bad RAck"))
		return
	case u == nil || rseq != u.rseq || cseq != l.req.CSeq().SeqNo:
		l.respond(tx, l.reply(in.Request, 481, ""))
		return
	}
	sdp, code, headers := l.s.readBody(in.Request)
	if code != 0 {
		l.refuseWith(in, tx, code, headers) // it may come again, without that body
		return
	}
	u.stop()
	l.rel.waiting, l.rel.acked = nil, true
	switch {
	case u.offer && sdp == nil:
		l.respond(tx, l.reply(in.Request, 400, "No SDP Answer"))
		if l.state == legEarly {
			l.final(500, "", Reason{})
			l.over(ErrNoAnswer)
			l.state = legTerminated
		}
		return
	case u.offer:
		l.respond(tx, l.reply(in.Request, 200, ""))
		l.rel.settled, l.rel.sdp, l.sdp = true, u.sdp, u.sdp
		l.emit(AnswerEvent{SDP: sdp})
	case sdp != nil && l.glare() != 0: // no offer is due before the first one has its answer
		l.busy(in, tx)
	case sdp != nil:
		l.offered(in, tx, OfferEvent{Method: "PRACK", SDP: sdp}, updateLimit)
	default:
		l.respond(tx, l.reply(in.Request, 200, ""))
	}
	l.nextProvisional()
	l.releaseAnswer()
}

// parseRAck reads a RAck header (RFC 3262 §7.2).
func parseRAck(v string) (rseq, cseq uint32, ok bool) {
	f := strings.Fields(v)
	if len(f) != 3 || f[2] != string(sipmsg.INVITE) {
		return 0, 0, false
	}
	r, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil {
		return 0, 0, false
	}
	c, err := strconv.ParseUint(f[1], 10, 32)
	return uint32(r), uint32(c), err == nil
}

// mayAnswer tells whether the 200 may leave: not while a session description of ours waits for its PRACK, nor while the caller
// waits for an answer of ours (RFC 3262 §3, §5).
func (l *Leg) mayAnswer() bool {
	return (l.rel.waiting == nil || l.rel.waiting.sdp == nil) && l.pending == nil
}

// releaseAnswer sends the 200 that was held back, if it may leave now.
func (l *Leg) releaseAnswer() {
	if f := l.rel.held; f != nil && l.state == legEarly && !l.isOver && l.mayAnswer() {
		l.rel.held = nil
		f()
	}
}

// stopProvisional ends the repeating of provisional answers: the final one speaks for them. A PRACK that is still under way is
// matched all the same.
func (l *Leg) stopProvisional() {
	l.rel.queue, l.rel.held = nil, nil
	if l.rel.waiting != nil {
		l.rel.waiting.stop()
	}
}

// bodyOfAnswer is the session description of a 200: none when a reliable answer settled the session (RFC 6337 §3.1.1). One that
// says something else is offered when the call is up.
func (l *Leg) bodyOfAnswer(sdp []byte) []byte {
	if !l.rel.settled {
		return sdp
	}
	if sdp != nil && string(l.rel.sdp) != string(sdp) {
		l.rel.amended = sdp
	}
	return nil
}

// amendLimit is for the caller to take what became of the session since a reliable answer settled it.
const amendLimit = time.Minute

// amend offers the caller what the session has become since a reliable answer settled it.
func (l *Leg) amend() {
	sdp := l.rel.amended
	if sdp == nil {
		return
	}
	l.rel.amended = nil
	l.s.legs.wait.Go(func() { // ends with the answer, the leg or amendLimit
		ctx, cancel := context.WithTimeout(context.Background(), amendLimit)
		defer cancel()
		answer, err := l.Reoffer(ctx, sdp)
		if err != nil {
			l.log.Info("session not amended", "err", err)
			return
		}
		l.post(command(func() { l.emit(AnswerEvent{SDP: answer}) }))
	})
}
