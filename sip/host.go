package sip

import (
	"net"
	"net/netip"
	"strconv"

	sipmsg "github.com/emiago/sipgo/sip"
)

// host is how we name ourselves to a peer that reaches us at addr.
func (s *Server) host(addr netip.AddrPort) (host string, port int) {
	if s.cfg.Advertise != "" {
		return s.cfg.Advertise, int(addr.Port())
	}
	return addr.Addr().WithZone("").String(), int(addr.Port())
}

func (s *Server) hostPort(addr netip.AddrPort) string {
	host, port := s.host(addr)
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// dressRequest completes a request without body.
func (s *Server) dressRequest(req *sipmsg.Request) {
	if req.ContentLength() == nil {
		req.SetBody(nil)
	}
}
