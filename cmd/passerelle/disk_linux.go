package main

import (
	"fmt"
	"syscall"

	"passerelle/portal/health"
)

// diskOf tells how much room there is where dir is.
func diskOf(dir string) (health.Disk, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return health.Disk{}, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return health.Disk{Free: s.Bavail * uint64(s.Bsize), Total: s.Blocks * uint64(s.Bsize)}, nil
}
