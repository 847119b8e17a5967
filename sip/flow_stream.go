package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of one connection.
const (
	streamQueue     = 256                    // messages waiting to be written; a peer that lets them pile up is closed
	streamWriteTime = 10 * time.Second       // for one message to leave
	streamFirstTime = 30 * time.Second       // for the handshake and the first message
	streamPartTime  = 30 * time.Second       // for a message to come whole
	streamLinger    = 200 * time.Millisecond // before a broken stream is closed
	streamIdleTime  = 3 * time.Hour          // without a byte; longer than any registration
)

// streamFlow is one connection: TCP, TLS, or a WebSocket. Its reader runs in serveStream, its writer in writeLoop.
type streamFlow struct {
	ident  FlowID
	kind   string // "TCP", "TLS", "WS" or "WSS"
	conn   net.Conn
	raw    net.Conn              // conn, or what TLS runs on
	frame  func(b []byte) []byte // wraps a message for the wire, nil for TCP and TLS
	remote netip.AddrPort
	addr   netip.AddrPort
	owner  *outgoing   // of a connection that we made, else nil
	heard  atomic.Bool // a whole SIP message came

	queue chan []byte
	once  sync.Once
	gone  chan struct{} // closed by close
}

func newStreamFlow(id FlowID, kind string, c, raw net.Conn) *streamFlow {
	return &streamFlow{
		ident: id, kind: kind, conn: c, raw: raw, remote: addrPortOf(c.RemoteAddr()), addr: addrPortOf(c.LocalAddr()),
		queue: make(chan []byte, streamQueue), gone: make(chan struct{}),
	}
}

func (f *streamFlow) id() FlowID                          { return f.ident }
func (f *streamFlow) transport() string                   { return f.kind }
func (f *streamFlow) local(netip.AddrPort) netip.AddrPort { return f.addr }
func (f *streamFlow) source() Source {
	return Source{Transport: f.kind, Remote: f.remote, Local: f.addr, Flow: f.ident}
}

// flow is what answers and later requests go by.
func (f *streamFlow) flow() flow {
	if f.owner != nil {
		return f.owner
	}
	return f
}

func (f *streamFlow) isClosed() bool {
	select {
	case <-f.gone:
		return true
	default:
		return false
	}
}

// idle is how long the peer may be silent.
func (f *streamFlow) idle() time.Duration {
	if f.owner != nil {
		return dialIdleTime
	}
	return streamIdleTime
}

// send queues a message. It never waits: a peer that does not read loses its connection.
func (f *streamFlow) send(b []byte, _ netip.AddrPort, _ netip.Addr) error {
	if f.frame != nil {
		b = f.frame(b)
	}
	return f.push(b)
}

func (f *streamFlow) push(b []byte) error {
	select {
	case <-f.gone:
		return fmt.Errorf("send to %s: %w", f.remote, ErrFlowGone)
	default:
	}
	select {
	case f.queue <- b:
		return nil
	default:
		f.close()
		return fmt.Errorf("send to %s: %w", f.remote, ErrSlowPeer)
	}
}

// close ends the flow; reader and writer notice. It does not wait, as the farewell of TLS could.
func (f *streamFlow) close() {
	f.once.Do(func() {
		close(f.gone)
		_ = f.raw.Close()
	})
}

// writeLoop writes what is queued until the flow is closed. Its serveStream waits for it.
func (f *streamFlow) writeLoop() {
	defer f.close()
	for {
		select {
		case <-f.gone:
			return
		case b := <-f.queue:
			if b == nil { // from finish
				_ = f.conn.SetWriteDeadline(time.Now().Add(time.Second))
				_ = f.conn.Close() // with the farewell of TLS
				return
			}
			_ = f.conn.SetWriteDeadline(time.Now().Add(streamWriteTime))
			if _, err := f.conn.Write(b); err != nil {
				return
			}
		}
	}
}

// linger waits for the answers to the messages that came whole before a broken one.
func (f *streamFlow) linger() {
	select {
	case <-f.gone:
	case <-time.After(streamLinger):
	}
}

// finish lets what is queued leave, a refusal as a rule, and closes the flow.
func (f *streamFlow) finish(limit time.Duration) {
	if f.push(nil) == nil {
		select {
		case <-f.gone:
		case <-time.After(limit):
		}
	}
	f.close()
}

// serveListener accepts connections until ctx is done, which closes the listener.
func (s *Server) serveListener(ctx context.Context, kind string, l net.Listener) error {
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		default: // out of descriptors, or a peer that is gone already
			s.metrics.readErrors.Inc()
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		if !s.flows.admit(addrPortOf(c.RemoteAddr()).Addr()) {
			s.metrics.dropped.WithLabelValues(string(dropConnections)).Inc()
			_ = c.Close()
			continue
		}
		s.wait.Go(func() { // ends with the connection, which ctx closes; Run waits
			defer s.flows.leave(addrPortOf(c.RemoteAddr()).Addr())
			s.serveConn(ctx, kind, c)
		})
	}
}

// serveConn runs one connection to its end.
func (s *Server) serveConn(ctx context.Context, kind string, c net.Conn) {
	defer s.recovered(ownerConnection)
	raw := c
	defer func() { _ = raw.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(streamFirstTime))
	c, frames, err := s.handshake(ctx, kind, raw)
	if err != nil {
		s.metrics.dropped.WithLabelValues(string(dropHandshake)).Inc()
		s.log.DebugContext(ctx, "handshake", "transport", kind, "remote", c.RemoteAddr().String(), "err", err)
		return
	}
	_ = c.SetDeadline(time.Time{})
	f := newStreamFlow(s.flows.next(), kind, c, raw)
	if frames != nil {
		f.frame = frames.wrap
	}
	s.flows.add(f)
	s.metrics.flows.WithLabelValues(kind).Inc()
	written := make(chan struct{})
	go func() { // ends when the flow closes; waited for below
		defer close(written)
		f.writeLoop()
	}()
	if frames != nil {
		err = s.readFrames(f, frames)
	} else {
		err = s.readStream(f)
	}
	s.log.DebugContext(ctx, "connection ended", "transport", kind, "remote", f.remote, "err", err)
	f.finish(time.Second)
	<-written
	s.flows.remove(f)
	s.metrics.flows.WithLabelValues(kind).Dec()
	s.subs.flowClosed(f.ident)
	if s.reg != nil {
		s.reg.FlowClosed(f.ident)
	}
}
