package sip

import "context"

// Leg is our side of one INVITE dialog (RFC 3261 §12). One goroutine owns it; all methods may be called from anywhere.
type Leg struct {
	invite *Invite
	id     DialogID
	offer  []byte
	events chan LegEvent
	done   chan struct{}
	cause  error // written before done closes
}

// Invite returns the facts of the INVITE.
func (l *Leg) Invite() *Invite { return l.invite }

// ID returns the dialog's identity.
func (l *Leg) ID() DialogID { return l.id }

// CallID returns the dialog's Call-ID.
func (l *Leg) CallID() string { return l.id.CallID }

// Offer returns the SDP of the INVITE, nil when it had none (delayed offer).
func (l *Leg) Offer() []byte { return l.offer }

// Events returns what the peer does in the dialog; the channel is closed when the leg ends.
func (l *Leg) Events() <-chan LegEvent { return l.events }

// Done is closed when the leg has ended.
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

// Ring sends a provisional answer, 180 to 183 as a rule, with SDP when sdp is not nil.
func (l *Leg) Ring(ctx context.Context, code int, sdp []byte) error { return ErrLegEnded }

// Answer sends 200 with the answer to the caller's offer and repeats it until the ACK comes (RFC 3261 §13.3.1.4). It
// returns at the ACK, or with ErrNoACK when the leg was ended for want of one.
func (l *Leg) Answer(ctx context.Context, sdp []byte) error { return ErrLegEnded }

// AnswerWithOffer sends 200 with our offer, to an INVITE without one, and returns the answer that the ACK carries.
func (l *Leg) AnswerWithOffer(ctx context.Context, offer []byte) (answer []byte, err error) {
	return nil, ErrLegEnded
}

// Accept answers the pending OfferEvent with 200 and sdp.
func (l *Leg) Accept(ctx context.Context, sdp []byte) error { return ErrLegEnded }

// Refuse answers the pending OfferEvent with a final error status; the session stays as it was (RFC 3261 §14.2).
func (l *Leg) Refuse(ctx context.Context, code int) error { return ErrLegEnded }

// Reoffer sends our offer in a re-INVITE and returns the peer's answer. A glare (491) is tried again after the pause of
// RFC 3261 §14.1, until ctx ends.
func (l *Leg) Reoffer(ctx context.Context, offer []byte) (answer []byte, err error) {
	return nil, ErrLegEnded
}

// Probe sends OPTIONS in the dialog. Any answer but 481 and 408 proves that the peer's dialog lives.
func (l *Leg) Probe(ctx context.Context) error { return ErrLegEnded }

// Hangup ends the leg: BYE when it was answered, a final error status when not. It returns when the leg has ended.
func (l *Leg) Hangup(ctx context.Context, r Reason) error { return ErrLegEnded }
