package sip

import "errors"

// How a leg ends, as Leg.Cause and context.Cause of the handler's context tell.
var (
	// ErrLegEnded is returned by the methods of a leg that is gone; as a cause it means that we hung up.
	ErrLegEnded = errors.New("leg ended")
	// ErrCancelled means that the caller cancelled before our final answer (RFC 3261 §9.2).
	ErrCancelled = errors.New("cancelled by the caller")
	// ErrBye means that the peer hung up; a *PeerEnd in the chain carries its Reason (RFC 3326).
	ErrBye = errors.New("hung up by the peer")
	// ErrNoACK means that no ACK came for our 2xx within 64*T1, so that we sent BYE (RFC 3261 §13.3.1.4).
	ErrNoACK = errors.New("no ACK for the final answer")
	// ErrNoPRACK means that the caller acknowledged no reliable provisional answer within 64*T1, so that we refused the call
	// (RFC 3262 §3).
	ErrNoPRACK = errors.New("no PRACK for the provisional answer")
	// ErrSessionExpired means that the session was not refreshed in time (RFC 4028 §10).
	ErrSessionExpired = errors.New("session expired without refresh")
	// ErrDialogGone means that the peer no longer knows the dialog: it answered 481, or 408, or nothing
	// (RFC 3261 §12.2.1.2).
	ErrDialogGone = errors.New("the peer no longer knows the dialog")
	// ErrNoResponse means that nobody has answered a call of ours at all, within its transaction or its Patience: the peer is gone,
	// or was never there. A peer's own 408 is another matter.
	ErrNoResponse = errors.New("no answer at all")
	// ErrRejected means that we refused the call with a final answer of ours.
	ErrRejected = errors.New("call refused")
	// ErrShutdown means that the server ends.
	ErrShutdown = errors.New("server shuts down")
	// ErrPanic means that a fault of our own ended the leg.
	ErrPanic = errors.New("internal fault")
)

// What a method of a leg may refuse.
var (
	// ErrWrongState means that the leg's state does not allow the call, such as a second final answer.
	ErrWrongState = errors.New("not in this state of the leg")
	// ErrNotAllowed means that the peer does not take the method, as its Allow or its 405 tells (RFC 3261 §20.5).
	ErrNotAllowed = errors.New("the peer does not take this method")
	// ErrNoOffer means that there is no pending offer to accept or refuse: it was answered, withdrawn by CANCEL or
	// timed out.
	ErrNoOffer = errors.New("no pending offer")
	// ErrOfferPending means that an offer of either side is under way already (RFC 3264 §4).
	ErrOfferPending = errors.New("an offer is under way")
	// ErrNoAnswer means that the ACK of a call that was answered with our offer carried no SDP (RFC 3261 §13.2.2.4).
	ErrNoAnswer = errors.New("the ACK carries no answer to our offer")
)

// What the transport may report.
var (
	// ErrFlowGone means that the connection of the peer is closed; it is not dialled (RFC 5626 §5.3).
	ErrFlowGone = errors.New("the flow is gone")
	// ErrSlowPeer means that the write queue of a connection is full; the connection is closed.
	ErrSlowPeer = errors.New("the peer does not read")
	// ErrTooLarge means that a message does not fit into a datagram of 65535 bytes.
	ErrTooLarge = errors.New("message too large")
)

// How a subscription ends, as Subscription.Cause tells; ErrDialogGone, ErrFlowGone, ErrRejected, ErrShutdown and ErrPanic
// besides.
var (
	// ErrUnsubscribed means that the subscriber ended it, or asked for the state once (RFC 6665 §4.4.3).
	ErrUnsubscribed = errors.New("unsubscribed")
	// ErrSubscriptionExpired means that it was not refreshed in time.
	ErrSubscriptionExpired = errors.New("subscription expired without refresh")
	// ErrReplaced means that the phone, started anew, subscribed to the same by a new dialog.
	ErrReplaced = errors.New("replaced by a new subscription of the same phone")
	// ErrTerminated means that we ended it.
	ErrTerminated = errors.New("subscription terminated by the server")
)
