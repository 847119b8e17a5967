package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

var errNoTLS = errors.New("no TLS configuration")

// handshake brings a connection to where SIP can be read: TLS, then the WebSocket upgrade. It runs under a deadline, on the
// connection's own goroutine, so that a silent peer delays nobody.
func (s *Server) handshake(ctx context.Context, kind string, c net.Conn) (net.Conn, *webSocket, error) {
	if kind == "TLS" || kind == "WSS" {
		if s.cfg.TLSConfig == nil {
			return c, nil, errNoTLS
		}
		t := tls.Server(c, s.cfg.TLSConfig)
		if err := t.HandshakeContext(ctx); err != nil {
			return c, nil, err
		}
		c = t
	}
	if kind == "WS" || kind == "WSS" {
		ws, err := upgrade(c)
		return c, ws, err
	}
	return c, nil, nil
}
