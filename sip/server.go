package sip

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ServerConfig says where a Server listens and how it behaves. The server closes the sockets when Run ends.
type ServerConfig struct {
	UDP []net.PacketConn // one reader each
	TCP []net.Listener
	TLS []net.Listener // plain listeners; the server speaks TLS on them, by TLSConfig
	WS  []net.Listener // SIP over WebSocket (RFC 7118)
	WSS []net.Listener // plain listeners; WebSocket inside TLS

	TLSConfig *tls.Config // needed by TLS and WSS

	Advertise      string        // host for Contact and Via, address or name; empty means the address each peer reached us at
	UserAgent      string        // Server and User-Agent headers; empty means "Passerelle"
	AllowEvents    []string      // event packages served, for Allow-Events (RFC 6665 §8.2.2)
	SessionExpires time.Duration // longest session interval we grant (RFC 4028); 0 means 30 minutes
	MinSE          time.Duration // shortest session interval we accept; 0 means 90 seconds, the least RFC 4028 allows

	Log     *slog.Logger          // nil discards
	Metrics prometheus.Registerer // nil means a registry of its own
}

// Server is the edge: it reads, orders and dispatches SIP messages.
type Server struct{}

// NewServer makes a server; Run starts it. auth and reg may be nil where nobody registers and only trunks call.
func NewServer(cfg ServerConfig, auth *Authenticator, reg *Registrar, lines Lines, h Handler) *Server {
	return &Server{}
}

// Run serves until ctx is done and everything it started has ended. It returns nil only when asked to stop.
func (s *Server) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Drain refuses new calls with 503 and Retry-After from now on; calls that are up go on.
func (s *Server) Drain() {}

// Legs returns how many legs are alive.
func (s *Server) Legs() int { return 0 }
