//go:build !(linux && (amd64 || arm64))

package media

import "net/netip"

func openUDP(addr netip.AddrPort) (Conn, error) { return openPortable(addr) }

// batchSystem is empty where datagrams are read one by one.
type batchSystem struct{}

func (*batchSystem) init(*batch) {}
