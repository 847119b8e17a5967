package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"passerelle/portal/stream"
)

// ServerConfig is one listener and how it is served.
type ServerConfig struct {
	Listener net.Listener  // plain, or wrapped in TLS by the caller; Run closes it
	Grace    time.Duration // how long requests in flight may finish at the end; zero means 5 s
	Log      *slog.Logger  // nil discards
}

// Server serves one handler on one listener.
type Server struct {
	cfg ServerConfig
	h   http.Handler
}

// NewServer does no work yet.
func NewServer(cfg ServerConfig, h http.Handler) *Server {
	if cfg.Grace == 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, h: h}
}

// Run serves until ctx is done, then waits for the requests in flight, at most the grace period, and returns nil. An
// error means that the listener failed.
func (s *Server) Run(ctx context.Context) error {
	// Requests outlive ctx: they get the grace period. Streams do not, or it would always pass.
	requests, abandon := context.WithCancel(stream.WithClosing(context.WithoutCancel(ctx), ctx.Done()))
	defer abandon()
	srv := &http.Server{
		Handler:           s.h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       2 * time.Minute, // a large import over a slow line
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // ends within the grace period; Run waits for it
		defer close(stopped)
		within, cancel := context.WithTimeout(requests, s.cfg.Grace)
		defer cancel()
		if err := srv.Shutdown(within); err != nil {
			s.cfg.Log.InfoContext(ctx, "http requests cut at shutdown", "err", err)
			_ = srv.Close() // the listener is closed already
		}
	})
	err := srv.Serve(s.cfg.Listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	_ = srv.Close() // err says more
	return fmt.Errorf("serve http on %s: %w", s.cfg.Listener.Addr(), err)
}
