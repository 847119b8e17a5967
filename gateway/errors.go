package gateway

import (
	"errors"

	"passerelle/sip"
)

var (
	// ErrSpaceFull means that fifteen participants are in; it is answered 486 when the space ID came in the INVITE, else
	// spoken.
	ErrSpaceFull error = &sip.StatusError{Code: 486, Reason: "Busy Here", Err: errors.New("space is full")}
	// ErrSpaceLocked means that the session of the space lets nobody in but the owner and whom the owner brings; it is answered
	// 480 when the space ID came in the INVITE, else spoken.
	ErrSpaceLocked error = &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable", Err: errors.New("space is locked")}
	// ErrUnassigned means that the site's gateway has no number: no space call at all; it is answered 404.
	ErrUnassigned error = &sip.StatusError{Code: 404, Reason: "Not Found", Err: errors.New("no gateway number is assigned")}
	// ErrUnknownSpace is a space ID that opens nothing at this site; it is answered 404 when it came in the INVITE.
	ErrUnknownSpace = errors.New("unknown space")
	// ErrDraining refuses new calls while the server shuts down; it is answered 503.
	ErrDraining = errors.New("server is shutting down")
	// ErrNoBridge means that the space has no live bridge.
	ErrNoBridge = errors.New("no live bridge")
	// ErrNoParticipant means that nobody with that ID is on the bridge.
	ErrNoParticipant = errors.New("no such participant")
	// ErrNoDialer means that spaces of this server call nobody.
	ErrNoDialer = errors.New("no calls out of spaces")
	// ErrNoOutcall means that the space has made no such call, or long ago.
	ErrNoOutcall = errors.New("no such call")
	// ErrOutcallUp means that a call that is to be repeated is not over.
	ErrOutcallUp = errors.New("the call is not over")
	// ErrNotSeated means that a leg whose seat is wanted sits in no space.
	ErrNotSeated error = &sip.StatusError{Code: 481, Err: errors.New("the leg sits in no space")}
	// ErrHandedOver means that the seat of a leg is being handed to somebody already, or that nobody sits on it yet.
	ErrHandedOver error = &sip.StatusError{Code: 491, Err: errors.New("the seat is being handed over")}
	// ErrUnconfirmed is a call of a space whose callee has answered and not pressed the key that enters.
	ErrUnconfirmed error = &sip.StatusError{Code: 480, Reason: "Not Confirmed", Err: errors.New("answered, but no key was pressed")}

	// errCancelled is a call of a space that was taken back before its callee was in.
	errCancelled = errors.New("cancelled")
	// errRemoved turns somebody away who was removed before sitting down: the space does not want the newcomer, now or elsewhere
	// (RFC 3261 §21.6.2).
	errRemoved error = &sip.StatusError{Code: 603, Err: errors.New("removed before sitting down")}
	// errPressed ends the wait for the key that enters.
	errPressed = errors.New("key pressed")
	// errBroken is a call of a space that a fault of ours ended.
	errBroken = errors.New("internal fault")
	// errNoID ends a call whose caller typed no valid space ID in the tries it had.
	errNoID = errors.New("no valid space ID typed")
	// errBridgeEnded makes taking a seat begin anew, on the next bridge.
	errBridgeEnded = errors.New("bridge has ended")
)
