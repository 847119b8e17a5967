package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Leg is our side of one INVITE dialog (RFC 3261 §12). One goroutine owns it; all methods may be called from anywhere.
type Leg struct {
	s      *Server
	log    *slog.Logger
	invite *Invite
	id     DialogID // of a call of ours the remote tag is in named, once it is known
	named  atomic.Pointer[DialogID]
	offer  []byte
	merge  mergeKey

	inbox   chan any // facts and commands, for the owner
	events  chan LegEvent
	done    chan struct{} // closed when the leg is over for its handler
	gone    chan struct{} // closed when the owner has ended
	cause   error         // written before done closes
	cancel  context.CancelCauseFunc
	silent  atomic.Bool                 // nobody reads events any more
	heard   atomic.Bool                 // somebody has begun to read events
	up      atomic.Bool                 // the INVITE was answered by a 2xx
	focus   atomic.Bool                 // our end is that of a conference
	ringsAt atomic.Pointer[[]RemoteTag] // early dialogs of a call of ours

	// ---- owned by run ----

	state   legState
	isOver  bool
	tx      *serverTx // of the INVITE
	req     *sipmsg.Request
	ringing func()      // repeats the last provisional answer, each minute
	expires *time.Timer // Expires of the INVITE, and the minute of ringing
	rel     reliability

	flow   flow
	peer   Source            // where the peer's latest request came from
	target sipmsg.Uri        // remote target (RFC 3261 §12.2.1.1)
	routes []sipmsg.Uri      // route set
	local  sipmsg.FromHeader // our address with our tag
	remote sipmsg.ToHeader   // the peer's with its tag
	allow  map[string]bool   // methods the peer takes, nil if it never said

	localSeq  uint32
	remoteSeq uint32
	awaiting  map[uint32]*awaitedACK // 2xx we repeat until their ACK, by CSeq
	pending   *pendingOffer          // the peer's offer that the handler has not answered
	reinvite  *outCall               // our INVITE under way
	hangupFor *Reason                // BYE to send once the ACK is there
	owed      *outCall               // INVITE of ours whose ACK waits for our answer to the offer of its 2xx
	owedLimit *time.Timer            // of owed
	current   *earlyDialog           // that the request in hand belongs to; nil is the leg's dialog
	sdp       []byte                 // what we last sent, for refreshes
	session   sessionTimer
	sessionID sessionID
	since     time.Time
	calling   bool   // we are the caller: the Call-ID is ours
	heardSeq  bool   // remoteSeq is set
	referred  bool   // the peer has sent a REFER
	asserted  string // key of the identity that the peer asserted last
	call      *ourCall
	took      []*serverTx // INVITEs of the peer whose transactions may live still
	sent      []*clientTx // the same of our requests
	wide      *outgoing   // what is too large for UDP goes by, nil for nothing
}

// legState is what was sent and received of the dialog.
type legState int

const (
	legEarly      legState = iota // called, no final answer yet
	legCalling                    // we call, no final answer yet
	legAnswered                   // 2xx sent, its ACK awaited
	legConfirmed                  // ACK received
	legEnding                     // BYE sent, its answer awaited
	legTerminated                 // nothing left to do
)

// newLeg makes the leg of an INVITE; start runs it.
func (s *Server) newLeg(in *inbound, tx *serverTx, who Identity, offer []byte) *Leg {
	req := in.Request
	from, to := req.From(), req.To()
	remoteTag, _ := from.Params.Get("tag")
	l := &Leg{
		s: s, offer: offer, merge: mergeKeyOf(req),
		id:     DialogID{CallID: req.CallID().Value(), LocalTag: newTag(), RemoteTag: RemoteTag(remoteTag)},
		invite: newInvite(in, who),
		inbox:  make(chan any), events: make(chan LegEvent, legEvents), done: make(chan struct{}), gone: make(chan struct{}),
		tx: tx, req: req, flow: in.flow, peer: in.src, since: time.Now(), heardSeq: true,
		localSeq: newCSeq(), remoteSeq: req.CSeq().SeqNo, awaiting: make(map[uint32]*awaitedACK),
	}
	l.log = s.log.With("call_id", l.id.CallID, "leg", short(l.id.LocalTag))
	l.local = to.AsFrom()
	l.local.Params.Add("tag", string(l.id.LocalTag))
	l.remote = from.AsTo()
	l.target = from.Address
	for _, h := range req.GetHeaders("record-route") {
		if rr, ok := h.(*sipmsg.RecordRouteHeader); ok {
			l.routes = append(l.routes, *rr.Address.Clone())
		}
	}
	l.sessionID.init(req)
	if e, ok := identityOf(req); ok {
		l.asserted = e.key()
	}
	l.learn(req)
	return l
}

// legEvents is how many events wait for the handler: ten keys a second by INFO for some seconds.
const legEvents = 64

// Invite returns the facts of the INVITE.
func (l *Leg) Invite() *Invite { return l.invite }

// ID returns the dialog's identity; a call of ours has no remote tag before it is answered.
func (l *Leg) ID() DialogID {
	if id := l.named.Load(); id != nil {
		return *id
	}
	return l.id
}

// EarlyDialogs returns the dialogs in which a call of ours rings, in the order in which they began, until one is answered
// (RFC 3261 §12.1.2).
func (l *Leg) EarlyDialogs() []DialogID {
	var all []DialogID
	if tags := l.ringsAt.Load(); tags != nil {
		for _, tag := range *tags {
			all = append(all, DialogID{CallID: l.id.CallID, LocalTag: l.id.LocalTag, RemoteTag: tag})
		}
	}
	return all
}

// Up reports whether the call was answered; it may have ended since.
func (l *Leg) Up() bool { return l.up.Load() }

// Ours reports whether we are the caller.
func (l *Leg) Ours() bool { return l.calling }

// SetFocus says whether our end is the focus of a conference: then the Contact of all further messages has isfocus (RFC 4579 §4.1).
func (l *Leg) SetFocus(on bool) { l.focus.Store(on) }

// CallID returns the dialog's Call-ID.
func (l *Leg) CallID() string { return l.id.CallID }

// Offer returns the SDP of the INVITE, nil when it had none (delayed offer).
func (l *Leg) Offer() []byte { return l.offer }

// Events returns what the peer does in the dialog; the channel is closed when the leg ends. A handler that does not read
// it loses events, and offers are refused.
func (l *Leg) Events() <-chan LegEvent {
	l.heard.Store(true)
	return l.events
}

// Done is closed when the leg has ended; a BYE of ours may still be waiting for its answer then.
func (l *Leg) Done() <-chan struct{} { return l.done }

// Cause returns why the leg ended, nil while it lives.
func (l *Leg) Cause() error {
	select {
	case <-l.done:
		return l.cause
	default:
		return nil
	}
}

// Ring sends a provisional answer, 180 to 183 as a rule, with SDP when sdp is not nil, and with further headers such as
// P-Asserted-Identity. It does not wait.
//
// It is sent reliably (RFC 3262) when the caller requires that, and when the caller can and sdp is not nil. Then sdp settles the
// session: a second one is not sent, and a 200 follows only upon the PRACK. To an INVITE without offer sdp is our offer; it is
// sent only reliably, and the answer comes as an AnswerEvent. A caller that acknowledges nothing in 32 seconds is answered 504,
// and the leg ends with ErrNoPRACK.
func (l *Leg) Ring(ctx context.Context, code int, sdp []byte, headers ...Header) error {
	return l.do(ctx, func() error { return l.ring(code, sdp, headers) })
}

// Answer sends 200 with the answer to the caller's offer and repeats it until the ACK comes (RFC 3261 §13.3.1.4). It
// returns at the ACK, or with ErrNoACK when the leg was ended for want of one. Where a reliable Ring settled
// the session the 200 brings none; an sdp that differs is offered in a re-INVITE then, whose answer comes as an AnswerEvent.
func (l *Leg) Answer(ctx context.Context, sdp []byte, headers ...Header) error {
	_, err := l.answerAndWait(ctx, sdp, false, headers)
	return err
}

// AnswerWithOffer sends 200 with our offer, to an INVITE without one, and returns the answer that the ACK carries. After an
// offer by a reliable Ring it is ErrWrongState: Answer ends that exchange.
func (l *Leg) AnswerWithOffer(ctx context.Context, offer []byte, headers ...Header) (answer []byte, err error) {
	return l.answerAndWait(ctx, offer, true, headers)
}

func (l *Leg) answerAndWait(ctx context.Context, sdp []byte, delayed bool, headers []Header) ([]byte, error) {
	acked := make(chan ackResult, 1)
	if err := l.do(ctx, func() error { return l.answer(sdp, delayed, headers, acked) }); err != nil {
		return nil, err
	}
	r, err := await(ctx, l, acked)
	if err != nil {
		return nil, err
	}
	return r.sdp, r.err
}

// await waits for what the owner will say; a word that is there counts before the end of the leg or of ctx.
func await[T any](ctx context.Context, l *Leg, word <-chan T) (v T, err error) {
	select {
	case v = <-word:
		return v, nil
	case <-l.done:
		err = l.overError()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case v = <-word:
		return v, nil
	default:
		return v, err
	}
}

// Accept answers the pending OfferEvent with 200, sdp and further headers.
func (l *Leg) Accept(ctx context.Context, sdp []byte, headers ...Header) error {
	return l.do(ctx, func() error { return l.accept(sdp, headers) })
}

// Refuse answers the pending OfferEvent with a final error status; the session stays as it was (RFC 3261 §14.2).
func (l *Leg) Refuse(ctx context.Context, code int) error {
	return l.do(ctx, func() error { return l.refuse(code) })
}

// Hangup ends the leg: BYE when it was answered, a final error status when not. It returns when the BYE was answered or
// ctx is done. Hanging up a leg that has ended is no error.
func (l *Leg) Hangup(ctx context.Context, r Reason) error {
	err := l.do(ctx, func() error {
		l.hangup(r, ErrLegEnded)
		return nil
	})
	if err != nil && !errors.Is(err, ErrLegEnded) {
		return err
	}
	select {
	case <-l.gone:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// do runs f on the owner and returns its error. It must not be called by the owner.
func (l *Leg) do(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case l.inbox <- command(func() {
		if l.isOver {
			result <- l.overError()
			return
		}
		result <- f()
	}):
	case <-l.gone:
		return l.overError()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-result:
		return err
	case <-l.gone: // the owner may have answered in its last turn
		select {
		case err := <-result:
			return err
		default:
			return l.overError()
		}
	}
}

// overError is what methods return once the leg is over.
func (l *Leg) overError() error {
	if l.cause == nil || errors.Is(l.cause, ErrLegEnded) {
		return ErrLegEnded
	}
	return fmt.Errorf("%w: %w", ErrLegEnded, l.cause)
}
