package oidc

import "errors"

var (
	// ErrUnavailable means that the provider was not reached, or did not answer as one.
	ErrUnavailable = errors.New("identity provider not available")
	// ErrRefused is a sign-in that the provider refused, or that did not come back as it went out.
	ErrRefused = errors.New("sign-in refused")
	// ErrUnverified means that the provider gives no address, or has not verified it.
	ErrUnverified = errors.New("provider has not verified an e-mail address")
)
