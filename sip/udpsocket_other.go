//go:build !linux

package sip

import (
	"net"
	"net/netip"
)

func newUDPSocket(pc net.PacketConn, _ netip.AddrPort) udpSocket { return newPlainSocket(pc) }
