//go:build linux && (amd64 || arm64)

package media

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
)

// rawAddr is a sockaddr_in or sockaddr_in6; its zero value is AF_UNSPEC.
type rawAddr struct {
	b [28]byte
	n uint32
}

// set writes the address; IPv4 is written mapped when the socket is one of IPv6.
func (r *rawAddr) set(a netip.AddrPort, ipv6 bool) {
	r.b = [28]byte{}
	binary.BigEndian.PutUint16(r.b[2:], a.Port())
	if !ipv6 {
		r.n = 16
		binary.NativeEndian.PutUint16(r.b[:], syscall.AF_INET)
		if ip := a.Addr().Unmap(); ip.Is4() {
			v4 := ip.As4()
			copy(r.b[4:], v4[:])
		}
		return
	}
	r.n = 28
	binary.NativeEndian.PutUint16(r.b[:], syscall.AF_INET6)
	if a.Addr().IsValid() {
		v6 := a.Addr().As16()
		copy(r.b[8:], v6[:])
	}
	if zone := a.Addr().Zone(); zone != "" {
		if id, err := strconv.ParseUint(zone, 10, 32); err == nil {
			binary.NativeEndian.PutUint32(r.b[24:], uint32(id))
		}
	}
}

func (r *rawAddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(r.b[2:])
	if binary.NativeEndian.Uint16(r.b[:]) == syscall.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(r.b[4:8])), port)
	}
	ip := netip.AddrFrom16([16]byte(r.b[8:24])).Unmap()
	if id := binary.NativeEndian.Uint32(r.b[24:]); id != 0 && ip.Is6() {
		ip = ip.WithZone(strconv.FormatUint(uint64(id), 10))
	}
	return netip.AddrPortFrom(ip, port)
}
