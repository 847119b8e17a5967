package media

import "errors"

// Negotiation.
var (
	// ErrBadSDP is a session description that cannot be understood (RFC 8866); it is answered 400.
	ErrBadSDP = errors.New("malformed session description")
	// ErrNoCommonCodec is an offer or answer without a codec that both sides speak (RFC 3264 §6); it is answered 488.
	ErrNoCommonCodec = errors.New("no common codec")
	// ErrSRTPOnly is an offer whose audio is secured by a profile that is not spoken here (RFC 3711); it is answered 488.
	ErrSRTPOnly = errors.New("secure profiles are not supported")
	// ErrSRTPRequired is an offer or answer of plain media where the leg's policy wants it secured; it is answered 488.
	ErrSRTPRequired = errors.New("secured media is required")
	// ErrNotOffered is an answer that is to be made although the peer has no offer open (RFC 3264 §4).
	ErrNotOffered = errors.New("the peer has no offer open")
	// ErrNoOffer is an answer that arrived although no offer of ours is open (RFC 3264 §4).
	ErrNoOffer = errors.New("no offer is open")
)

// Ports.
var (
	// ErrNoPorts means that every port pair of the range is in use or draining; it is answered 503.
	ErrNoPorts = errors.New("no free media port pair")
	// ErrPortsClosed means that the range was closed at shutdown.
	ErrPortsClosed = errors.New("media ports are closed")
)

// Sessions and mixers.
var (
	// ErrSessionClosed is a deed on a session after Close.
	ErrSessionClosed = errors.New("media session is closed")
	// ErrAttached is a session that already belongs to a mixer.
	ErrAttached = errors.New("media session is attached to a mixer")
	// ErrNotAttached is a session that does not belong to this mixer.
	ErrNotAttached = errors.New("media session is not attached to this mixer")
	// ErrMixerClosed is a deed on a mixer whose Run has returned.
	ErrMixerClosed = errors.New("mixer is closed")
	// ErrMixerPanic is what Run returns after a panic in its tick: the sessions are detached and live on.
	ErrMixerPanic = errors.New("mixer panicked")
)
