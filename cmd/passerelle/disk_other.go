//go:build !linux

package main

import (
	"errors"

	"passerelle/portal/health"
)

// diskOf cannot tell on this system.
func diskOf(string) (health.Disk, error) { return health.Disk{}, errors.New("not told by this system") }
