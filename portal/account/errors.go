package account

import "errors"

var (
	// ErrDenied is a sign-in whose address or password is wrong; which of them is told to nobody.
	ErrDenied = errors.New("address or password is wrong")
	// ErrWrongCode is a second factor's code, or a recovery code, that is wrong, too old or used already.
	ErrWrongCode = errors.New("code is wrong or was used already")
	// ErrStale wants the second factor given anew before second factors are changed.
	ErrStale = errors.New("second factor must be given anew")
	// ErrWrongPasskey is an answer of a passkey that is not the account's, not for this server, or not to what was asked.
	ErrWrongPasskey = errors.New("passkey does not fit")
	// ErrNoPasskeys means that passkeys work only by TLS and by the server's name, never by its IP address.
	ErrNoPasskeys = errors.New("passkeys want TLS and a name")
	// ErrTooManyPasskeys refuses more than MaxPasskeys.
	ErrTooManyPasskeys = errors.New("account has as many passkeys as it may")
	// ErrTooManyTries refuses a try without looking at it.
	ErrTooManyTries = errors.New("too many tries")
	// ErrBusy means that too many passwords are being checked; the same try may succeed a moment later.
	ErrBusy = errors.New("too many sign-ins at once")
	// ErrNoSetup is a set-up link that was used, has expired or never was one.
	ErrNoSetup = errors.New("no such set-up link")
	// ErrWeakPassword is a new password that is too short, too long or somebody's name or address.
	ErrWeakPassword = errors.New("password is too weak")
	// ErrBadEmail is a new account's address that is none, or is taken.
	ErrBadEmail = errors.New("e-mail address is unfit or taken")
	// ErrBadName is a new account's name that is empty or too long.
	ErrBadName = errors.New("name is empty or too long")
)
