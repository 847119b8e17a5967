package api

import "errors"

var (
	// ErrNoToken is answered 401: the request names nobody.
	ErrNoToken = errors.New("no bearer token")
	// ErrUnknownToken is answered 401 with error="invalid_token" (RFC 6750 §3.1).
	ErrUnknownToken = errors.New("unknown bearer token")
	// ErrUnknownScope refuses a scope that is none of ours.
	ErrUnknownScope = errors.New("unknown scope")
	// ErrTooManyTokens is answered 409: an account, or the server, has as many tokens as it may.
	ErrTooManyTokens = errors.New("there are too many tokens: revoke one first")
	// ErrNoSuchToken is answered 404: no token that is kept has the ID.
	ErrNoSuchToken = errors.New("no token has this id")
	// ErrWeakToken refuses a token that could be guessed or cannot be sent.
	ErrWeakToken = errors.New("unfit token")
	// ErrNumberTaken is answered 409: the number already belongs to a user or to another gateway.
	ErrNumberTaken = errors.New("number is in use")
	// ErrChanged is answered 412: somebody else has changed meanwhile what the request means to change.
	ErrChanged = errors.New("somebody else has changed it meanwhile")
	// ErrUnavailable is answered 503: what the request needs does not run, or no longer.
	ErrUnavailable = errors.New("not available")

	errBadCursor = errors.New("cursor was not issued by this server")
)
