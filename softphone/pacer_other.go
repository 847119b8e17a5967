//go:build !linux

package softphone

import (
	"errors"
	"net/netip"
)

// pacedSocket exists on Linux only.
type pacedSocket struct {
	media       *media
	next, every int

	drops, dropsBefore uint32
}

func (*pacedSocket) drain() {}

func (*Pacer) open(netip.Addr, *media) (*mediaPort, error) {
	return nil, errors.New("many calls by one goroutine need Linux")
}
