package gateway

import "errors"

var (
	// ErrSpaceFull means that fifteen participants are in; it is answered 486 when the space ID came in the INVITE, else
	// spoken.
	ErrSpaceFull = errors.New("space is full")
	// ErrUnassigned means that the site's gateway has no number: no space call at all; it is answered 404.
	ErrUnassigned = errors.New("no gateway number is assigned")
	// ErrUnknownSpace is a space ID that opens nothing at this site; it is answered 404 when it came in the INVITE.
	ErrUnknownSpace = errors.New("unknown space")
	// ErrDraining refuses new calls while the server shuts down; it is answered 503.
	ErrDraining = errors.New("server is shutting down")
	// ErrNoBridge means that the space has no live bridge.
	ErrNoBridge = errors.New("no live bridge")
	// ErrNoParticipant means that nobody with that ID is on the bridge.
	ErrNoParticipant = errors.New("no such participant")

	// errNoID ends a call whose caller typed no valid space ID in the tries it had.
	errNoID = errors.New("no valid space ID typed")
	// errBridgeEnded makes taking a seat begin anew, on the next bridge.
	errBridgeEnded = errors.New("bridge has ended")
)
